"""Run pictures of any size in bounded memory: tiles, and one set of instance-norm statistics for the whole picture."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Box:
    """Describe a part of a picture, in px: rows top to bottom, columns left to right, the last not included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Return the slices of an array that ends or begins with rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width."""
        return self.bottom - self.top, self.right - self.left

    def within(self, outer: "Box") -> "Box":
        """Return the same part in the coordinates of `outer`."""
        t, left = outer.top, outer.left
        return Box(self.top - t, self.left - left, self.bottom - t, self.right - left)


@dataclass(frozen=True)
class Tile:
    """Describe a tile: `core` is what it contributes; `window` is what the network has to see for it."""

    core: Box
    window: Box


def tiles(height: int, width: int, core_px: int, stride: int, reach_px: int) -> list[Tile]:
    """List tiles, row by row; they start on multiples of `stride`, windows overlap by `reach_px`."""
    step = max(stride, core_px // stride * stride)

    def grow(box: Box) -> Box:
        return Box(
            max(0, box.top - reach_px),
            max(0, box.left - reach_px),
            min(height, box.bottom + reach_px),
            min(width, box.right + reach_px),
        )

    cores = [
        Box(top, left, min(height, top + step), min(width, left + step))
        for top in range(0, height, step)
        for left in range(0, width, step)
    ]
    return [Tile(core, grow(core)) for core in cores]


def spread(every: Sequence[Tile], count: int) -> list[Tile]:
    """Choose `count` of the tiles of `tiles`, evenly over rows and columns: where the points of Halton 1960 fall."""
    if count >= len(every):
        return list(every)
    columns = sum(tile.core.top == 0 for tile in every)
    found: dict[int, Tile] = {}
    for i in itertools.count():
        row, column = _mirrored(i, 3), _mirrored(i, 2)
        place = int(row * len(every) // columns) * columns + int(column * columns)
        found[place] = every[place]
        if len(found) == count:
            return list(found.values())
    raise AssertionError("the sequence falls everywhere")


def within_picture(core: Box, side_px: int, height: int, width: int, stride: int) -> Box:
    """Return the square of that side nearest to a core that lies within the picture, on a multiple of `stride`."""
    top, left = (
        max(0, min(at, (of - side_px) // stride * stride)) for at, of in ((core.top, height), (core.left, width))
    )
    return Box(top, left, min(height, top + side_px), min(width, left + side_px))


def _mirrored(number: int, base: int) -> float:
    """The digits of a number behind the point, the last first: 0 to 1, even for any first few numbers."""
    result, scale = 0.0, 1.0
    while number:
        scale /= base
        number, digit = divmod(number, base)
        result += digit * scale
    return result


def merge(parts: Iterable[Array]) -> Array:
    """Count, mean and variance of parts, (3, T) each, to mean and variance of the union, (2, T) (Chan et al. 1983)."""
    count = mean = spread = np.zeros(())
    for part in parts:
        n, m, v = part.astype(np.float64)
        total = count + n
        delta = m - mean
        spread = spread + v * n + delta**2 * count * n / total
        mean, count = mean + delta * n / total, total
    return np.stack([mean, spread / count]).astype(np.float32)
