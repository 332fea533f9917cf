"""Fixed photographs, stylized while training goes on: what people would rather see than read."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import ImageOps
from torch import Tensor

from .. import images
from ..errors import FastStyleError

COUNT = 4
SIDE_PX = 256
QUALITY = 92


def preview_photos(photos: Sequence[Path]) -> Tensor:
    """The middle squares of the first readable photographs: (1 to COUNT, 3, SIDE_PX, SIDE_PX) in [0, 1]."""
    squares: list[Tensor] = []
    for path in photos:
        try:
            square = ImageOps.fit(images.read(path).rgb, (SIDE_PX, SIDE_PX))
        except FastStyleError:
            continue
        squares.append(torch.from_numpy(images.to_array(square)))
        if len(squares) == COUNT:
            break
    if not squares:
        raise FastStyleError(f"none of {len(photos)} files in the dataset is a readable picture")
    return torch.cat(squares)


def write_preview(path: Path, photos: Tensor, stylized: Tensor) -> None:
    """Write the photographs in a row, their stylized versions below; atomically. Both (N, 3, H, W) in [0, 1]."""
    pairs = zip(photos.split(1), stylized.split(1), strict=True)
    sheet = images.contact_sheet([[images.from_array(picture.numpy()) for picture in pair] for pair in pairs], gap_px=0)
    images.write(images.Picture(sheet, "JPEG", None, None), path, QUALITY)
