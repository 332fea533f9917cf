"""Read sound tracks: as samples to analyse, and as packets between the frames of a film."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from .libav import plain_errors, pyav, url
from .timestamps import TimestampRepair
from .tracks import copied_streams
from .types import Frame, Source

Samples = NDArray[np.float32]

# Of the samples to analyse, in Hz: what lies above half of it (11 kHz) says little more of onsets and timbre.
RATE = 22050
# Times of packets that are off by less are rounded, or jitter; the sound goes on without a gap.
GAP_S = 0.1
# A gap is handed out in pieces of so many samples.
PIECE = 10 * RATE
# Of a file whose use nothing else bounds, so many seconds may be missing: a few bytes may stand for years.
MOST_MISSING_S = 3600
# No packet of sound is longer.
LONGEST_PACKET_S = 10
# Decoding begins so much earlier than the wanted part: decoders need some packets to run in.
RUN_IN_S = 2


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Yield an open file and its sound track (PyAV). Raises FastStyleError for a file without one."""
    with plain_errors(path, "read as sound"), pyav().open(url(path)) as container:
        stream = container.streams.best("audio")
        if stream is None or stream.codec_context is None:
            raise FastStyleError(f"{path}: there is no sound in it")
        yield container, stream


def zero_of(container: Any) -> Fraction:
    """Return the time in seconds at which an open file (PyAV) begins."""
    return Fraction(container.start_time or 0, 10**6)


def begin_of(path: Path) -> Fraction:
    """Return the time stamp, in seconds, at which a file of sound begins. Raises FastStyleError for one without."""
    with opened(path) as (container, _):
        return zero_of(container)


def length_of(path: Path) -> Fraction:
    """Return how long the sound of a file is, in seconds, by its packets: headers may guess.

    Raises FastStyleError for a file without sound, and for one of which more than `MOST_MISSING_S` are missing.
    """
    with opened(path) as (container, stream):
        repair, end_s, zero_s = TimestampRepair(container.format.flags), Fraction(0), zero_of(container)
        gaps = _Gaps(path)
        for packet in container.demux(stream):
            repair(packet)
            if packet.pts is not None:
                packet_end_s = (packet.pts + (packet.duration or 0)) * packet.time_base - zero_s
                if packet_end_s - end_s > LONGEST_PACKET_S:
                    gaps.add(packet_end_s - end_s)
                end_s = max(end_s, packet_end_s)
    return end_s


def samples_of(path: Path, start_s: Fraction | None = None, duration_s: float | None = None) -> Iterator[Samples]:
    """Yield the sound of a file in pieces, (2, N) float32 in [-1, 1] at `RATE`; mono is in both channels, 3 dB
    lower.

    start_s: time stamp, in seconds, of the first sample handed out; None is the beginning of the file. Where the file
    has no sound, it is silent. Damaged packets are passed over. Raises FastStyleError for a file without sound, and,
    without a duration, for one of which more than `MOST_MISSING_S` are missing.
    """
    with opened(path) as (container, stream):
        start = zero_of(container) if start_s is None else start_s
        if start > RUN_IN_S:
            container.seek(int((start - RUN_IN_S) * 10**6))
        left = None if duration_s is None else round(duration_s * RATE)
        placed = _Placed(float(start), _Gaps(path, math.inf if left else MOST_MISSING_S))
        for piece in placed(_decoded(container, stream)):
            piece = piece if left is None else piece[:, :left]
            if piece.shape[1]:
                yield piece
            left = None if left is None else left - piece.shape[1]
            if left == 0:
                return


class _Gaps:
    """Add up what is missing in a file of sound."""

    def __init__(self, path: Path, most_s: float = MOST_MISSING_S) -> None:
        self._path, self._most_s, self._missing_s = path, most_s, 0.0

    def add(self, seconds: float | Fraction) -> None:
        """Count a gap. Raises FastStyleError once more than `most_s` are missing."""
        self._missing_s += float(seconds)
        if self._missing_s > self._most_s:
            raise FastStyleError(f"{self._path}: by its time stamps more than an hour of its sound is missing")


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """The decoded frames of a stream (PyAV)."""
    repair = TimestampRepair(container.format.flags)
    for packet in container.demux(stream):
        repair(packet)
        try:
            yield from packet.decode()
        except pyav().error.InvalidDataError:
            continue


