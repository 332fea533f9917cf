"""Read animated GIF, WebP, PNG and AVIF as films, by Pillow: frames put together, times in milliseconds."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..images import Picture
from ..options import VideoOptions
from .sequences import PictureFrames
from .types import Frame

MILLISECOND = Fraction(1, 1000)
# What browsers show for a frame of no duration.
LEAST_MS = 100


def is_animated(path: Path) -> bool:
    """Return whether a picture has several frames; False for what is no picture."""
    try:
        with Image.open(path) as image:
            return _count(image) > 1
    except Exception:  # decoders raise whatever they trip over; reading it will say what is wrong
        return False


class AnimationReader(PictureFrames):
    """Read the frames of an animated picture; those with transparent pixels have alpha."""

    def __init__(self, path: Path, options: VideoOptions = VideoOptions()) -> None:
        """Raises FastStyleError for what is no picture."""
        super().__init__(path, options)
        if options.fps:
            raise FastStyleError("`fps`: an animated picture keeps its times; leave it out")
        first, count, total_ms, alpha = None, 0, 0, False
        for picture, duration in self._pictures():
            first = first or picture
            count, total_ms = count + 1, total_ms + duration
            alpha = alpha or _is_transparent(picture.image)
        if first is None:
            raise FastStyleError(f"{path}: not a readable picture (no frames)")
        rate = Fraction(1000 * count, max(1, total_ms)).limit_denominator(1001)
        self.info = replace(self.describe(first, count, rate, MILLISECOND), alpha=alpha, plays=_plays(path))

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames in order."""
        return self.wanted(self._timed(), MILLISECOND)

    def _timed(self) -> Iterator[Frame]:
        time_ms = 0
        for picture, duration in self._pictures():
            yield Frame(picture, time_ms, duration)
            time_ms += duration

    def _pictures(self) -> Iterator[tuple[Picture, int]]:
        """Frames and their durations in milliseconds."""
        try:
            with Image.open(self.path) as image:
                images.check_size(image.size, str(self.path))
                for index in range(_first(image), getattr(image, "n_frames", 1)):
                    image.seek(index)
                    # A copy: the decoder goes on to the next frame, in a thread of its own, while this one is stylized.
                    yield images.upright(image.copy()), round(image.info.get("duration", 0)) or LEAST_MS
        except FastStyleError:
            raise
        except Exception as error:  # decoders raise whatever they trip over in a damaged file
            reason = str(error).partition("\n")[0]
            raise FastStyleError(f"{self.path}: not a readable picture ({reason})") from error


def _first(image: Image.Image) -> int:
    """The first frame: the default image of a PNG may be for those who cannot show animations, and is none then."""
    return int(bool(getattr(image, "default_image", False)))


def _count(image: Image.Image) -> int:
    return int(getattr(image, "n_frames", 1)) - _first(image)


def _is_transparent(image: Image.Image) -> bool:
    lowest: Any = image.getchannel("A").getextrema()[0] if image.mode == "RGBA" else 255
    return bool(lowest < 255)


def _plays(path: Path) -> int:
    """How often it is played; 0 is without end. A GIF says how often it is repeated, nothing for not at all."""
    with Image.open(path) as image:
        loop = image.info.get("loop")
        if image.format != "GIF":
            return int(loop or 0)
        return 1 if loop is None else loop + 1 if loop else 0


def correct_webp(path: Path, last_ms: int, alpha: bool) -> None:
    """Set the duration of the last frame of an animated WebP, and whether it has alpha.

    libwebp takes the first for the average of the other durations, and denies the second where no frame's rectangle has
    transparent pixels, whatever is around it.
    """
    data = bytearray(path.read_bytes())
    place, last = 12, None  # behind "RIFF", the size and "WEBP"
    while place + 8 <= len(data):
        kind = data[place : place + 4]
        if kind == b"VP8X" and alpha:
            data[place + 8] |= 0x10
        last = place if kind == b"ANMF" else last
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        place += 8 + size + size % 2
    if last is not None:
        duration = last + 8 + 12  # behind the chunk's header, x, y, width and height
        data[duration : duration + 3] = min(last_ms, 2**24 - 1).to_bytes(3, "little")
    path.write_bytes(data)
