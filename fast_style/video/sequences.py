"""Numbered pictures as films: `frames/%05d.png`, read and written as pictures are."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..options import VideoOptions
from .types import ClipInfo, Frame

NUMBER = re.compile(r"%(0?)(\d*)d")
RATE = Fraction(25)


def is_pattern(path: Path) -> bool:
    """Return whether a name has a place for a number, as `%05d.png`, and is not simply that of a file."""
    return bool(NUMBER.search(path.name)) and path.suffix.lower() in images.EXTENSIONS and not path.is_file()


class PictureFrames:
    """Frames from pictures with times: what sequences and animations have in common."""

    def __init__(self, path: Path, options: VideoOptions, size: int | None) -> None:
        self.path, self._options, self._size = path, options, size

    def describe(self, first: Image.Image, count: int, rate: Fraction, time_base: Fraction) -> ClipInfo:
        """What is known of `count` upright RGB pictures like `first`."""
        self._full = first.size
        work = images.with_short_side(first.size, self._size)
        seconds = max(Fraction(0), count / rate - Fraction(self._options.start))
        seconds = min(seconds, Fraction(self._options.duration or seconds))
        frames = max(1, round(seconds * rate))
        return ClipInfo(*work, time_base=time_base, rate=rate, frames=frames, full_size=first.size)

    def frames(self, pictures: Iterator[tuple[Image.Image, int, int]], time_base: Fraction) -> Iterator[Frame]:
        """Those of (picture, pts, duration) that --start and --duration want, at the working size."""
        start = round(Fraction(self._options.start) / time_base)
        end = start + Fraction(self._options.duration) / time_base if self._options.duration else None
        zero = None
        for picture, pts, duration in pictures:
            if end is not None and pts >= end:
                return
            if pts < start:
                continue
            zero = pts if zero is None else zero
            same = picture if picture.size == self._full else picture.resize(self._full, Image.Resampling.LANCZOS)
            work = images.resize_short_side(same, self._size) if self._size else same
            yield Frame(images.to_array(work), pts - zero, duration)
        if zero is None:
            raise FastStyleError(f"{self.path}: no frame in the part of the film that is asked for")

    def close(self) -> None:
        """Nothing stays open between frames."""


class SequenceReader(PictureFrames):
    """The pictures that a pattern such as `frames/%05d.png` names, by their numbers; 25 a second, or --fps."""

    def __init__(self, path: Path, options: VideoOptions = VideoOptions(), size: int | None = None) -> None:
        """Raises FastStyleError when there is none."""
        super().__init__(path, options, size)
        self._paths = numbered(path)
        if not self._paths:
            raise FastStyleError(f"{path}: no such pictures")
        rate = Fraction(options.fps).limit_denominator(1001) if options.fps else RATE
        self.info = self.describe(images.read(self._paths[0]).rgb, len(self._paths), rate, 1 / rate)

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order."""
        pictures = ((images.read(path).rgb, index, 1) for index, path in enumerate(self._paths))
        return self.frames(pictures, self.info.time_base)


class SequenceWriter:
    """Writes every frame as a picture, numbered from 1."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        """path: with a place for the number; size: width and height in px. Raises FastStyleError for its format."""
        self.path, self.size = path, size
        self._kind = images.format_for(path)
        self._count = 0

    def write(self, item: Any) -> None:
        """Take a frame; packets of sound are passed over."""
        if not isinstance(item, Frame):
            return
        self._count += 1
        image = images.from_array(item.image)
        if image.size != self.size:
            image = image.resize(self.size, Image.Resampling.LANCZOS)
        images.write(images.Picture(image, self._kind, None, None), numbered_path(self.path, self._count))

    def close(self, whole: bool = True) -> None:
        """Every picture is whole once it is there."""


def numbered_path(path: Path, number: int) -> Path:
    """The path of one picture of a sequence."""
    return path.with_name(NUMBER.sub(lambda place: place[0] % number, path.name, count=1))


def numbered(pattern: Path) -> list[Path]:
    """The files of a pattern such as `frames/%05d.png`, by number."""
    place = NUMBER.search(pattern.name)
    assert place  # is_pattern was asked
    digits = rf"\d{{{place[2]}}}" if place[1] and place[2] else r"\d+"
    before, after = re.escape(pattern.name[: place.start()]), re.escape(pattern.name[place.end() :])
    fits = re.compile(f"{before}({digits}){after}")
    folder = pattern.parent
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    found = sorted((int(match[1]), name) for name in names if (match := fits.fullmatch(name)))
    return [folder / name for _, name in found]
