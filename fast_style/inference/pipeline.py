"""Run the inference pipeline: from a photograph and its controls to the result, with every step on the way."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..engines import Engine
from ..images import color
from ..images.faces import Face, find_faces
from ..images.noise import add_noise, is_uniform, smoothness
from ..options import StylizeOptions
from . import single_pass, tileable
from .base_color import even_base_color
from .broad_strokes import with_broad_strokes
from .coarse_colors import keep_coarse_colors
from .dabs import merged_into_dabs
from .displacement import displaced
from .effect import Effect
from .enlargement import enlarged
from .face_detail import keep_faces
from .halos import without_halos
from .masks import Mask
from .single_pass import Progress, size_of
from .strokes import Strokes, blended, mixed, painted_px, pass_sizes, whole_px
from .style_weights import Styles

Array = NDArray[np.float32]
Pixels = NDArray[Any]

# The noise of a pass that is shown what was painted before.
LATER_NOISE = 0.5


def stylize(
    engine: Engine, styles: Styles, options: StylizeOptions, masks: Sequence[Mask], photo: Pixels, progress: Progress
) -> Pixels:
    """Stylize a photograph (H, W, 3) uint8 or uint16 with every control; the size of the result is `output_size`'s."""
    size = photo.shape[1::-1]
    work = images.resized(photo, images.with_short_side(size, options.size))
    photo = images.resized(photo, images.with_short_side(size, options.output_size))
    effect = Effect.of(styles, options, masks, size_of(work))
    if options.tileable:
        photo, work = tileable.periodic(photo), tileable.periodic(work)
        result = _periodic(engine, styles, options, masks, work, progress)
    else:
        result = _passes(engine, effect, options, work, progress)
    if result.shape == photo.shape:
        return result
    return _enlarged(effect, options, photo, work, result)


def stylize_batch(
    engine: Engine,
    styles: Styles,
    options: StylizeOptions,
    masks: Sequence[Mask],
    photos: Array,
    progress: Progress = lambda stage, done, of: None,
) -> Array:
    """Stylize photographs (N, 3, H, W) float32 in [0, 1] in one pass, to the same; sizes and strokes do not apply."""
    effect = Effect.of(styles, options, masks, size_of(photos))
    shown = np.stack([_shown(photo, options, effect) for photo in photos])
    result: Array = single_pass.run(engine, effect, options, photos, shown, progress)
    return result


def _shown(photo: Array, options: StylizeOptions, effect: Effect) -> Array:
    """What the network sees of a photograph (3, H, W)."""
    strength = _noise(photo[None], options)
    if not strength:
        return photo
    seen: Array = _with_noise(np.ascontiguousarray(photo.transpose(1, 2, 0)), strength, effect).transpose(2, 0, 1)
    return seen


def _noise(photo: Pixels, options: StylizeOptions) -> float:
    """Strength of the noise: by default that of pictures, none for arrays; what is of one colour always has some."""
    usual = 0.0 if photo.ndim == 4 else 1.0
    return (usual if options.noise is None else options.noise) or float(is_uniform(photo))


