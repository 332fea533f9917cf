"""Give calm areas one base colour, so that one sky does not fall apart into patches of several.

Instance norms and repeated passes turn differences that a photograph hardly shows into patches of different colour.
What is coarser than strokes is therefore averaged over the places of a calm area that look alike in the photograph: a
joint bilateral filter (Petschnigg et al. 2004, "Digital photography with flash and no-flash image pairs") of the
painted picture's low frequencies, with the photograph as its guide.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..images.maps import cell_colors, full_scale, in_strips, soft_means
from .effect import Effect

Array = NDArray[np.float32]
Pixels = NDArray[Any]

# Cells along the short side of the picture in which colours are compared, and cells at most: they are few, so that each
# can be compared with every other.
CELLS, MOST_CELLS = 24, 1536
# Sigma, as a share of the short side, of what is coarser than strokes, and of how far places share a base colour. With
# 1/12 and 16 cells patches as wide as an eighth of the short side stayed.
COARSE, REACH = 1 / 24, 2.0
# Sigma of the photograph's colours that count as alike, as a share of the range.
ALIKE = 0.04
# How many times more than the photograph, and by how many steps of 8-bit pictures more, the base colours of two places
# of one calm area may differ: a sky that brightens downwards is not painted black and white.
MOST_CONTRAST, SLACK, LIMIT_STEPS = 1.25, 5.0, 8
# Deviation of the change around a place, in steps of 8-bit pictures, up to which it lies within one patch, and from
# which on where two meet. There what is coarser than windows of EDGE_CELLS (4 px each) is evened, or half of the step
# between them would stay as a mark.
PATCH, TORN, EDGE_CELLS = 5.0, 10.0, 5
# Places less calm than this are left as they are.
LEAST_WEIGHT = 1 / 32
TINY = np.float32(1e-20)
# Cells of the grid that are calm belong to one area where their neighbours' colours differ by less than EDGE steps of
# 8-bit pictures: an area of the same colour elsewhere, as dark water under a night sky, has a colour of its own.
CALM, EDGE = 0.4, 24.0
MEDIAN_STEPS = 6
LEFT, RIGHT = np.s_[:, :-1], np.s_[:, 1:]
UP, DOWN = np.s_[:-1], np.s_[1:]


def even_base_color(painted: Pixels, photo: Pixels, calm: Array, effect: Effect) -> Pixels:
    """Even out what is coarser than strokes where a photograph is calm: (H, W, 3) uint8 or uint16, to the same.

    painted: the picture in its style, photo: what it was painted from, of one shape and type; calm: the photograph's
    `smoothness`; effect: its styles, since places of different styles do not share a colour.
    """
    if float(calm.max()) < LEAST_WEIGHT:
        return painted
    result, white = painted.copy(), full_scale(photo)
    for channel, change in enumerate(white / 255 * calm * _change(painted, photo, calm, effect)):
        for rows, move in in_strips(change, photo.shape[:2]):
            moved = np.add(move, painted[rows, :, channel], out=move)
            result[rows, :, channel] = np.add(moved, np.float32(0.5), out=moved).clip(0, white, out=moved)
    return result


def _change(painted: Pixels, photo: Pixels, calm: Array, effect: Effect) -> Array:
    """What has to be added to the painted colours in each cell of 4 px, in 8-bit steps: (3, H / 4, W / 4)."""
    shape = _grid(*calm.shape)
    weight = _pooled(calm, shape)
    colors, seen = (_calm_colors(picture, calm, weight, shape) for picture in (painted, photo))
    together = np.where(_connected(weight.reshape(shape), seen), weight, 0)
    apart, unlike = _distances(shape), _squared(seen / np.float32(255 * ALIKE * math.sqrt(3)))
    if effect.rows.ndim > 1:
        sharp = replace(effect.options, feather=0.0)  # px of the picture, which are small beside the cells of the grid
        styles = replace(effect.at(shape), options=sharp).weights()
        unlike += _squared(styles.reshape(-1, len(weight)).T / np.float32(ALIKE))
    coarse = _means(colors, together * _gaussian(apart / COARSE**2 + unlike))
    base = _medians(coarse, together * _gaussian(apart / REACH**2 + unlike))
    most = np.float32(MOST_CONTRAST * 255 * ALIKE * math.sqrt(3)) * np.sqrt(unlike) + np.float32(SLACK)
    base = _limited(base, together * _gaussian(apart / REACH**2), most)
    torn = _torn(base - coarse, together * _gaussian(apart / COARSE**2 + unlike))
    # Of the cells that are calm, so that their neighbours, which are enlarged with them, have a meaning.
    near = weight * _gaussian(apart * CELLS**2)
    maps = (_means(colors, near) for colors in (base - coarse, base, torn))
    change, base, torn = (_enlarged(colors, shape, calm.shape) for colors in maps)
    total = soft_means(calm, EDGE_CELLS) + TINY
    for plane, even, own in zip(change, base, np.moveaxis(cell_colors(painted), -1, 0), strict=True):
        plane += torn[0].clip(0, 1) * (even - soft_means(calm * own, EDGE_CELLS) / total - plane)
    return change


def _torn(change: Array, weights: Array) -> Array:
    """How far each cell lies where two patches of one area meet, which are changed by unlike amounts: (N, 1), 0 to 1.

    change: (N, 3), weights: (N, N) of the cells around each that it is compared with.
    """
    change = change - change.mean(0)  # so that differences of squares keep their digits
    squares = _means(np.square(change).sum(-1, keepdims=True), weights)
    variance = squares - np.square(_means(change, weights)).sum(-1, keepdims=True)
    deviation = np.sqrt(variance.clip(0, None) / 3)
    torn: Array = ((deviation - np.float32(PATCH)) / np.float32(TORN - PATCH)).clip(0, 1)
    return torn


def _enlarged(colors: Array, shape: tuple[int, int], size: tuple[int, int]) -> Array:
    """Values of the cells of a grid (N, K) to cells of 4 px: (K, H / 4, W / 4)."""
    planes = colors.T.reshape(-1, *shape).astype(np.float32)
    return np.stack([np.asarray(Image.fromarray(p).resize(size[::-1], Image.Resampling.BICUBIC)) for p in planes])


def _grid(height: int, width: int) -> tuple[int, int]:
    """Rows and columns: CELLS along the shorter side, MOST_CELLS in all."""
    step = max(1.0, min(height, width) / CELLS, math.sqrt(height * width / MOST_CELLS))
    return max(1, round(height / step)), max(1, round(width / step))


def _calm_colors(picture: Pixels, calm: Array, weight: Array, shape: tuple[int, int]) -> Array:
    """Mean colours of what is calm in each cell of the grid, in steps of 8-bit pictures: (N, 3)."""
    cells = cell_colors(picture)
    sums = np.stack([_pooled(calm * cells[..., channel], shape) for channel in range(3)], -1)
    colors: Array = (sums / np.maximum(weight, TINY)[:, None]).astype(np.float32, copy=False)
    return colors


def _pooled(cells: Array, shape: tuple[int, int]) -> Array:
    """Means over the cells of a grid: (H / 4, W / 4) to (N,)."""
    small = Image.fromarray(cells).resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.asarray(small, np.float32).ravel()


def _distances(shape: tuple[int, int]) -> Array:
    """Squared distances between the cells of a grid, in short sides: (N, N)."""
    places = np.moveaxis(np.indices(shape, np.float32), 0, -1).reshape(-1, 2)
    return _squared(places / np.float32(min(shape)))


def _squared(rows: Array) -> Array:
    """Squared distances between the rows of a matrix: (N, K) to (N, N)."""
    start = np.zeros((len(rows), len(rows)), np.float32)
    return sum(((column[:, None] - column) ** 2 for column in rows.T), start)


def _gaussian(squared: Array) -> Array:
    weights: Array = np.exp(-squared / 2)
    return weights


def _means(colors: Array, weights: Array) -> Array:
    """Means of colours (N, 3) for each cell, with its row of weights (N, N); 0 where all weights are 0."""
    means: Array = weights @ colors / (weights.sum(1, keepdims=True) + TINY)
    return means


def _medians(colors: Array, weights: Array) -> Array:
    """Geometric medians of colours (N, 3) for each cell, with its row of weights (N, N), by Weiszfeld's iteration.

    A mean of two patches is a grey that neither had; a median is the colour of the larger one.
    """
    middle = colors.mean(0)
    colors = colors - middle  # so that differences of squares keep their digits
    medians = _means(colors, weights)
    for _ in range(MEDIAN_STEPS):
        medians = _means(colors, weights / _apart(medians, colors))
    return medians + middle


def _limited(colors: Array, weights: Array, most: Array) -> Array:
    """Bring colours (N, 3) nearer to each other where two of them differ by more than `most` (N, N): (N, 3).

    Each is moved to the mean, by its row of weights (N, N), of the nearest colours that the others allow, several
    times: the fewer give way to the more.
    """
    middle = colors.mean(0)
    colors = colors - middle
    weights = weights / (weights.sum(1, keepdims=True) + TINY)
    for _ in range(LIMIT_STEPS):
        moved = weights * (1 - np.minimum(most / _apart(colors, colors), 1))
        colors = colors + moved @ colors - moved.sum(1, keepdims=True) * colors
    return colors + middle


def _apart(colors: Array, others: Array) -> Array:
    """Distances between the rows of two matrices (N, K) with means near 0, at least 1: (N, N)."""
    squares = np.square(colors).sum(-1)[:, None] + np.square(others).sum(-1) - 2 * colors @ others.T
    distances: Array = np.sqrt(squares.clip(0) + np.float32(1))
    return distances


def _connected(weight: Array, seen: Array) -> NDArray[np.bool_]:
    """Return which cells (N, N) lie in one calm area: joined by neighbours that are calm and of nearly one colour."""
    number = np.arange(weight.size).reshape(weight.shape)
    colors, calm = seen.reshape(*weight.shape, 3), weight > CALM
    across, down = (
        calm[a] & calm[b] & (np.abs(colors[a] - colors[b]).max(-1) < EDGE) for a, b in ((LEFT, RIGHT), (UP, DOWN))
    )
    while True:
        before = number.copy()
        for joined, a, b in ((across, LEFT, RIGHT), (down, UP, DOWN)):
            # One after the other, for the two views overlap.
            number[a] = np.where(joined, np.minimum(number[a], number[b]), number[a])
            number[b] = np.where(joined, np.minimum(number[a], number[b]), number[b])
        if (number == before).all():
            return number.reshape(-1, 1) == number.ravel()
