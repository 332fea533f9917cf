"""Stylize a film: decoding, inference and encoding at the same time, in memory that does not grow."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..images import with_short_side
from ..options import StylizeOptions, VideoOptions
from ..options.network import REALTIME
from ..system.threads import ahead, behind, overlapped
from .audio_reactive import with_curves
from .frames import FrameStylizer
from .sources import check_holds_sound, is_film, open_audible, open_sink
from .stills import StillStylizer, as_still
from .types import Content, Frame, Sink, Source

if TYPE_CHECKING:
    from ..stylizer import Stylizer


@dataclass(frozen=True)
class FilmProgress:
    """Tell how far a film is."""

    frames: int
    """Frames done."""
    expected: int | None
    """About how many there will be."""
    seconds: float
    """Time since the first."""


def stylize_film(
    stylizer: "Stylizer",
    source: Path,
    target: Path,
    options: StylizeOptions = StylizeOptions(),
    video: VideoOptions = VideoOptions(),
    report: Callable[[FilmProgress], None] = lambda _: None,
) -> int:
    """Stylize a film, an animation or an image sequence (`frames/%05d.png`); returns the number of frames.

    With a file of sound in the options a picture becomes a film too.

    `report` is called after every frame. An interruption (KeyboardInterrupt) or an error leaves what there is under
    `partial_path(target)`, where it plays. Raises FastStyleError for inputs, outputs and options that cannot be used.
    """
    if video.sound.audio:
        check_holds_sound(target)
    if video.sound.audio and not is_film(source):
        stylizer, options = StillStylizer(stylizer), as_still(source, options)
    video = with_curves(_with_encoding(video, stylizer), options, stylizer.styles, source)
    frames = FrameStylizer(stylizer, options, video)
    # Exact colours of frames matter where one sees them.
    quick = video.encoding == "quick" and not frames.shows_frames
    reader = open_audible(source, video, frames.working_size, quick)
    try:
        size = with_short_side(reader.info.full_size, options.output_size)
        writer = open_sink(target, reader.info, video, size)
    except BaseException:
        reader.close()
        raise
    whole = False
    try:
        count = _run(reader, frames, writer, report)
        whole = True
    finally:
        writer.close(whole)
        reader.close()
    return count


def _with_encoding(video: VideoOptions, stylizer: "Stylizer") -> VideoOptions:
    """Encode what a real-time network paints quickly: the smallest file would take longer than the network."""
    if video.encoding != "auto":
        return video
    return replace(video, encoding="quick" if stylizer.info["model"]["arch"] in REALTIME else "small")


def _run(reader: Source, frames: FrameStylizer, writer: Sink, report: Callable[[FilmProgress], None]) -> int:
    count, start, info = 0, time.perf_counter(), reader.info

    def job(item: Any) -> Callable[[], tuple[Any, Content | None]]:
        if not isinstance(item, Frame):  # a packet of sound
            return lambda: (item, None)
        stylize = frames.job(item.content, float(item.pts * info.time_base))
        return lambda: (item, stylize())

    with ahead(reader) as items, behind(writer.write) as write:
        for item, styled in overlapped(map(job, items), frames.concurrency):
            if styled is None:
                write(item)
                continue
            write(replace(item, content=frames.steady(item.content, styled)))
            count += 1
            report(FilmProgress(count, info.frames, time.perf_counter() - start))
    return count
