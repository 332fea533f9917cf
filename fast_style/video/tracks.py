"""Find what is in a film beside its frames: sound, subtitles, chapters, cover art and other attachments."""

from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from .libav import pyav, url
from .types import Attachment, Chapter, CopiedStream

# First packets of each stream of sound, and how many packets of the whole file are read to find them.
FIRST_PACKETS, SEARCHED_PACKETS = 40, 2000


def is_cover(stream: Any) -> bool:
    """Return whether a stream of video (PyAV) is cover art: a single picture."""
    return bool(stream.disposition & pyav().stream.Disposition.attached_pic)


def copied_streams(path: Path, streams: list[Any]) -> tuple[CopiedStream, ...]:
    """Return streams of sound and subtitles with the first packets of the sound, read from the file's beginning."""
    packets = _first_packets(path, {s.index for s in streams if s.type == "audio"}, FIRST_PACKETS)
    return tuple(CopiedStream(stream, tuple(packets[stream.index])) for stream in streams)


def attachments_of(path: Path, container: Any) -> tuple[Attachment, ...]:
    """Return cover art and attached files of an open film (PyAV)."""
    covers = [stream for stream in container.streams.video if is_cover(stream)]
    packets = _first_packets(path, {stream.index for stream in covers}, 1)
    files = [Attachment(stream) for stream in container.streams if stream.type == "attachment"]
    return (*(Attachment(c, packets[c.index][0]) for c in covers if packets[c.index]), *files)


def chapters_of(container: Any, shift_s: Fraction, duration_s: float | None) -> tuple[Chapter, ...]:
    """Return the chapters of an open film (PyAV), `shift_s` earlier, as far as they lie in its first `duration_s`."""
    end_s = Fraction(duration_s) if duration_s else None
    found = []
    for chapter in container.chapters():
        base = chapter["time_base"]
        start, end = (max(Fraction(0), chapter[name] * base - shift_s) for name in ("start", "end"))
        end = end if end_s is None else min(end, end_s)
        if start < end:
            found.append(Chapter(start, end, dict(chapter["metadata"])))
    return tuple(found)


def _first_packets(path: Path, wanted: set[int], count: int) -> dict[int, list[bytes]]:
    """The first packets of the streams of those indices. The file is opened anew: another reader is not disturbed."""
    found: dict[int, list[bytes]] = defaultdict(list)
    if not wanted:
        return found
    with pyav().open(url(path)) as container:
        for number, packet in enumerate(container.demux()):
            index = packet.stream.index
            if index in wanted and packet.size and len(found[index]) < count:
                found[index].append(bytes(packet))
            if number > SEARCHED_PACKETS or sum(len(packets) for packets in found.values()) == count * len(wanted):
                break
    return found
