"""Remove halos: rims of another colour that networks paint along the edges of calm areas.

Up to a tower a photograph's sky has one colour; a network, which sees the tower from many pixels away, paints the sky
beside it darker or lighter. The base colour of a calm area does not reach there, for the tower is in the window that
calm is measured in. What is beside an edge, but of the area's colour in the photograph, is given the area's here.
A rim follows its edge: what pixels at one distance from it have in common is the rim and goes; marks across it stay.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from ..images.faces import Face
from ..images.maps import CELL_PX, at_places, cell_colors, full_scale, in_strips, near_means, soft_means, window_means
from ..images.noise import smoothness
from ..system.threads import PIXEL_THREADS, overlapped
from .strokes import beside_faces

Array = NDArray[np.float32]
Pixels = NDArray[Any]

# How many cells of 4 px an area is narrowed by, for its rim begins inside; how many it then grows by with its whole
# weight, and at most, with less and less: an end at once is seen as a step where nothing in the photograph is. With 5
# and 9 a gap between clouds stayed a dark piece whose near end alone had the sky's colour.
CORE_CELLS, WHOLE_CELLS, REACH_CELLS = 2, 8, 16
# Steps of 8-bit pictures: deviation of lightness within a cell up to which an area may go on there, and difference of
# colours up to which a cell, and a pixel beside an edge, is of the area. With 6, 14 and 14 half of a rim stayed where a
# lit building shines into the sky.
FLAT, ALIKE = 10.0, 24.0
# Width in cells of the windows for the colour of the area.
AREA_CELLS = 9
# Likeness of a pixel to its area, for which light that shines into the sky is half as far off as a cell is: up to which
# it is of another, from which on an edge lies behind it; and how much sooner than that it gets its whole change.
UNLIKE, SAME, WHOLE = 0.15, 0.5, 1.5
# A rim has one colour at one distance from the edge: it is compared in so many depths of so many px each, over windows
# of so many cells of so many px along the edge, so that marks, which are shorter, stay.
DEPTHS, DEPTH_PX = 4, 4
ALONG_CELLS, ALONG_PX = 5, 8
# Share of that colour's change that also a pixel gets which has nothing of it; one that has more of it gets more.
COMMON = 0.4
# Steps of 8-bit pictures: deviation of the colours within an area up to which rims are removed wholly, and from which
# on not at all. Where a sky is painted in planes that differ by more, a rim is one of them, and half a plane is worse.
# Above a lighthouse: *udnie* 37, *composition_vii* 33, *metzinger* 25, *wave* 17. With 26 and 38 one saw squares.
MARKS, PLANES = 20.0, 32.0
# Rows that a thread changes at once, which bounds the memory, and those around that they depend on; in whole cells.
BAND_PX, AROUND_PX = 384, 64
# The deviation is computed of every so manieth cell, in windows of so many of these.
SPREAD_STEP, SPREAD_WINDOW = 3, 11
# An area is calm from this `smoothness` on. Places with less of a rim than LEAST_WEIGHT are left as they are.
CALM, LEAST_WEIGHT = 0.5, 1 / 32
TINY = np.float32(1e-9)


def without_halos(painted: Pixels, photo: Pixels, calm: Array, faces: list[Face]) -> Pixels:
    """Give the rims of calm areas the colours of these: (H, W, 3) uint8 or uint16, to the same.

    painted: the picture in its style, photo: what it was painted from, of one shape and type; calm: the photograph's
    `smoothness`. Faces keep their shades.
    """
    core = ((_narrowed(calm) - np.float32(CALM)) / np.float32(1 - CALM)).clip(0, 1)
    if not core.any():
        return painted
    flat = smoothness(photo, FLAT, 1)
    colors = np.concatenate([cell_colors(photo), cell_colors(painted)], -1)
    reached, area = _grown(core, flat, colors)
    rim = beside_faces(reached - core, faces, (photo.shape[0], photo.shape[1]))
    rim *= ((np.float32(PLANES) - _spread(colors[..., 3:], core)) / np.float32(PLANES - MARKS)).clip(0, 1)
    result = np.empty_like(painted)

    def change(top: int) -> None:
        around = slice(max(0, top - AROUND_PX), top + BAND_PX + AROUND_PX)
        cells = slice(around.start // CELL_PX, around.stop // CELL_PX)
        band = _changed(painted[around], photo[around], rim[cells], reached[cells], area[cells])
        result[top : top + BAND_PX] = band[top - around.start :][:BAND_PX]

    for _ in overlapped((partial(change, top) for top in range(0, len(photo), BAND_PX)), PIXEL_THREADS):
        pass
    return result


def _changed(painted: Pixels, photo: Pixels, rim: Array, reached: Array, area: Array) -> Pixels:
    """Give those pixels of a rim that have the area's colour in the photograph its painted colour."""
    size, white = (photo.shape[0], photo.shape[1]), full_scale(photo)
    shares = ((rows.start * size[1], share) for rows, share in in_strips(rim, size))
    places = np.concatenate([np.flatnonzero(share > LEAST_WEIGHT) + first for first, share in shares])
    maps = at_places(np.concatenate([rim[..., None], area], -1), size, places)
    share, area_seen, area_painted = maps[:, 0], maps[:, 1:4], maps[:, 4:]
    step = white / np.float32(255)
    pixels, seen = (picture.reshape(-1, 3)[places].astype(np.float32) / step for picture in (painted, photo))
    alike = ((np.sqrt(_alike(seen, area_seen)) - UNLIKE) / (1 - UNLIKE)).clip(0, 1)
    # As far apart as they are in the photograph.
    rest = pixels - area_painted - seen + area_seen
    weights = share * alike
    common = _along(places, rest, weights, _depth(places, alike > SAME, reached, size), size)
    soft = _softened(places, np.concatenate([weights[:, None], weights[:, None] * rest], -1), size)
    own = (soft[:, 1:] * common).sum(-1) / (soft[:, 0] * np.square(common).sum(-1) + TINY)
    change = (WHOLE * soft[:, 0]).clip(0, 1) * (COMMON + (1 - COMMON) * own).clip(0, 1)
    pixels -= ((alike > 0) * change)[:, None] * common
    result = painted.copy()
    result.reshape(-1, 3)[places] = (step * pixels + np.float32(0.5)).clip(0, white)
    return result


