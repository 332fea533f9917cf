"""Run the network once over a picture: as a whole, or in tiles where memory is short."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..engines import Engine, paint_frame
from ..engines.tiling import Box, spread, tiles, within_picture
from ..options import StylizeOptions
from .effect import Effect

Array = NDArray[np.float32]
Pixels = NDArray[Any]
Progress = Callable[[str, int, int], None]
"""Called with the stage (`statistics`, `tiles`), tiles done, and tiles in all (0 while not known)."""

# Largest side of a tile's core: the windows' overlap is a fifth of the work, and a CPU's cores have enough to do.
CORE_PX = 1024
# Short side of the reduced picture that colours, and statistics that are asked for as `reduced`, are taken from.
REDUCED_PX = 768
# Pictures above this many pixels take the statistics of a sample of small parts unless exact ones are asked for, which
# cost three to five times the work, in torch.
EXACT_PX = 1_000_000
# How many parts at most, and their side in px: of one number of pixels, many small ones say more than few large ones.
SAMPLED, SAMPLED_PX = 256, 128
# Runs below this are done as a whole without a look at the memory that is free.
SMALL_BYTES = 10**8


def run(
    engine: Engine, effect: Effect, options: StylizeOptions, photo: Pixels, shown: Pixels, progress: Progress
) -> Pixels:
    """Paint `shown` and apply the effect to `photo`; both, and the result, of one kind and shape.

    They are one picture (1, 3, H, W) or several (N, 3, H, W) float32 in [0, 1], or one (H, W, 3) uint8 or uint16;
    `shown` is what the network sees of `photo`.
    """
    if effect.is_nothing:
        return photo.copy()
    core_px = _core_px(engine, options, photo)
    if core_px is None:
        return _whole(engine, effect, photo, shown)
    if photo.ndim == 4 and len(photo) > 1:
        pairs = zip(photo, shown, strict=True)
        every = [run(engine, effect.at(effect.size), options, p[None], s[None], progress) for p, s in pairs]
        return np.concatenate(every)
    _take_statistics(engine, effect, options, (photo, shown), core_px, progress)
    result = np.empty_like(photo)
    cut = tiles(*effect.size, core_px, engine.stride, engine.reach_px)
    for done, tile in enumerate(cut):
        progress("tiles", done, len(cut))
        box = tile.window
        painted = engine(_part(shown, box), effect.weights(box), effect.statistics)
        part = effect.mix(_part(photo, box), painted, box)
        _put(result, tile.core, part[(..., *tile.core.within(box).slices)])
    progress("tiles", len(cut), len(cut))
    return result


def mix(effect: Effect, photo: Pixels, painted: Pixels) -> Pixels:
    """Apply colours, strength and masks to what was painted of a photograph: (H, W, 3) uint8 or uint16, to the same."""
    if effect.is_identity:
        return painted
    if effect.options.preserve_color == "statistics":
        effect.match_colors(_reduced(photo), _reduced(painted))
    result = np.empty_like(photo)
    height, width = size_of(photo)
    for top in range(0, height, CORE_PX):
        box = Box(top, 0, min(height, top + CORE_PX), width)
        _put(result, box, effect.mix(_part(photo, box), _part(painted, box), box))
    return result


def _whole(engine: Engine, effect: Effect, photo: Pixels, shown: Pixels) -> Pixels:
    if effect.is_identity and photo.dtype == np.uint8:
        return paint_frame(engine, shown, effect.weights())
    everything = Box(0, 0, *effect.size)
    part = _part(photo, everything)
    mixed = effect.mix(part, engine(_part(shown, everything), effect.weights()))
    if photo.ndim == 3:
        return images.quantized(mixed, photo.dtype)
    whole: Pixels = mixed
    return whole


def _core_px(engine: Engine, options: StylizeOptions, photo: Pixels) -> int | None:
    """Side of the tiles' cores, or None where the picture is done as a whole."""
    if options.tile_px:
        return options.tile_px if options.tile_px < max(size_of(photo)) else None
    memory, need = options.memory_bytes() or SMALL_BYTES, photo.size // 3 * engine.bytes_per_px
    if need <= memory or need <= (memory := _memory(engine, options)):
        return None
    window_px = int((memory / engine.bytes_per_px) ** 0.5)
    return min(CORE_PX, max(2 * engine.stride, window_px - 2 * engine.reach_px))


def _memory(engine: Engine, options: StylizeOptions) -> int:
    """Bytes that a run may take."""
    return options.memory_bytes() or engine.memory_bytes


def _take_statistics(
    engine: Engine,
    effect: Effect,
    options: StylizeOptions,
    pictures: tuple[Pixels, Pixels],
    core_px: int,
    progress: Progress,
) -> None:
    """Give `effect` what it has to know of the whole picture. pictures: the photograph, and it as it is shown."""
    photo, shown = pictures
    effect.statistics = _statistics(engine, effect, options, shown, core_px, progress)
    if options.preserve_color == "statistics" and not effect.is_identity:
        reduced, reduced_shown = _reduced(photo), _reduced(shown)
        small = effect.at(size_of(reduced))
        effect.match_colors(reduced, engine(reduced_shown, small.weights()))


def _statistics(
    engine: Engine, effect: Effect, options: StylizeOptions, shown: Pixels, core_px: int, progress: Progress
) -> Array:
    """Mean and variance of every channel of every norm, (2, T), of what the network is shown."""
    kind: str = options.statistics
    if kind == "auto":
        kind = "sampled" if effect.size[0] * effect.size[1] > EXACT_PX else "exact"
        kind = kind if engine.measures_tiles or kind == "sampled" else "reduced"
    if kind == "reduced":
        reduced = _reduced(shown)
        return engine.measure(reduced, effect.at(size_of(reduced)).weights())
    cut = tiles(*effect.size, core_px, engine.stride, engine.reach_px)
    if kind == "sampled":
        side_px = min(SAMPLED_PX, core_px)
        most = min(SAMPLED, max(1, _memory(engine, options) // engine.bytes_per_px // side_px**2))
        every = tiles(*effect.size, side_px, engine.stride, engine.reach_px)
        cut = spread(every, most)
        if len(cut) < len(every) or not engine.measures_tiles:
            progress("statistics", 0, 1)
            boxes = [within_picture(tile.core, side_px, *effect.size, engine.stride) for tile in cut]
            weights = effect.weights() if effect.rows.ndim == 1 else np.stack([effect.weights(box) for box in boxes])
            return engine.measure(np.concatenate([_part(shown, box) for box in boxes]), weights)
    return engine.measure_tiles(cut, partial(_part, shown), effect.weights, partial(_tick, progress, count(1)))


def _tick(progress: Progress, runs: "count[int]", of: int) -> None:
    progress("statistics", next(runs), of)


def size_of(photo: Pixels) -> tuple[int, int]:
    """Return height and width of a picture (H, W, 3) or (N, 3, H, W)."""
    rows, columns = photo.shape[:2] if photo.ndim == 3 else photo.shape[-2:]
    return rows, columns


def _part(photo: Pixels, box: Box) -> Array:
    """(1 or N, 3, h, w) float32 in [0, 1]."""
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
    step = max(1, min(size_of(photo)) // (2 * REDUCED_PX))  # coarse but frugal: of the largest only every n-th pixel
    every = np.s_[::step, ::step] if photo.ndim == 3 else np.s_[..., ::step, ::step]
    rough = images.from_array(_part(photo[every], Box(0, 0, *size_of(photo[every]))))
    if min(rough.size) > REDUCED_PX:
        rough = images.resize_short_side(rough, REDUCED_PX)
    return images.to_array(rough)
