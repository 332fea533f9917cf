"""Keep in a large picture what was painted of it when it was smaller, under the strokes of the later passes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import images
from ..images.maps import STRIP_PX, full_scale

Pixels = NDArray[Any]

BAND = 0.7
"""Size at which the two are compared, in sizes of the smaller one: at its own, edges would get coloured seams."""


def keep_coarse_colors(painted: Pixels, coarse: Pixels) -> Pixels:
    """Return what was painted, (H, W, 3) uint8 or uint16, with the colours of a smaller painting of the same picture.

    Nearly all that the smaller one can show comes from it, only what is finer from the larger one, as levels of a
    Laplacian pyramid (Burt & Adelson 1983). Seen equally large, pictures of any size are then the same painting. Both
    have one dtype.
    """
    height, width = painted.shape[:2]
    rows, columns = (max(1, round(BAND * side)) for side in coarse.shape[:2])
    missing = images.resized(coarse, (columns, rows)).astype(np.float32) - images.resized(painted, (columns, rows))
    planes = [Image.fromarray(np.ascontiguousarray(missing[..., i])) for i in range(3)]
    result = np.empty_like(painted)
    for start in range(0, height, STRIP_PX):
        end = min(start + STRIP_PX, height)
        box = (0, start * rows / height, columns, end * rows / height)
        # Linear interpolation would leave half of what is as fine as a picture of 512 px shows.
        parts = [plane.resize((width, end - start), Image.Resampling.BICUBIC, box) for plane in planes]
        moved = painted[start:end] + np.stack([np.asarray(part) for part in parts], -1)
        result[start:end] = (moved + np.float32(0.5)).clip(0, full_scale(painted))
    return result
