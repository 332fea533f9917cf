"""Compute the effect that the controls ask for: which styles, how strongly and in which colours, at every pixel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engines.tiling import Box
from ..images import color
from ..images.maps import shape_in_cells
from ..images.noise import usual_noise
from ..images.noise_texture import USUAL_SHARE, unpacked
from ..options import StylizeOptions
from .masks import Mask
from .style_weights import Styles

Array = NDArray[np.float32]


@dataclass
class Effect:
    """Apply the controls of one picture to any part of it and at any size.

    Made once for each picture. It owns what has to be known of the whole picture where only parts of it are handed in:
    the statistics of the instance norms and the transport of colours.
    """

    options: StylizeOptions
    masks: Sequence[Mask]
    rows: Array
    """Weights of the styles: (S,), or (M, S) where the masks choose different ones."""
    size: tuple[int, int]
    """Height and width of the picture in px."""
    is_identity: bool
    """Whether what the network paints is the result: full strength, the painting's colours, no masks."""
    keeps_grain: Array | None = None
    """1 for the styles that consist of grain, else 0, (S,); None where there is none."""
    textures: tuple[str, ...] = ()
    """Noise texture of each style, packed, empty where it has none; empty where no style has one."""
    statistics: Array | None = None
    """Mean and variance of every channel of every norm of the whole picture, (2, T); None: each part's own."""
    matching: color.Matching | None = None
    """Colours of the whole picture; None: they are taken from each part."""
    _maps: list[NDArray[np.uint8]] | None = None

    @classmethod
    def of(cls, styles: Styles, options: StylizeOptions, masks: Sequence[Mask], size: tuple[int, int]) -> "Effect":
        """Resolve the names of the styles. Raises FastStyleError for unknown ones."""
        names = [mask.style or options.style for mask in masks] or [options.style]
        rows = [styles.weights(name, options.interpolate) for name in names]
        chosen = np.stack(rows) if len(set(names)) > 1 else rows[0]
        return cls(options, masks, chosen, size, options.plain and not masks, styles.keeps_grain, styles.textures)

    @property
    def is_nothing(self) -> bool:
        """Return whether the photograph is the result: no strength, or black masks."""
        black = bool(self.masks) and not any(mask.image.getextrema()[1] for mask in self.masks)
        return not self.is_identity and (black or not self.options.strength)

    def at(self, size: tuple[int, int]) -> "Effect":
        """Return the same effect for the picture at another height and width, without statistics and colours."""
        return replace(self, size=size, statistics=None, matching=None, _maps=None)

    def style_only(self) -> "Effect":
        """Return the styles alone, without strength, colours and the masks' edge between style and photograph."""
        return replace(self, is_identity=True)

    def weights(self, box: Box | None = None) -> Array:
        """Compute the weights of the styles in a part of the picture: (S,), or (S, h, w) where pixels differ."""
        if self.rows.ndim == 1:
            return self.rows
        maps = self._covered(box) + np.float32(1e-6)
        per_pixel: Array = np.einsum("ms,mhw->shw", self.rows, maps / maps.sum(0))
        return per_pixel

    def merged_grain(self) -> Array:
        """Compute the share of grain that is to be merged into dabs: in cells of 4 px, or (1, 1) where it is one."""
        if self.options.grain != "auto" or self.keeps_grain is None:
            return np.full((1, 1), self.options.grain != "kept", np.float32)
        if self.rows.ndim == 1:
            return np.full((1, 1), 1 - self.keeps_grain @ self.rows, np.float32).clip(0, 1)
        kept: Array = np.tensordot(self.keeps_grain, self._weights_in_cells(), 1)
        return (1 - kept).clip(0, 1)

    def noises(self) -> list[tuple[Array, Array]]:
        """Return the noises of the styles and their shares, as `add_noise` takes them; empty for the usual noise.

        Raises FastStyleError for a texture that is damaged.
        """
        used = np.atleast_2d(self.rows).max(0) > 0
        textures = [texture if used[i] else "" for i, texture in enumerate(self.textures)]
        if not any(textures):
            return []
        weights = self.rows[:, None, None] if self.rows.ndim == 1 else self._weights_in_cells()
        shares: dict[str, Array] = {}
        for texture, share in zip(textures, weights, strict=True):
            shares[texture] = shares.get(texture, np.zeros_like(share)) + share
        # Noises that have nothing in common: a blend of them would be quieter than each.
        loudness = np.sqrt(np.sum([share**2 for share in shares.values()], axis=0)).clip(1e-6)
        plain = shares.pop("", np.zeros((1, 1), np.float32))
        usual = plain + np.float32(USUAL_SHARE) * np.sum([*shares.values()], axis=0)
        marks = [(unpacked(texture), share / loudness) for texture, share in shares.items()]
        return [(usual_noise(), usual.astype(np.float32)), *marks]

    def _weights_in_cells(self) -> Array:
        """The weights of the styles in cells of 4 px."""
        return replace(self.at(shape_in_cells(self.size)), options=replace(self.options, feather=0.0)).weights()

    def coverage(self, box: Box | None = None) -> Array:
        """Compute the strength of the effect at each pixel, 0 to 1.5: (h, w), or (1, 1) without masks."""
        if not self.masks:
            return np.full((1, 1), self.options.strength, np.float32)
        coverage: Array = self.options.strength * np.minimum(1, self._covered(box).sum(0))
        return coverage

    def mix(self, photo: Any, painted: Any, box: Box | None = None) -> Any:
        """Apply colours, strength and masks: photo and painted (N, 3, h, w) in [0, 1], and the same out.

        Tensors pass only when `is_identity`.
        """
        if self.is_identity:
            return painted
        share = self.coverage(box)
        matching = self.matching or color.Matching(self.options.preserve_color, photo, painted)
        if (share == 1).all():  # exactly what no mask would give
            return matching(photo, painted).clip(0, 1)
        mixed: Array = photo + share * (matching(photo, painted) - photo)
        return mixed.clip(0, 1, out=mixed)

    def match_colors(self, photo: Array, painted: Array) -> None:
        """Take the transport of colours from the whole picture (a reduced one will do): (1, 3, h, w) in [0, 1]."""
        self.matching = color.Matching(self.options.preserve_color, photo, painted)

    def _covered(self, box: Box | None) -> Array:
        """The masks' parts, (masks, h, w) in [0, 1]."""
        if self._maps is None:
            height, width = self.size
            self._maps = [mask.at(width, height, self.options.feather) for mask in self.masks]
        part = Box(0, 0, *self.size) if box is None else box
        return np.stack([each[part.slices].astype(np.float32) / np.float32(255) for each in self._maps])
