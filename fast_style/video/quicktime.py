"""Correct what libav's MP4 muxer gets wrong: edit lists that end before the last frame is shown."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

# Where durations stand behind the version and flags of these boxes (ISO/IEC 14496-12), in versions 0 and 1: offset and
# length in bytes.
_DURATION = {b"mvhd": ((16, 4), (24, 8)), b"tkhd": ((20, 4), (28, 8))}
_TIMESCALE = ((12, 4), (20, 4))


def lengthen_edit_list(path: Path, duration_s: Fraction) -> None:
    """Let the first track of video play for at least `duration_s` seconds.

    The muxer ends a track with the last packet of its last fragment; where that is a B-frame and the frame shown after
    it is in the fragment before, players would leave that frame out.
    """
    with path.open("r+b") as file:
        place = _find_moov(file)
        if place is None:
            return
        start, size = place
        file.seek(start)
        moov = bytearray(file.read(size))
        _lengthen(moov, duration_s)
        file.seek(start)
        file.write(moov)


def _find_moov(file: BinaryIO) -> tuple[int, int] | None:
    """Offset and length of the content of the box `moov`."""
    place, end = 0, file.seek(0, 2)
    while place + 8 <= end:
        file.seek(place)
        header = file.read(16)
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        begin = 16 if size == 1 else 8
        size = int.from_bytes(header[8:16], "big") if size == 1 else size or end - place
        if kind == b"moov":
            return place + begin, size - begin
        place += max(size, 8)
    return None


def _lengthen(moov: bytearray, duration_s: Fraction) -> None:
    boxes = dict(_boxes(moov, 0, len(moov)))
    header = boxes[b"mvhd"]
    offset, length = _TIMESCALE[moov[header[0]]]
    timescale = int.from_bytes(moov[header[0] + offset : header[0] + offset + length], "big")
    duration = -(-duration_s.numerator * timescale // duration_s.denominator)
    for kind, (start, end) in _boxes(moov, 0, len(moov)):
        if kind != b"trak":
            continue
        track = dict(_boxes(moov, start, end))
        if b"edts" in track and _is_video(moov, *track[b"mdia"]):
            edits = dict(_boxes(moov, *track[b"edts"]))
            _raise_last_edit(moov, edits[b"elst"][0], duration)
            for box, place in ((b"tkhd", track[b"tkhd"][0]), (b"mvhd", header[0])):
                _raise_to(moov, *_shifted(_DURATION[box][moov[place]], place), duration)
            return


def _boxes(data: bytearray, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Kinds and contents (start, end) of the boxes that follow each other there."""
    while start + 8 <= end:
        size = int.from_bytes(data[start : start + 4], "big")
        yield bytes(data[start + 4 : start + 8]), (start + 8, start + size)
        start += max(size, 8)


def _is_video(moov: bytearray, start: int, end: int) -> bool:
    handler = dict(_boxes(moov, start, end))[b"hdlr"][0]
    return moov[handler + 8 : handler + 12] == b"vide"


def _raise_last_edit(moov: bytearray, start: int, duration: int) -> None:
    """Each edit: duration, media time (4 or 8 bytes each by version), rate (4 bytes)."""
    length = 8 if moov[start] else 4
    count = int.from_bytes(moov[start + 4 : start + 8], "big")
    if count:
        _raise_to(moov, start + 8 + (count - 1) * (2 * length + 4), length, duration)


def _shifted(field: tuple[int, int], start: int) -> tuple[int, int]:
    return start + field[0], field[1]


def _raise_to(data: bytearray, offset: int, length: int, least: int) -> None:
    value = max(int.from_bytes(data[offset : offset + length], "big"), least)
    data[offset : offset + length] = value.to_bytes(length, "big")
