"""How a picture is to look: which styles, how strongly, in which colours, at every pixel."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..engines import Engine
from ..engines.tiling import Box
from ..images import color
from ..options import StylizeOptions
from .masks import Mask
from .noise import PERIOD_PX, Grain
from .style_weights import Styles

Array = NDArray[np.float32]
Role = Literal["style", "identity"]

# With an identity style, the share of strength over which the exact photograph gives way to the network's.
FADE = 0.25


class Look:
    """The controls of a picture of one size, applied to any part of it."""

    def __init__(
        self, engine: Engine, styles: Styles, options: StylizeOptions, masks: Sequence[Mask], size: tuple[int, int]
    ) -> None:
        """size: height and width in px. Raises FastStyleError for unknown styles."""
        self.engine, self.identity = engine, styles.identity
        self.plain = options.plain and not masks
        """Whether the network's answer is the result."""
        self.strength, self.colors = options.strength, options.preserve_color
        self.levels, self.period_px = options.grain, _period(options, size, engine.reach_px)
        self.masks = [mask.at(size[1], size[0], options.feather) for mask in masks]
        names = [mask.style or options.style for mask in masks] or [options.style]
        rows = [styles.weights(name, options.interpolate) for name in names]
        self.rows = np.stack(rows) if len(set(names)) > 1 else rows[0]
        self.statistics: dict[Role, Array] = {}
        """Of the whole picture, where only parts of it are handed in."""
        self.matching: color.Matching | None = None
        """Made from the whole picture, where only parts of it are handed in."""

    @property
    def roles(self) -> list[Role]:
        """What the network is run for."""
        partly = self.identity is not None and (self.masks or self.strength < 1)
        return ["style", "identity"] if partly else ["style"]

    def blend(self, box: Box, role: Role = "style") -> Array:
        """What the network is told to paint there: (S,), or (S, H, W) where it varies."""
        if self.identity is None:
            return self._rows(box)
        if role == "identity":
            return self.identity
        end, coverage = self._rows(box), self.coverage(box)
        if (coverage == 1).all():
            return end
        if coverage.size == 1 and end.ndim == 1:
            return (self.identity + coverage[0, 0] * (end - self.identity)).astype(np.float32)
        start = self.identity[:, None, None]
        per_pixel: Array = start + coverage * ((end if end.ndim == 3 else end[:, None, None]) - start)
        return per_pixel

    def __call__(self, photo: Any, box: Box) -> Any:
        """The result for that part of the picture: photo and result (N, 3, H, W); tensors only when `plain`."""
        if self.plain:
            return self._run(photo, box, "style")
        share = self.coverage(box)
        if not share.any():
            return photo.copy()
        styled = self.styled(photo, box)
        if self.identity is not None:
            share = np.minimum(1, share / FADE)
        matching = self.matching or color.Matching(self.colors, photo, styled)
        if (share == 1).all():  # exactly what no mask would give
            return matching(photo, styled).clip(0, 1)
        mixed: Array = photo + share.astype(np.float32) * (matching(photo, styled) - photo)
        return mixed.clip(0, 1, out=mixed)

    def styled(self, photo: Array, box: Box) -> Array:
        """What the network makes of it; towards strength 0 with what its identity style misses of the photograph."""
        styled: Array = self._run(photo, box, "style")
        coverage = self.coverage(box)
        if self.identity is None or (coverage >= 1).all():
            return styled
        missed: Array = photo - self._run(photo, box, "identity")
        styled += (1 - coverage).clip(0) * missed
        return styled

    def seen(self, photo: Any, box: Box) -> Any:
        """What the network is shown of that part of the picture: the photograph, with grain where that is asked for."""
        return self.grain(photo, box) if self.levels else photo

    @cached_property
    def grain(self) -> Grain:
        """Made when it is needed: of large pictures that repeat it takes seconds."""
        return Grain(self.levels, self.period_px)

    def _run(self, photo: Any, box: Box, role: Role) -> Any:
        return self.engine(self.seen(photo, box), self.blend(box, role), self.statistics.get(role))

    def _rows(self, box: Box) -> Array:
        if self.rows.ndim == 1:
            return self.rows
        maps = np.stack([_unit(mask[box.slices]) for mask in self.masks]) + np.float32(1e-6)
        per_pixel: Array = np.einsum("ms,mhw->shw", self.rows, maps / maps.sum(0))
        return per_pixel

    def coverage(self, box: Box) -> Array:
        """How far each pixel is styled: (H, W), or (1, 1) without masks."""
        if not self.masks:
            return np.full((1, 1), self.strength, np.float32)
        total: Array = np.sum([_unit(mask[box.slices]) for mask in self.masks], axis=0)
        coverage: Array = (self.strength * np.minimum(1, total)).astype(np.float32)
        return coverage


def _period(options: StylizeOptions, size: tuple[int, int], reach_px: int) -> tuple[int, int]:
    """Height and width after which the grain repeats: pictures that repeat come with a margin of reach_px around."""
    if not options.tileable:
        return PERIOD_PX
    return max(1, size[0] - 2 * reach_px), max(1, size[1] - 2 * reach_px)


def _unit(mask: NDArray[np.uint8]) -> Array:
    return mask.astype(np.float32) / np.float32(255)