def _passes(engine: Engine, effect: Effect, options: StylizeOptions, photo: Pixels, progress: Progress) -> Pixels:
    """Paint coarse to fine; the effect's colours, strength and masks come last."""
    if effect.is_nothing:
        return photo.copy()
    strokes: Strokes = "medium" if options.strokes == "auto" else options.strokes
    height, width = size_of(photo)
    noise, short_side = _noise(photo, options), min(height, width)
    aspect = max(height, width) / short_side
    # A size that is asked for is painted as a whole, whatever it costs.
    coarsest, *finer = pass_sizes(short_side if options.size else painted_px(short_side, strokes), strokes, aspect)
    if not finer:
        return _once(engine, effect, options, photo, _with_noise(photo, noise, effect), progress)
    faces: list[Face] = []
    only_style = effect.style_only()

    def painted_at(short_px: int, before: Pixels | None) -> tuple[Pixels, Array]:
        seen = images.resized(photo, images.with_short_side((width, height), short_px))
        styles = only_style.at(size_of(seen))
        shown = _next(seen, before, strokes, faces, noise, styles)
        result, calm = single_pass.run(engine, styles, options, seen, shown, progress), smoothness(seen)
        result = displaced(result, calm)
        if before is not None:
            result = with_broad_strokes(result, before, seen, calm, faces)
        # After marks of the pass before, which would bring patches and rims back.
        result = without_halos(even_base_color(result, seen, calm, styles), seen, calm, faces)
        if before is None or min(size_of(before)) < whole_px(aspect):
            return result, calm
        return keep_coarse_colors(result, _with_dabs(before, only_style.at(size_of(before)))), calm

    with ThreadPoolExecutor(1) as pool:  # half a second of one core, beside the first pass, which does without
        found = pool.submit(find_faces, photo)
        painted, calm = painted_at(coarsest, None)
        faces += found.result()
    for short_px in finer:
        painted, calm = painted_at(short_px, painted)
    painted = _with_dabs(painted, only_style.at(size_of(painted)))
    if painted.shape != photo.shape:
        painted = enlarged(painted, photo, calm)
    return single_pass.mix(effect, photo, keep_faces(painted, photo, faces))


def _once(
    engine: Engine, effect: Effect, options: StylizeOptions, photo: Pixels, shown: Pixels, progress: Progress
) -> Pixels:
    """Paint in one pass, whose grain is merged if that is asked for; never that of the photograph."""
    if options.grain != "merged":
        return single_pass.run(engine, effect, options, photo, shown, progress)
    painted = single_pass.run(engine, effect.style_only(), options, photo, shown, progress)
    return single_pass.mix(effect, photo, merged_into_dabs(painted))


def _with_dabs(painted: Pixels, styles: Effect) -> Pixels:
    """Merge grain into dabs, but for styles that consist of it."""
    share = styles.merged_grain()
    if not share.any():
        return painted
    merged = merged_into_dabs(painted)
    return merged if (share == 1).all() else blended(painted, merged, share)


def _next(
    photo: Pixels, painted: Pixels | None, strokes: Strokes, faces: list[Any], noise: float, styles: Effect
) -> Pixels:
    """What the network is shown in a pass: the photograph, then with what was painted before."""
    if painted is None:
        return _with_noise(photo, noise, styles)
    return _with_noise(mixed(photo, painted, strokes, faces), LATER_NOISE * noise, styles)


def _with_noise(photo: Pixels, strength: float, styles: Effect) -> Pixels:
    """Add the noise of the styles where a picture (H, W, 3) is smooth."""
    return add_noise(photo, strength, noises=styles.noises()) if strength else photo


def _periodic(
    engine: Engine, styles: Styles, options: StylizeOptions, masks: Sequence[Mask], work: Pixels, progress: Progress
) -> Pixels:
    """Paint a picture as one period of an endless one, of which the network sees as much as it reaches."""
    reach, grid = engine.reach_px, tileable.on_grid(work, engine.stride)
    height, width = grid.shape[:2]
    around = [mask.wrapped((width, height), reach) for mask in masks]
    whole = tileable.wrapped(grid, reach)
    effect = Effect.of(styles, options, around, size_of(whole))
    shown = add_noise(whole, _noise(whole, options), (height, width))
    result = _once(engine, effect, options, whole, shown, progress)
    inner = result[reach : reach + height, reach : reach + width]
    return tileable.resized(inner, work.shape[1::-1])


def _enlarged(effect: Effect, options: StylizeOptions, photo: Pixels, work: Pixels, result: Pixels) -> Pixels:
    """Bring a result to the photograph's size, with the detail that is asked for and the photograph where it stays."""
    size = photo.shape[1::-1]
    resize = tileable.resized if options.tileable else images.resized
    large = resize(result, size)
    kept = 1 - effect.at(size_of(photo)).coverage().clip(0, 1)
    if not options.detail and not kept.any():
        return large
    lost = images.unit(photo) - images.unit(resize(work, size))
    lost = kept * lost + (1 - kept) * np.float32(options.detail) * color.luma(lost)
    return images.quantized(images.unit(large) + lost, photo.dtype)
