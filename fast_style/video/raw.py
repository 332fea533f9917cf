"""Stylize raw frames in pipes: RGB24 in, RGB24 out, every frame answered in its order."""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..options import StylizeOptions, VideoOptions
from ..stylizer import Stylizer
from ..system.pipes import write_all
from ..system.threads import ahead, behind
from .audio_reactive import with_curves
from .frames import FrameStylizer

RATE = 25.0


def parse_size(text: str) -> tuple[int, int]:
    """Return width and height in px from `1280x720`. Raises FastStyleError for anything else."""
    match = re.fullmatch(r"(\d+)x(\d+)", text.strip().lower())
    if not match or not int(match[1]) * int(match[2]):
        raise FastStyleError(f"`raw` {text}: expected WIDTHxHEIGHT, as in 1280x720")
    return int(match[1]), int(match[2])


def stylize_raw(
    stylizer: Stylizer,
    size: tuple[int, int],
    source: BinaryIO,
    sink: BinaryIO,
    options: StylizeOptions = StylizeOptions(),
    video: VideoOptions = VideoOptions(),
    report: Callable[[int], None] = lambda _: None,
) -> int:
    """Stylize RGB24 frames of that width and height until the source ends; returns their number.

    Key frames, and a file of sound in the options, count time at --fps, by default 25 a second. Latency is what is in
    the pipes and the few frames that are being read, stylized and written; nothing is dropped. An interruption ends it
    while the source or the sink stalls, too, if they are unbuffered. Raises FastStyleError when the source ends within
    a frame.
    """
    if video.sound.audio_reactive and not video.sound.audio:
        raise FastStyleError("`raw` frames have no sound; name a file of it with `audio`")
    stylized = FrameStylizer(stylizer, options, with_curves(video, options, stylizer.styles))
    count, rate = 0, video.fps or RATE

    def write(picture: Image.Image) -> None:
        _write(sink, picture, size)

    frames_of_source = _frames(source, size, stylized.working_size)
    with ahead(frames_of_source, 2, may_stall=True) as frames, behind(write, 2, may_stall=True) as put:
        for image in frames:
            put(stylized.picture(image, count / rate))
            count += 1
            report(count)
    return count


def _frames(source: BinaryIO, size: tuple[int, int], short_side_px: int | None) -> Iterator[Image.Image]:
    width, height = size
    length = width * height * 3
    number = 0
    while data := _exactly(source, length):
        number += 1
        if len(data) < length:
            raise FastStyleError(f"`raw` {width}x{height}: the input ended within frame {number}; is its size right?")
        image = Image.frombytes("RGB", size, bytes(data))
        yield images.resize_short_side(image, short_side_px) if short_side_px else image


def _exactly(source: BinaryIO, length: int) -> bytes:
    """Read so many bytes, fewer only at the end: a pipe hands out what it has."""
    parts, missing = [], length
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _write(sink: BinaryIO, picture: Image.Image, size: tuple[int, int]) -> None:
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    write_all(picture.tobytes(), sink)
