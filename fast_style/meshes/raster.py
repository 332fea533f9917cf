"""Draw triangles into grids of pixels and take colours between pixels. Pixel centres lie at halves."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .surface import areas

Array = NDArray[Any]
Indices = NDArray[np.intp]

# Pixels that are dealt with at once.
PIXELS_AT_ONCE = 2**21
# A centre that lies so far outside an edge, in px, still counts as inside: no cracks between triangles.
TOLERANCE_PX = 1e-4


@dataclass(frozen=True)
class Cells:
    """Hold pixels that triangles cover: where one covers another, both have the pixel."""

    triangles: Indices
    """(M,)"""
    pixels: Indices
    """(M,): row times width plus column."""
    shares: Array
    """(M, 3): barycentric coordinates of the centre."""

    def interpolated(self, corners: Array) -> Array:
        """Interpolate what is given at the corners of the triangles: (F, 3, D) to (M, D)."""
        result: Array = np.einsum("mc,mcd->md", self.shares, corners[self.triangles])
        return result


def cells(corners: Array, size: tuple[int, int]) -> Iterator[Cells]:
    """Find the pixels whose centres lie in triangles, in the order of the triangles, some at a time.

    corners: (F, 3, 2), x and y in px; size: height and width in px.
    """
    area = 2 * areas(corners)
    good = np.flatnonzero(np.abs(area) > 1e-9)
    # Each edge is a function that is 0 on it and 1 at the corner opposite: the barycentric coordinate.
    start, end = np.roll(corners[good], -1, 1), np.roll(corners[good], -2, 1)
    slope = np.stack([start[..., 1] - end[..., 1], end[..., 0] - start[..., 0]], -1) / area[good, None, None]
    constant = -(slope * start).sum(-1)
    slack = constant + TOLERANCE_PX * np.linalg.norm(slope, axis=-1)
    low, high = corners[good].min(1), corners[good].max(1)
    first = np.ceil(low[:, 1] - 0.5 - TOLERANCE_PX).clip(0, size[0]).astype(np.intp)
    last = np.floor(high[:, 1] - 0.5 + TOLERANCE_PX).clip(-1, size[0] - 1).astype(np.intp)
    most = (last - first + 1).clip(0) * (high[:, 0] - low[:, 0] + 1).clip(1, size[1])
    for part in _parts(most):
        which, rows = _ranges(first[part], last[part])
        which += part.start
        spans = _spans(slope[which], slack[which], rows + 0.5, size[1])
        line, columns = _ranges(*spans)
        which, rows = which[line], rows[line]
        at = np.stack([columns, rows], -1)[:, None] + 0.5
        shares = ((slope[which] * at).sum(-1) + constant[which]).clip(0, 1)
        yield Cells(good[which], rows * size[1] + columns, shares / shares.sum(1, keepdims=True))


def _parts(most: Array) -> Iterator[slice]:
    """Cut the triangles into parts of not too many pixels."""
    number = (np.cumsum(most) // PIXELS_AT_ONCE).astype(np.intp)
    cuts = np.flatnonzero(np.diff(number, prepend=-1, append=-1))
    for start, stop in pairwise(cuts.tolist()):
        yield slice(start, stop)


def _ranges(first: Indices, last: Indices) -> tuple[Indices, Indices]:
    """List the whole numbers from each `first` to its `last`: which range each is of, and the number."""
    counts = (last - first + 1).clip(0)
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts) + first[which]


def _spans(slope: Array, constant: Array, y: Array, width: int) -> tuple[Indices, Indices]:
    """First and last column of lines through triangles."""
    rest = constant + slope[..., 1] * y[:, None]
    across = slope[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = -rest / across
    left = np.where(across > 0, crossing, np.where((across == 0) & (rest < 0), np.inf, -np.inf)).max(1)
    right = np.where(across < 0, crossing, np.inf).min(1)
    first = np.ceil(left - 0.5).clip(0, width).astype(np.intp)
    return first, np.floor(right - 0.5).clip(-1, width - 1).astype(np.intp)


def sampled(picture: Array, at: Array, order: int = 1) -> Array:
    """Take colours of a picture (H, W, C) at places (M, 2), x and y in px: (M, C) float32; the edges go on outside.

    order: 1 is linear, 3 a cubic spline.
    """
    from scipy.ndimage import map_coordinates

    places = (at.T[::-1] - 0.5).astype(np.float32)
    planes = np.moveaxis(picture, -1, 0).astype(np.float32)
    return np.stack([map_coordinates(plane, places, order=order, mode="nearest") for plane in planes], -1)
