"""A picture at its working size, and back: sizes, fine detail, pictures that repeat."""

from collections.abc import Sequence

import numpy as np

from .. import images
from ..engines import Engine
from ..engines.tiling import Box
from ..images import color
from ..options import StylizeOptions
from . import tileable
from .effect import Look
from .masks import Mask
from .pipeline import Pixels, Progress, render
from .style_weights import Styles


def paint(
    engine: Engine, styles: Styles, options: StylizeOptions, masks: Sequence[Mask], photo: Pixels, progress: Progress
) -> Pixels:
    """Photograph to styled picture, (H, W, 3) uint8 or uint16, with every control; the size is `output_size`'s."""
    size = photo.shape[1::-1]
    work = images.resized(photo, images.with_short_side(size, options.size))
    photo = images.resized(photo, images.with_short_side(size, options.output_size))
    if not options.tileable:
        result = render(engine, styles, options, masks, work, progress)
    else:
        photo, work = tileable.periodic(photo), tileable.periodic(work)
        result = _seamless(engine, styles, options, masks, work, progress)
    if result.shape == photo.shape:
        return result
    size = photo.shape[1::-1]
    resize = tileable.resized if options.tileable else images.resized
    large = resize(result, size)
    kept = 1 - Look(engine, styles, options, masks, photo.shape[:2]).coverage(Box(0, 0, *photo.shape[:2])).clip(0, 1)
    if not options.detail and not kept.any():
        return large
    lost = images.unit(photo) - images.unit(resize(work, size))
    lost = kept * lost + (1 - kept) * np.float32(options.detail) * color.luma(lost)
    return images.quantized(images.unit(large) + lost, photo.dtype)


def _seamless(
    engine: Engine, styles: Styles, options: StylizeOptions, masks: Sequence[Mask], work: Pixels, progress: Progress
) -> Pixels:
    """The picture as one period of an endless one, of which the network sees as much as it reaches."""
    reach, grid = engine.reach_px, tileable.on_grid(work, engine.stride)
    height, width = grid.shape[:2]
    around = [mask.wrapped((width, height), reach) for mask in masks]
    result = render(engine, styles, options, around, tileable.wrapped(grid, reach), progress)
    inner = result[reach : reach + height, reach : reach + width]
    return tileable.resized(inner, work.shape[1::-1])
