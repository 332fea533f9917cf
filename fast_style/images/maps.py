"""Compute maps that vary slowly over a picture, in cells of 4x4 px: a sixteenth of the memory, and quickly made."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]
Pixels = NDArray[Any]

CELL_PX = 4
STRIP_PX = 128


def full_scale(photo: Pixels) -> np.float32:
    """Return the value of white: 1 of float32, else the largest of the type."""
    return np.float32(1 if photo.dtype == np.float32 else np.iinfo(photo.dtype).max)


def shape_in_cells(size: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of cells for a picture of that height and width."""
    return -(-size[0] // CELL_PX), -(-size[1] // CELL_PX)


def cell_means(plane: Array) -> Array:
    """Average (H, W) over cells, the last row and column repeated where they do not fill one: (H / 4, W / 4) up."""
    missing = [(0, -side % CELL_PX) for side in plane.shape]
    full = np.pad(plane, missing, mode="edge") if any(more for _, more in missing) else plane
    rows, columns = shape_in_cells((plane.shape[0], plane.shape[1]))
    # Row by row, then column by column: 5 times as quick as a mean over both axes.
    tall = full.reshape(rows, CELL_PX, columns * CELL_PX).sum(1, dtype=np.float32)
    result: Array = sum(tall[:, i::CELL_PX] for i in range(CELL_PX)) * np.float32(CELL_PX**-2)
    return result


def cell_colors(picture: Pixels) -> Array:
    """Average a picture (H, W, 3) uint8 or uint16 over cells, in steps of 8-bit pictures: (H / 4, W / 4, 3) up."""
    pixels = picture if picture.dtype == np.uint8 else (picture >> 8).astype(np.uint8)
    return np.asarray(Image.fromarray(pixels).reduce(CELL_PX), np.float32)


def window_means(cells: Array, window: int) -> Array:
    """Average over windows of that odd number of cells a side; beyond the edges the map is mirrored."""
    half = window // 2
    padded = np.pad(cells, half, mode="symmetric").astype(np.float64)
    rows = np.sum([padded[i : i + len(cells)] for i in range(window)], axis=0)
    both = np.sum([rows[:, i : i + cells.shape[1]] for i in range(window)], axis=0)
    result: Array = (both / window**2).astype(np.float32)
    return result


def soft_means(cells: Array, window: int) -> Array:
    """Average over windows twice, which is nearly a Gaussian with a sigma of 0.4 windows."""
    return window_means(window_means(cells, window), window)


def near_means(planes: Array) -> Array:
    """Average over windows of 3 cells or px, weighted 1, 2, 1 each way: (..., H, W) to the same.

    Beyond the edges are the outermost ones.
    """
    padded = np.pad(planes, [*[(0, 0)] * (planes.ndim - 2), (1, 1), (1, 1)], mode="edge")
    tall = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
    means: Array = (tall[..., :-2] + 2 * tall[..., 1:-1] + tall[..., 2:]) * np.float32(1 / 16)
    return means


def in_strips(
    cells: Array, size: tuple[int, int], cell_px: tuple[float, float] = (CELL_PX, CELL_PX)
) -> Iterator[tuple[slice, Array]]:
    """Enlarge a map to a picture of that height and width, bilinear, in strips: rows, and (rows, W) each.

    cell_px: height and width of a cell.
    """
    above, below, down = _neighbours(size[0], len(cells), cell_px[0])
    left, right, across = _neighbours(size[1], cells.shape[1], cell_px[1])
    for top in range(0, size[0], STRIP_PX):
        rows = slice(top, min(size[0], top + STRIP_PX))
        tall = _interpolated(cells[above[rows]], cells[below[rows]], down[rows, None])
        yield rows, _interpolated(tall[:, left], tall[:, right], across)


def at_places(cells: Array, size: tuple[int, int], places: NDArray[np.intp], cell_px: int = CELL_PX) -> Array:
    """Enlarge a map (h, w, K) of cells to a picture of that height and width, bilinear, at some pixels only.

    places: (N,) numbers of pixels, row by row; cell_px: sides of a cell; returns (N, K).
    """
    down, across = np.divmod(places, size[1])
    rows, next_rows, share_down = _neighbours(size[0], len(cells), cell_px)
    columns, next_columns, share_across = _neighbours(size[1], cells.shape[1], cell_px)
    left, right, share = columns[across], next_columns[across], share_across[across, None]
    flat = cells.reshape(-1, cells.shape[-1])
    upper, lower = (
        # Twice as quick as two indices.
        _interpolated(flat.take(first + left, 0), flat.take(first + right, 0), share)
        for first in (row[down] * cells.shape[1] for row in (rows, next_rows))
    )
    return _interpolated(upper, lower, share_down[down, None])


def _neighbours(count: int, cells: int, cell_px: float) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """The two cells that each of `count` pixels lies between, and how far from the first."""
    at = ((np.arange(count) + 0.5) / cell_px - 0.5).clip(0, cells - 1)
    first = at.astype(np.intp)
    return first, np.minimum(first + 1, cells - 1), (at - first).astype(np.float32)


def _interpolated(one: Array, other: Array, share: Array) -> Array:
    result: Array = one + share * (other - one)
    return result
