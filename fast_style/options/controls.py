"""Define the controls of a picture or a frame, the same for every front end."""

from dataclasses import dataclass, fields
from typing import Literal

from ..errors import FastStyleError
from .checks import check_at_least, check_between, check_types

# Of JPEG, WebP and AVIF.
QUALITY = 95
# Beyond 1 the style is exaggerated; beyond this there is only clipping.
STRONGEST = 1.5
# More than this is seen as spots.
MOST_NOISE = 4
# Sigma in px; wider than any picture, and still a number that the filter can work with.
WIDEST_FEATHER_PX = 10_000
# Controls that say only what the network paints. A control that is named neither here nor below turns the fast paths
# off as soon as it differs from its default, so that a new one cannot be forgotten.
_OF_THE_STYLE = frozenset({"style", "interpolate"})
# Controls of what is done before and after the network's pass, or of how it is divided. Masks, which may also be given
# as pictures, are asked for where they are read.
_AROUND_THE_PASS = frozenset(
    {"strokes", "noise", "grain", "size", "output_size", "detail", "tileable", "tile_px", "memory", "statistics"}
    | {"mask", "feather"}
)


@dataclass(frozen=True)
class StylizeOptions:
    """Controls of one picture."""

    style: str = ""
    """Style of a model that has several, or a blend of them: wave, or wave=0.6,scream=0.4; by default its first."""

    interpolate: Literal["linear", "slerp"] = "linear"
    """How blends go from one style to the next: along the line, or spherically along the arc."""

    strength: float = 1.0
    """0 is the photograph, 1 the full style; up to 1.5 exaggerates it."""

    mask: tuple[str, ...] = ()
    """Grey picture that says where: white styled, black photograph. mask.png, or mask.png=STYLE for each style."""

    feather: float = 4.0
    """Softening of mask edges in px of the working picture (the sigma of a Gaussian); 0 takes the mask as it is."""

    preserve_color: Literal["none", "luminance", "statistics"] = "none"
    """Keep the photograph's colours: its chroma under the style's luminance, or its colour mean and covariance."""

    strokes: Literal["auto", "fine", "medium", "bold"] = "auto"
    """Size of the strokes: fine paints once, medium and bold from coarse to fine, at several scales, in proportion to
    the picture. auto is medium for pictures, fine for films and live."""

    noise: float | None = None
    """Strength of the noise that the network is shown where the photograph is smooth, so that it paints strokes there:
    0 to 4; by default 1, and 0 for arrays and live."""

    grain: Literal["auto", "merged", "kept"] = "auto"
    """Grain of one to three pixels: merged into dabs of one colour, where there are no lines, or kept. auto merges it
    in pictures painted coarse to fine, but for styles that consist of it (pointillism)."""

    size: int | None = None
    """Working short side in px: smaller gives larger strokes. The result keeps the size of the input."""

    output_size: int | None = None
    """Short side in px of the result; by default that of the input."""

    detail: float = 0.0
    """How much of the photograph's fine detail, lost by a --size below its own, is added again: 0 to 1."""

    tileable: bool = False
    """Take the picture as periodic: the result repeats in both directions without a seam."""

    tile_px: int | None = None
    """Side of the tiles in px; by default tiles are used when the picture would need more than --memory."""

    memory: str = "auto"
    """Memory that inference may use, as in 800MB or 2GB; auto is 2GB on a CPU, or half of what is free, and
    most of it on a GPU."""

    statistics: Literal["auto", "exact", "sampled", "reduced"] = "auto"
    """Instance-norm statistics of tiled pictures: of all of it, of a sample of small tiles, of a reduced picture."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "size", "output_size")
        check_at_least(self, 64, "tile_px")
        check_between(self, 0, STRONGEST, "strength")
        check_between(self, 0, WIDEST_FEATHER_PX, "feather")
        check_between(self, 0, MOST_NOISE, "noise")
        check_between(self, 0, 1, "detail")
        self.memory_bytes()

    @property
    def changed(self) -> frozenset[str]:
        """Return the names of the fields that differ from their defaults."""
        return frozenset(field.name for field in fields(self) if getattr(self, field.name) != field.default)

    @property
    def plain(self) -> bool:
        """Return whether the network's output at the working size is the result, unless there are masks."""
        return self.changed <= _OF_THE_STYLE | _AROUND_THE_PASS

    @property
    def direct(self) -> bool:
        """Return whether one pass of the network over the whole picture is the result, unless there are masks."""
        return self.changed <= _OF_THE_STYLE

    def memory_bytes(self) -> int | None:
        """Return `memory` in bytes, None for auto. Raises FastStyleError for what is not a number with MB or GB."""
        if self.memory == "auto":
            return None
        units = {"MB": 10**6, "GB": 10**9}
        number, unit = self.memory[:-2], self.memory[-2:].upper()
        try:
            size = float(number) * units[unit]
        except (KeyError, ValueError):
            raise FastStyleError(f"`memory` is {self.memory!r}; it takes auto or a size, as in 800MB or 2GB") from None
        if not 10**8 <= size < float("inf"):
            raise FastStyleError(f"`memory` is {self.memory}; it takes 100MB or more")
        return int(size)