class _Placed:
    """Turn decoded frames (PyAV) into samples of one rate and layout, each at its time."""

    def __init__(self, start_s: float, gaps: _Gaps) -> None:
        self._start_s, self._gaps = start_s, gaps
        self._count = 0  # samples handed out, or, below 0, still to be left out
        self._next_s: float | None = None
        self._resampler: Any = None
        self._kind: tuple[Any, ...] = ()

    def __call__(self, frames: Iterator[Any]) -> Iterator[Samples]:
        for frame in frames:
            usual_s = self._start_s if self._next_s is None else self._next_s
            time_s = usual_s if frame.pts is None else float(frame.pts * frame.time_base)
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            if kind != self._kind or self._next_s is None or abs(time_s - self._next_s) > GAP_S:
                yield from self._converted(None)
                yield from self._begin(kind, time_s)
            self._next_s = time_s + frame.samples / frame.sample_rate
            frame.pts = None  # it is placed here; the resampler is not to fill gaps of its own
            yield from self._converted(frame)
        yield from self._converted(None)

    def _begin(self, kind: tuple[Any, ...], time_s: float) -> Iterator[Samples]:
        """Start a resampler for what begins at that time, after silence where something is missing."""
        self._resampler, self._kind = pyav().AudioResampler("fltp", "stereo", RATE), kind
        place = round((time_s - self._start_s) * RATE)
        if self._next_s is None:
            self._count = min(0, place)
        self._gaps.add(max(0, place - self._count) / RATE)
        while place > self._count:
            yield self._counted(np.zeros((2, min(PIECE, place - self._count)), np.float32))

    def _converted(self, frame: Any | None) -> Iterator[Samples]:
        for converted in self._resampler.resample(frame) if self._resampler else ():
            yield self._counted(np.nan_to_num(converted.to_ndarray(), posinf=0, neginf=0))

    def _counted(self, samples: Samples) -> Samples:
        """Those of the samples that do not come before the start."""
        early = min(max(0, -self._count), samples.shape[1])
        self._count += samples.shape[1]
        return samples[:, early:]


class WithSound:
    """Read a film with the sound of another file in the place of its own, as far as the film goes."""

    def __init__(self, film: Source, path: Path, start_s: float = 0.0) -> None:
        """start_s: seconds of the sound to leave out at its beginning. Raises FastStyleError for a file without."""
        self._film, self._path = film, path
        self._opened = opened(path)
        container, stream = self._opened.__enter__()
        kept = tuple(copied for copied in film.info.copies if copied.stream.type != "audio")
        self.info = replace(film.info, copies=(*kept, *copied_streams(path, [stream])))
        if start_s > RUN_IN_S:
            container.seek(int((zero_of(container) + Fraction(start_s) - RUN_IN_S) * 10**6))
        self._start_s, self._zero_s = Fraction(start_s), zero_of(container)
        self._packets = self._timed(container.demux(stream), TimestampRepair(container.format.flags))

    def _timed(self, packets: Iterator[Any], repair: TimestampRepair) -> Iterator[tuple[Fraction, Any]]:
        """Packets with their times in the result, to which they are moved: the writer subtracts the film's shift."""
        with plain_errors(self._path, "read as sound"):
            for packet in packets:
                repair(packet)
                base, time = packet.time_base, packet.dts if packet.pts is None else packet.pts
                if not packet.size or time is None:
                    continue
                time_s = time * base - self._zero_s - self._start_s
                if time_s < 0 and self._start_s:
                    continue
                shift = round((self.info.shift_s - self._zero_s - self._start_s) / base)
                packet.pts = None if packet.pts is None else packet.pts + shift
                packet.dts = None if packet.dts is None else packet.dts + shift
                yield time_s, packet

    def __iter__(self) -> Iterator[Any]:
        """Yield frames in order, and the packets of sound that come before each ends."""
        info = self.info
        following = next(self._packets, None)
        for item in self._film:
            if not isinstance(item, Frame):
                if item.stream.type != "audio":
                    yield item
                continue
            end_s = item.pts * info.time_base + (item.duration * info.time_base or 1 / info.rate)
            yield item
            while following and following[0] < end_s:
                yield following[1]
                following = next(self._packets, None)

    def close(self) -> None:
        """Close both files."""
        self._opened.__exit__(None, None, None)
        self._film.close()
