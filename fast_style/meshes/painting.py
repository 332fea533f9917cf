"""Paint a texture as it is seen on the model: laid out, painted, and brought back without a seam."""

import logging
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..images.limits import check_memory
from ..inference.masks import Mask
from ..inference.single_pass import Progress
from ..options import StylizeOptions
from ..stylizer import Stylizer
from .blending import BANDS_PX, Blend, nearest_shown, owners
from .charts import MOST_EXCESS, charts
from .sheet import Sheet
from .surface import Surface

log = logging.getLogger(__name__)

Pixels = NDArray[Any]

# A sheet has at most so many times the texels of its texture, and so many pixels more; margins are narrower otherwise.
MOST_GROWTH, MORE_PX = 6, 2**20
# Memory that a pixel of the sheet takes beside its painting, with those of the texture; measured at 1024 px.
SHEET_BYTES_PER_PX = 220
# Where single texels outside the islands count, islands go on only as far as filters reach.
LEAST_GUTTER_PX = 2


def paint(
    stylizer: Stylizer,
    texture: Pixels,
    surface: Surface,
    options: StylizeOptions,
    masks: Sequence[Mask] = (),
    progress: Progress = lambda stage, done, of: None,
) -> Pixels:
    """Paint a texture (H, W, 3) uint8 or uint16 that is wrapped around triangles; the same comes back.

    masks lie over the texture. Triangles of which nothing is seen in the texture, such as those of a palette, get the
    colours of the texture painted as a picture.
    """
    solid, points = surface.solid()
    size = texture.shape[1::-1]
    shown = owners(solid, size)
    if options.tileable or (shown < 0).all():
        return stylizer.stylize(texture, options, masks, progress)
    most_px = MOST_GROWTH * math.prod(size) + MORE_PX
    laid = charts(solid, shown, size, BANDS_PX[0] + stylizer.engine.reach_px, most_px)
    sheet = Sheet.of(laid) if laid else None
    if not (sheet and _fits(sheet, most_px)):
        log.warning("a texture is painted as a picture, with seams: its UV islands would need too much memory")
        return stylizer.stylize(texture, options, masks, progress)
    away, nearest = nearest_shown(shown, size)
    # What lies outside the islands is anything: the nearest texel inside takes its place.
    drawn = sheet.drawn(texture.reshape(len(nearest), -1)[nearest].reshape(texture.shape))
    painted = stylizer.stylize(drawn, sheet.options(options, size), sheet.masks(masks, size), progress)
    coverage = _coverage(size, options, masks)
    if (coverage < 1).any():
        painted = np.concatenate([painted, drawn], -1)
    blend = Blend(solid, size, shown, painted.shape[2])
    for index, chart in enumerate(sheet.charts):
        blend.add(chart, painted[sheet.part(index)].astype(np.float32))
    result = _with_detail(blend.colors(sheet.charts, away, nearest), texture, coverage)
    if len(points.uv):
        whole = stylizer.stylize(texture, options, masks, progress)
        result = np.where(away.reshape(*size[::-1], 1) > LEAST_GUTTER_PX, whole, result)
    return result


def _fits(sheet: Sheet, most_px: int) -> bool:
    """Whether there is memory for a sheet, which long islands that lie across each other make larger than they are."""
    with suppress(FastStyleError):
        check_memory(math.prod(sheet.size) * SHEET_BYTES_PER_PX, "sheets")
        return math.prod(sheet.size) <= MOST_EXCESS * most_px
    return False


def _coverage(size: tuple[int, int], options: StylizeOptions, masks: Sequence[Mask]) -> NDArray[np.float32]:
    """Strength of the effect at each texel, (H, W), or (1, 1) without masks."""
    if not masks:
        return np.full((1, 1), options.strength, np.float32)
    maps = [mask.at(*size, options.feather).astype(np.float32) / 255 for mask in masks]
    coverage: NDArray[np.float32] = np.float32(options.strength) * np.sum(maps, 0).clip(0, 1)
    return coverage


def _with_detail(blended: NDArray[np.float32], texture: Pixels, coverage: NDArray[np.float32]) -> Pixels:
    """Add what the texture lost on the way to the charts and back, where it is to be seen.

    blended: (H, W, 3), or (H, W, 6): the painted texture, and the texture as it was drawn.
    """
    result, drawn = blended[..., :3], blended[..., 3:]
    if drawn.size:
        result += (1 - coverage).clip(0, 1)[..., None] * (texture - drawn)
    return (result + np.float32(0.5)).clip(0, np.iinfo(texture.dtype).max).astype(texture.dtype)
