"""Keep in a large picture what was painted of it when it was smaller, under the strokes of the later passes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..images.color import LUMA
from ..images.maps import full_scale, in_strips

Pixels = NDArray[Any]

BAND, COLOR_BAND = 0.7, 0.35
"""Sizes at which lightness and colours of the two are compared, in sizes of the smaller one. Strokes of both never lie
quite in line: with colours compared as finely as lightness, edges get fringes of magenta and green."""


def keep_coarse_colors(painted: Pixels, coarse: Pixels) -> Pixels:
    """Return what was painted, (H, W, 3) uint8 or uint16, with the colours of a smaller painting of the same picture.

    Nearly all that the smaller one can show comes from it, only what is finer from the larger one, as levels of a
    Laplacian pyramid (Burt & Adelson 1983). Seen equally large, pictures of any size are then the same painting. Both
    have one dtype.
    """
    height, width = size = painted.shape[0], painted.shape[1]
    missing = _missing(painted, coarse, BAND)
    colors = _missing(painted, coarse, COLOR_BAND)
    colors -= (colors @ LUMA)[..., None]
    planes = [missing @ LUMA, *np.moveaxis(colors, -1, 0)]
    strips = [in_strips(np.ascontiguousarray(p), size, (height / p.shape[0], width / p.shape[1])) for p in planes]
    result = np.empty_like(painted)
    for (here, brighter), *tints in zip(*strips, strict=True):
        moved = painted[here].astype(np.float32) + np.stack([brighter + tint for _, tint in tints], -1)
        result[here] = (moved + np.float32(0.5)).clip(0, full_scale(painted))
    return result


def _missing(painted: Pixels, coarse: Pixels, band: float) -> NDArray[np.float32]:
    """What the larger painting lacks of the smaller one, at a share of its size: (h, w, 3)."""
    rows, columns = (max(1, round(band * side)) for side in coarse.shape[:2])
    apart: NDArray[np.float32] = images.resized(coarse, (columns, rows)).astype(np.float32)
    apart -= images.resized(painted, (columns, rows))
    return apart
