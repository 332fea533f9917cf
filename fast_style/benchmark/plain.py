"""Stylize one picture as one writes it first, with torch and torchvision: `python plain.py CHECKPOINT IN OUT`."""

import sys
from pathlib import Path

import torch
from PIL import Image
from torchvision.transforms.functional import to_pil_image, to_tensor

from fast_style.models.checkpoint import load


def main(checkpoint: str, source: str, target: str) -> None:
    """Stylize one picture in eager float32."""
    network = load(Path(checkpoint)).network()
    with Image.open(source) as picture, torch.no_grad():
        stylized = network(to_tensor(picture.convert("RGB"))[None]).clamp(0, 1)
    to_pil_image(stylized[0]).save(target, quality=95)


if __name__ == "__main__":
    main(*sys.argv[1:])
