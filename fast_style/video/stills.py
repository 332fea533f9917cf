"""Make a film of a picture: it is read once, and painted once for each style and size of strokes."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from .. import images
from ..images import Picture
from ..options import StylizeOptions, VideoOptions
from ..stylizer import Stylizer, changed
from .sequences import RATE, PictureFrames
from .types import ClipInfo, Frame

# Paintings that are held: the photograph, two styles or sizes of strokes, and the next.
HELD = 4
# A result that is larger is what cameras make and few players show: short side in px.
LARGEST_PX = 1080


class StillReader(PictureFrames):
    """Show a picture for a time, 25 times a second or as often as --fps says."""

    def __init__(self, path: Path, length_s: Fraction, options: VideoOptions = VideoOptions()) -> None:
        """Raises FastStyleError for what is no picture."""
        super().__init__(path, options)
        self._picture = images.read(path)
        rate = Fraction(options.fps).limit_denominator(1001) if options.fps else RATE
        self._count = max(1, round(length_s * rate))
        info: ClipInfo = self.describe(self._picture, self._count, rate, 1 / rate)
        self.info = replace(info, alpha=self._picture.image.mode == "RGBA", deep=self._picture.deep is not None)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the same picture again and again."""
        return self.wanted((Frame(self._picture, place, 1) for place in range(self._count)), self.info.time_base)


def as_still(path: Path, options: StylizeOptions) -> StylizeOptions:
    """Return the options with the defaults of pictures, and the size of the film that a picture becomes.

    Its short side is the picture's own, at most `LARGEST_PX`, and the network works at that size too. Raises
    FastStyleError for what is no picture.
    """
    own_px = min(images.read(path).image.size)
    short_px = options.output_size or min(own_px, LARGEST_PX)
    return replace(
        options,
        strokes="medium" if options.strokes == "auto" else options.strokes,
        noise=1.0 if options.noise is None else options.noise,
        size=options.size or (short_px if short_px < own_px else None),
        output_size=None if short_px == own_px else short_px,
    )


class StillStylizer(Stylizer):
    """Stylize the same picture at many strengths: the result goes in a line from the photograph to the full style."""

    def __init__(self, stylizer: Stylizer) -> None:
        super().__init__(stylizer.engine, stylizer.paintings)
        self._held: OrderedDict[Any, tuple[Picture, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def apply(
        self, picture: Picture, options: StylizeOptions | None = None, mask: Any = None, *others: Any, **changes: Any
    ) -> Picture:
        """Stylize a picture, as in `Stylizer`; what was painted lately is not painted again."""
        wanted = changed(options, changes)
        if not 0 < wanted.strength < 1:
            return self._painted(picture, wanted, mask)
        photo, full = (self._painted(picture, replace(wanted, strength=end), mask).pixels for end in (0.0, 1.0))
        share = np.float32(wanted.strength)
        mixed = photo[..., :3] + share * (full[..., :3].astype(np.float32) - photo[..., :3]) + np.float32(0.5)
        return picture.with_colors(mixed.astype(photo.dtype))

    def _painted(self, picture: Picture, options: StylizeOptions, mask: Any) -> Picture:
        key = (id(picture), options, tuple(map(id, mask or ())))
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]
        painted = super().apply(picture, options, mask)
        with self._lock:
            self._held[key] = painted, (picture, mask)  # which keep their ids as long as they are held
            while len(self._held) > HELD:
                self._held.popitem(last=False)
        return painted
