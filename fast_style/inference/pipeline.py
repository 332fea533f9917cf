"""From a photograph and its controls to the result: as a whole, or tile by tile when memory is short."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..engines import Engine, paint_frame
from ..engines.tiling import Box, Tile, spread, tiles
from ..images import color
from ..options import StylizeOptions
from .effect import Look
from .masks import Mask
from .noise import LEAST, blank
from .style_weights import Styles

Array = NDArray[np.float32]
Pixels = NDArray[Any]
Progress = Callable[[str, int, int], None]

# Largest side of a tile's core: the windows' overlap is below a third of the work, and a CPU's cores have enough to do.
CORE_PX = 768
# Short side of the reduced picture that statistics are first taken from.
REDUCED_PX = 768
# Pictures above this many pixels take the statistics of a sample of small tiles unless exact ones are asked for, which
# cost three to five times the work.
EXACT_PX = 40_000_000
# How many tiles, and the side of their cores in px.
SAMPLED, SAMPLED_PX = 64, 256


def render(
    engine: Engine,
    styles: Styles,
    options: StylizeOptions,
    masks: Sequence[Mask],
    photo: Pixels,
    progress: Progress = lambda stage, done, of: None,
) -> Pixels:
    """Photographs (N, 3, H, W) float32, or one (H, W, 3) uint8 or uint16, to the same kind and shape.

    Pictures of one colour are always shown with some grain. progress: where there are tiles, called with what is going
    on, tiles done, and tiles in all (0 while not known).
    """
    core_px = _core_px(engine, options, photo)
    if photo.ndim == 4 and len(photo) > 1 and (core_px or any(blank(one[None]) for one in photo)):
        return np.concatenate([render(engine, styles, options, masks, one[None], progress) for one in photo])
    if blank(photo) and not options.grain:
        options = replace(options, grain=LEAST)
    size = _size(photo)
    whole = Box(0, 0, *size)
    make = partial(Look, engine, styles, options, masks)
    look = make(size)
    if core_px is None and look.plain and photo.dtype == np.uint8:
        return paint_frame(engine, photo, look.rows)
    result = np.empty_like(photo)
    if core_px is None:
        _put(result, whole, look(_part(photo, whole), whole))
        return result
    _take_in(look, make, options, photo, core_px, progress)
    cut = tiles(*size, core_px, engine.stride, engine.reach_px)
    for done, tile in enumerate(cut):
        progress("tiles", done, len(cut))
        part = look(_part(photo, tile.window), tile.window)
        _put(result, tile.core, part[(..., *tile.core.within(tile.window).slices)])
    progress("tiles", len(cut), len(cut))
    return result


def _core_px(engine: Engine, options: StylizeOptions, photo: Pixels) -> int | None:
    """Side of the tiles' cores, or None where the picture is done as a whole."""
    if options.tile_px:
        return options.tile_px if options.tile_px < max(_size(photo)) else None
    memory = options.memory_bytes() or engine.memory_bytes
    if photo.size // 3 * engine.bytes_per_px <= memory:
        return None
    window_px = int((memory / engine.bytes_per_px) ** 0.5)
    return min(CORE_PX, max(2 * engine.stride, window_px - 2 * engine.reach_px))


def _take_in(
    look: Look,
    make: Callable[[tuple[int, int]], Look],
    options: StylizeOptions,
    photo: Pixels,
    core_px: int,
    progress: Progress,
) -> None:
    """Fill in what `look` has to know of the whole picture. make: the same look at another size."""
    reduced = _reduced(photo)
    small, whole = make(_size(reduced)), Box(0, 0, *_size(reduced))
    measured = _measured(look.engine, options, _size(photo), core_px)

    def seen(box: Box) -> Array:
        part: Array = look.seen(_part(photo, box), box)
        return part

    for role in look.roles:
        if measured:
            blend, tick = partial(look.blend, role=role), partial(_tick, progress, count(1))
            look.statistics[role] = look.engine.measure_tiles(measured, seen, blend, tick)
        else:
            look.statistics[role] = look.engine.measure(small.seen(reduced, whole), small.blend(whole, role))
    if options.preserve_color == "statistics":
        look.matching = color.Matching(look.colors, reduced, small.styled(reduced, whole))


def _measured(engine: Engine, options: StylizeOptions, size: tuple[int, int], core_px: int) -> list[Tile]:
    """The tiles that statistics are taken from; none where they are a reduced picture's."""
    wanted: str = options.statistics
    if wanted == "auto":
        wanted = "sampled" if size[0] * size[1] > EXACT_PX else "exact"
        wanted = wanted if engine.measures_tiles else "reduced"
    if wanted == "reduced":
        return []
    if wanted == "exact":
        return tiles(*size, core_px, engine.stride, engine.reach_px)
    return spread(tiles(*size, min(SAMPLED_PX, core_px), engine.stride, engine.reach_px), SAMPLED)


def _tick(progress: Progress, runs: "count[int]") -> None:
    progress("statistics", next(runs), 0)


def _size(photo: Pixels) -> tuple[int, int]:
    rows, columns = photo.shape[:2] if photo.ndim == 3 else photo.shape[-2:]
    return rows, columns


def _part(photo: Pixels, box: Box) -> Array:
    """(1, 3, h, w) float32 in [0, 1]."""
    if photo.ndim == 3:
        return images.unit(photo[box.slices])
    return photo[(..., *box.slices)].astype(np.float32, copy=False)


def _put(result: Pixels, box: Box, part: Array) -> None:
    if result.ndim == 3:
        result[box.slices] = images.quantized(part, result.dtype)
    else:
        result[(..., *box.slices)] = part


def _reduced(photo: Pixels) -> Array:
    """The picture at REDUCED_PX, or as it is if smaller: (1, 3, h, w)."""
    step = max(1, min(_size(photo)) // (2 * REDUCED_PX))  # coarse but frugal: of the largest only every n-th pixel
    every = np.s_[::step, ::step] if photo.ndim == 3 else np.s_[..., ::step, ::step]
    rough = images.from_array(_part(photo[every], Box(0, 0, *_size(photo[every]))))
    if min(rough.size) > REDUCED_PX:
        rough = images.resize_short_side(rough, REDUCED_PX)
    return images.to_array(rough)