def _softened(places: NDArray[np.intp], values: Array, size: tuple[int, int]) -> Array:
    """Values (N, K) of some pixels averaged with their neighbours, as if those of all others were 0."""
    planes = np.zeros((values.shape[1], size[0] * size[1]), np.float32)
    planes[:, places] = values.T
    soft = near_means(planes.reshape(-1, *size))
    return np.ascontiguousarray(soft.reshape(len(planes), -1)[:, places].T)


def _depth(places: NDArray[np.intp], same: NDArray[np.bool_], reached: Array, size: tuple[int, int]) -> Array:
    """Distance in px of some pixels from the nearest one that is not of an area, at most DEPTHS * DEPTH_PX: (N,).

    places: (N,) their numbers, row by row; same: whether they have the area's colour; reached: which cells the area
    reaches.
    """
    rows, columns = (np.arange(side) // CELL_PX for side in size)
    area = (reached > 0)[rows[:, None], columns]
    area.reshape(-1)[places] = same
    depth = np.zeros(len(places), np.float32)
    for _ in range(DEPTHS * DEPTH_PX):
        depth += area.reshape(-1)[places]
        for lines in (area, area.T):
            lines[1:-1] = lines[1:-1] & lines[2:] & lines[:-2]
    return depth


def _along(places: NDArray[np.intp], colors: Array, weights: Array, depth: Array, size: tuple[int, int]) -> Array:
    """Average colours (N, 3) along an edge, over the surroundings of each pixel that lie as deep: (N, 3).

    places: (N,) numbers of pixels, row by row, in a picture of that height and width.
    """
    shape = -(-size[0] // ALONG_PX), -(-size[1] // ALONG_PX)
    down, across = np.divmod(places, size[1])
    cells = down // ALONG_PX * shape[1] + across // ALONG_PX
    level = (depth / DEPTH_PX - np.float32(0.5)).clip(0, DEPTHS - 1)
    means = np.zeros_like(colors)
    for each in range(DEPTHS):
        near = (1 - np.abs(level - each)).clip(0, None)
        here = np.flatnonzero(near)
        near, where = near[here], cells[here]
        columns = (near * weights[here] * values for values in (np.float32(1), *colors[here].T))
        planes = (np.bincount(where, column, shape[0] * shape[1]).reshape(shape) for column in columns)
        total, *sums = (soft_means(plane.astype(np.float32), ALONG_CELLS) for plane in planes)
        mean = np.stack(sums, -1) / (total + TINY)[..., None]
        means[here] += near[:, None] * at_places(mean, size, places[here], ALONG_PX)
    return means


def _grown(core: Array, flat: Array, colors: Array) -> tuple[Array, Array]:
    """Let calm areas go on over what is flat and of their colour, at last over the edge itself.

    core: (H / 4, W / 4) how far each cell is in a calm area; flat: likewise; colors: (H / 4, W / 4, 6), photograph and
    painted. Returns how far each cell is reached, and (H / 4, W / 4, 6) the mean colours of the area nearest to it.
    """
    width = core.shape[1] + 2
    reached, flat = np.pad(core, 1).ravel(), np.pad(flat, 1).ravel()
    known = np.pad(_means(colors, core, AREA_CELLS), [(1, 1), (1, 1), (0, 0)]).reshape(-1, 6)
    seen = np.pad(colors[..., :3], [(1, 1), (1, 1), (0, 0)]).reshape(-1, 3)
    inner = np.pad(np.ones_like(core, bool), 1).ravel()
    steps = (-1, 0, 1)
    around = np.array([[down * width + across] for down in steps for across in steps if down or across])
    front = inner.copy()  # only beside what was reached in the step before more is gained
    for step in range(REACH_CELLS + 1):
        at = np.flatnonzero(inner & (reached < 1) if step == REACH_CELLS else front & inner & (flat > reached))
        at = at[reached[around + at].max(0) > reached[at] + LEAST_WEIGHT]
        beside = around + at
        weights = reached[beside]
        if step < REACH_CELLS:  # the edge itself is neither flat nor of one colour; there each pixel is looked at
            weights *= flat[at] * _alike(seen[at], known[beside, :3])
            weights = weights.clip(max=(REACH_CELLS - step) / (REACH_CELLS - WHOLE_CELLS + 1))
        most = weights.max(0)
        gained = most > reached[at]
        at, beside, weights = at[gained], beside[:, gained], weights[:, gained]
        known[at] = np.einsum("kn,knc->nc", weights, known[beside]) / weights.sum(0)[:, None]
        reached[at] = most[gained]
        front[:] = False
        front[around + at] = True
    both = np.concatenate([reached[:, None], known], -1).reshape(-1, width, 7)[1:-1, 1:-1]
    return np.ascontiguousarray(both[..., 0]), np.ascontiguousarray(both[..., 1:])


def _alike(colors: Array, others: Array) -> Array:
    """Return 1 where colours (..., 3) are the same, exp(-1) where each channel differs by ALIKE."""
    result: Array = np.exp(np.square(colors - others).sum(-1) / np.float32(-3 * ALIKE**2))
    return result


def _means(colors: Array, weights: Array, window: int) -> Array:
    """Weighted `soft_means`; 0 where there is no weight."""
    total = soft_means(weights, window) + TINY
    return np.stack([soft_means(weights * plane, window) / total for plane in np.moveaxis(colors, -1, 0)], -1)


def _spread(colors: Array, weights: Array) -> Array:
    """Standard deviation of colours (h, w, 3) in the surroundings, weighted, over places and channels: (h, w)."""
    few, planes = weights[::SPREAD_STEP, ::SPREAD_STEP], np.moveaxis(colors[::SPREAD_STEP, ::SPREAD_STEP], -1, 0)
    total = window_means(few, SPREAD_WINDOW) + TINY
    planes = planes - planes.mean((1, 2), keepdims=True)  # so that differences of squares keep their digits
    squares = window_means(few * np.square(planes).sum(0), SPREAD_WINDOW) / total
    means = sum(np.square(window_means(few * plane, SPREAD_WINDOW) / total) for plane in planes)
    spread = Image.fromarray(np.sqrt((squares - means).clip(0, None) / 3))
    return np.asarray(spread.resize(weights.shape[::-1], Image.Resampling.BILINEAR))


def _narrowed(cells: Array) -> Array:
    """Least value of each cell and those up to CORE_CELLS from it; beyond the picture there is none."""
    for axis in (0, 1):
        padded = np.pad(cells, [(CORE_CELLS * (axis == 0),) * 2, (CORE_CELLS * (axis == 1),) * 2], mode="edge")
        cells = sliding_window_view(padded, 2 * CORE_CELLS + 1, axis).min(-1)
    return cells
