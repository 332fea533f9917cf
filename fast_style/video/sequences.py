"""Read and write numbered pictures as films: `frames/%05d.png`, each as a picture is read and written."""

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from .. import images
from ..errors import FastStyleError
from ..images import Picture, Pixels
from ..options import VideoOptions
from .types import ClipInfo, Frame

NUMBER = re.compile(r"%(0?)(\d*)d")
RATE = Fraction(25)


def is_pattern(path: Path) -> bool:
    """Return whether a name has a place for a number, as `%05d.png`, and is not simply that of a file."""
    return bool(NUMBER.search(path.name)) and path.suffix.lower() in images.EXTENSIONS and not path.is_file()


class PictureFrames:
    """Select the wanted part of frames that are pictures: what sequences and animations have in common."""

    def __init__(self, path: Path, options: VideoOptions) -> None:
        self.path, self._options = path, options

    def describe(self, first: Picture, count: int, rate: Fraction, time_base: Fraction) -> ClipInfo:
        """Return what is known of `count` pictures like `first`."""
        size = first.image.size
        seconds = max(Fraction(0), count / rate - Fraction(self._options.start))
        seconds = min(seconds, Fraction(self._options.duration or seconds))
        frames = max(1, round(seconds * rate))
        return ClipInfo(*size, time_base=time_base, rate=rate, frames=frames, full_size=size)

    def wanted(self, frames: Iterator[Frame], time_base: Fraction) -> Iterator[Frame]:
        """Yield those frames that --start and --duration want, the first at 0."""
        start = round(Fraction(self._options.start) / time_base)
        end = start + Fraction(self._options.duration) / time_base if self._options.duration else None
        zero = None
        for frame in frames:
            if end is not None and frame.pts >= end:
                return
            if frame.pts < start:
                continue
            zero = frame.pts if zero is None else zero
            yield replace(frame, pts=frame.pts - zero)
        if zero is None:
            raise FastStyleError(f"{self.path}: no frame in the part of the film that is asked for")

    def close(self) -> None:
        """Do nothing: no file stays open between frames."""


class SequenceReader(PictureFrames):
    """Read the pictures that a pattern such as `frames/%05d.png` names, by their numbers; 25 a second, or --fps."""

    def __init__(self, path: Path, options: VideoOptions = VideoOptions()) -> None:
        """Raises FastStyleError when there is none."""
        super().__init__(path, options)
        self._numbered = numbered(path)
        if not self._numbered:
            raise FastStyleError(f"{path}: no such pictures")
        rate = Fraction(options.fps).limit_denominator(1001) if options.fps else RATE
        first = images.read(self._numbered[0][1])
        info = self.describe(first, len(self._numbered), rate, 1 / rate)
        self.info = replace(info, alpha=first.image.mode == "RGBA", deep=first.deep is not None)

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames in order."""
        frames = (Frame(images.read(path), place, 1, number) for place, (number, path) in enumerate(self._numbered))
        return self.wanted(frames, self.info.time_base)


class SequenceWriter:
    """Write every frame as a picture, under its own number where it has one, else numbered from 1."""

    def __init__(self, path: Path, info: ClipInfo, size: tuple[int, int]) -> None:
        """path: with a place for the number; size: width and height in px. Raises FastStyleError for its format."""
        self.path, self.size = path, size
        self._format = images.format_for(path)
        self._count = 0

    def write(self, item: Any) -> None:
        """Take a frame; packets of sound are passed over."""
        if not isinstance(item, Frame):
            return
        self._count += 1
        content = item.content
        picture = content if isinstance(content, Picture) else self._picture(content)
        number = self._count if item.number is None else item.number
        images.write(replace(picture, format=self._format), numbered_path(self.path, number))

    def _picture(self, pixels: Pixels) -> Picture:
        return Picture.from_pixels(images.resized(pixels, self.size), self._format)

    def close(self, whole: bool = True) -> None:
        """Do nothing: every picture is whole once it is there."""


def numbered_path(path: Path, number: int) -> Path:
    """Return the path of one picture of a sequence."""
    return path.with_name(NUMBER.sub(lambda place: place[0] % number, path.name, count=1))


def numbered(pattern: Path) -> list[tuple[int, Path]]:
    """Return numbers and files of a pattern such as `frames/%05d.png`, by number.

    As in printf the width is the least: `%02d` is also 100. Without a zero, `%d`, leading zeros do not matter.
    """
    place = NUMBER.search(pattern.name)
    assert place  # is_pattern was asked
    before, after = re.escape(pattern.name[: place.start()]), re.escape(pattern.name[place.end() :])
    fits = re.compile(f"{before}( *[0-9]+){after}")
    folder = pattern.parent
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    found = [(match[1], name) for name in names if (match := fits.fullmatch(name))]
    exact = [(int(digits), name) for digits, name in found if not place[1] or place[0] % int(digits) == digits]
    return [(number, folder / name) for number, name in sorted(exact)]
