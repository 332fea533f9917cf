"""Keep in a large picture what was painted of it when it was smaller, under the strokes of the later passes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..images.maps import full_scale, in_strips

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
    planes = [np.ascontiguousarray(missing[..., i]) for i in range(3)]
    strips = [in_strips(plane, (height, width), (height / rows, width / columns)) for plane in planes]
    result = np.empty_like(painted)
    for parts in zip(*strips, strict=True):
        here = parts[0][0]
        moved = painted[here].astype(np.float32) + np.stack([part for _, part in parts], -1)
        result[here] = (moved + np.float32(0.5)).clip(0, full_scale(painted))
    return result
