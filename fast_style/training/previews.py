"""Fixed photographs, stylized while training goes on: what people would rather see than read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from .. import images
from ..errors import FastStyleError
from ..files import atomic_path

COUNT = 4
SIDE_PX = 256


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


def contact_sheet(photos: Tensor, stylized: Tensor) -> Image.Image:
    """Photographs in the upper row, their stylized versions below."""
    rows = [np.concatenate(list(row.numpy()), axis=2) for row in (photos, stylized)]
    return images.from_array(np.concatenate(rows, axis=1)[None])


def write_preview(path: Path, photos: Tensor, stylized: Tensor) -> None:
    """Write the contact sheet atomically."""
    with atomic_path(path) as temporary:
        contact_sheet(photos, stylized).save(temporary, quality=92)
