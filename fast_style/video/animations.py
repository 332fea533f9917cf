"""Animated GIF, WebP and PNG as films, read by Pillow: frames put together, times in milliseconds."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..options import VideoOptions
from .sequences import PictureFrames
from .types import Frame

MILLISECOND = Fraction(1, 1000)
# What browsers show for a frame of no duration.
LEAST_MS = 100


class AnimationReader(PictureFrames):
    """The frames of an animated picture, transparent pixels on white."""

    def __init__(self, path: Path, options: VideoOptions = VideoOptions(), size: int | None = None) -> None:
        """Raises FastStyleError for what is no picture."""
        super().__init__(path, options, size)
        if options.fps:
            raise FastStyleError("--fps: an animated picture keeps its times; leave it out")
        durations = []
        first = None
        for picture, _, duration in self._pictures():
            first = first or picture
            durations.append(duration)
        assert first
        rate = Fraction(1000 * len(durations), sum(durations)).limit_denominator(1001)
        self.info = self.describe(first, len(durations), rate, MILLISECOND)

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order."""
        return self.frames(self._pictures(), MILLISECOND)

    def _pictures(self) -> Iterator[tuple[Image.Image, int, int]]:
        time = 0
        try:
            with Image.open(self.path) as image:
                for index in range(getattr(image, "n_frames", 1)):
                    image.seek(index)
                    image.load()
                    duration = round(image.info.get("duration", 0)) or LEAST_MS
                    yield images.upright(image).rgb, time, duration
                    time += duration
        except OSError as error:
            raise FastStyleError(f"{self.path}: not a readable picture ({error})") from error
