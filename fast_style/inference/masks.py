"""Read mask pictures: where, and how strongly, which style applies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .. import images
from ..errors import FastStyleError

MaskLike = Image.Image | str | Path | Mapping[str, "Image.Image | str | Path"]


@dataclass(frozen=True)
class Mask:
    """Hold one mask: a grey picture, white where `style` (the style of the options, if empty) applies."""

    image: Image.Image
    style: str = ""

    def at(self, width: int, height: int, feather_px: float = 0.0) -> NDArray[np.uint8]:
        """Return (H, W), 255 where the style applies fully, at that size, with edges softened by a Gaussian."""
        grey = self.image if self.image.size == (width, height) else self.image.resize((width, height), _FILTER)
        soft = grey.filter(ImageFilter.GaussianBlur(feather_px)) if feather_px else grey
        return np.asarray(soft)

    def wrapped(self, size: tuple[int, int], margin_px: int) -> "Mask":
        """Continue the mask as a periodic picture of that width and height with a margin on every side."""
        grey = np.asarray(self.image.resize(size, _FILTER))
        return Mask(Image.fromarray(np.pad(grey, margin_px, mode="wrap")), self.style)


_FILTER = Image.Resampling.BILINEAR


def read(given: MaskLike | Sequence[str] | None) -> tuple[Mask, ...]:
    """Read masks from a picture, a path, {style: picture or path}, or flags such as `sky.png=wave`.

    Raises FastStyleError for files that are no pictures and for several masks of which one names no style.
    """
    if given is None:
        return ()
    if isinstance(given, Mapping):
        masks = tuple(Mask(_grey(value), style) for style, value in given.items())
    elif isinstance(given, Image.Image | Path | str):
        masks = (Mask(_grey(given)),)
    else:
        masks = tuple(Mask(_grey(path), style) for path, style in map(split_flag, given))
    if len(masks) > 1 and not all(mask.style for mask in masks):
        raise FastStyleError("several masks need a style each: `mask` takes sky.png=wave ground.png=scream")
    return masks


def split_flag(text: str) -> tuple[Path, str]:
    """Split `file.png`, `file.png=STYLE` or `%05d.png=STYLE`; both parts may have equals signs."""
    parts = text.split("=")
    cuts = [(Path("=".join(parts[:i])), "=".join(parts[i:])) for i in range(len(parts), 0, -1)]
    return next((cut for cut in cuts if cut[0].is_file() or "%" in cut[0].name), cuts[-1])


def _grey(given: Image.Image | str | Path) -> Image.Image:
    """Its brightness; transparent pixels are black: an editor's brush leaves white strokes on nothing."""
    picture = images.upright(given) if isinstance(given, Image.Image) else images.read(Path(given))
    image = picture.image
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    return image.convert("L")
