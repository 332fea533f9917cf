"""Read a film: any container and codec of libav, upright frames at their times, packets to copy between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from .. import images
from ..errors import FastStyleError
from ..images import Picture
from ..options import VideoOptions
from .conversion import FULL, Graph, colors_of, decoding_chain, has_alpha, is_quick
from .hdr import read_hdr
from .libav import plain_errors, pyav, url
from .orientation import orientation_of
from .timestamps import TimestampRepair
from .tracks import attachments_of, chapters_of, copied_streams, is_cover
from .types import ClipInfo, Frame

ASSUMED_RATE = Fraction(25)
# libav's own decoders of these codecs leave alpha out.
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


@dataclass(frozen=True)
class _Decoded:
    """A decoded frame (PyAV) with its time and duration in units of the stream's time base."""

    frame: Any
    pts: int
    duration: int


class FilmReader:
    """Read the frames of a film from `start` on for `duration`, with the sound and subtitles of that time."""

    def __init__(
        self, path: Path, options: VideoOptions = VideoOptions(), size: int | None = None, quick: bool = False
    ) -> None:
        """size: short side in px of the frames handed out; those with alpha come whole, as pictures.

        quick: convert them in a twentieth of the time, coarser in colour, where they keep their size (`conversion.py`).
        Raises FastStyleError for what is no film.
        """
        self.path, self.options, self._quick = path, options, quick
        with plain_errors(path, "read as a film"):
            self._container = pyav().open(url(path))
            try:
                self._open(size)
            except BaseException:
                self._container.close()
                raise

    def _open(self, size: int | None) -> None:
        streams, container = self._container.streams, self._container
        videos = [stream for stream in streams.video if not is_cover(stream)]
        if not videos:
            raise FastStyleError(f"{self.path}: there is no film in it")
        self._video = videos[0]
        if self._video.codec_context is None:
            raise FastStyleError(f"{self.path}: its frames are in a format that this libav does not decode")
        self._decoder = _decoder(self._video)
        self._base = self._video.time_base or Fraction(1, 90000)
        self._zero = Fraction(container.start_time or 0, 10**6)  # libav's unit is a microsecond
        self._copies = [s for s in streams if s.type in ("audio", "subtitle") and s.codec_context is not None]
        self._rate = self._video.average_rate or self._video.guessed_rate or ASSUMED_RATE
        self._repair = TimestampRepair(container.format.flags)
        if self.options.start:
            container.seek(int((self._zero + Fraction(self.options.start)) * 10**6))
        self._decoded = self._decode()
        self._early: list[Any] = []  # what comes up to the first frame, which tells size and colours
        for item in self._decoded:
            self._early.append(item)
            if isinstance(item, _Decoded):
                self.info = self._describe(item, size)
                return
        raise FastStyleError(f"{self.path}: no frame in the part of the film that is asked for")

    def _describe(self, first: _Decoded, size: int | None) -> ClipInfo:
        frame, options, colors = first.frame, self.options, colors_of(first.frame)
        self._orientation = orientation_of(frame)
        self._alpha = has_alpha(frame.format)
        turned = self._orientation.transpose
        full = (frame.height, frame.width) if turned else (frame.width, frame.height)
        work = full if self._alpha else images.with_short_side(full, size)
        deep = frame.format.components[0].bits > 8
        width, height = (work[1], work[0]) if turned else work
        quick = self._quick and work == full and is_quick(frame)
        filters = decoding_chain(width, height, colors, frame.color_range == FULL, deep, self._alpha, quick)
        rate = Fraction(options.fps).limit_denominator(1001) if options.fps else self._rate
        if options.fps:
            filters.insert(0, ("fps", f"fps={rate.numerator}/{rate.denominator}"))
        self._graph = Graph(filters, self._base)
        aspect = self._video.sample_aspect_ratio or Fraction(1)
        # The first frame of a cut film is at 0, as is the start of a whole one.
        shift_s = first.pts * self._base if options.start else max(self._zero, Fraction(0))
        return ClipInfo(
            work[0],
            work[1],
            time_base=1 / rate if options.fps else self._base,
            rate=rate,
            frames=self._expected(rate),
            full_size=full,
            colors=colors,
            deep=deep,
            alpha=self._alpha,
            pixel_aspect=1 / aspect if turned else aspect,
            hdr=read_hdr(frame),
            metadata=dict(self._container.metadata),
            chapters=chapters_of(self._container, shift_s, options.duration),
            copies=copied_streams(self.path, self._copies),
            attachments=attachments_of(self.path, self._container),
            shift_s=shift_s,
        )

    def _expected(self, rate: Fraction) -> int | None:
        """About how many frames will come."""
        options, total = self.options, Fraction(self._container.duration or 0, 10**6)
        if not total and not self._video.frames:
            return None
        if not options.start and not options.duration and not options.fps and self._video.frames:
            return int(self._video.frames)
        seconds = max(Fraction(0), (total or self._video.frames / self._rate) - Fraction(options.start))
        if options.duration:
            seconds = min(seconds, Fraction(options.duration))
        return max(1, round(seconds * rate))

    def _decode(self) -> Iterator[Any]:
        """Yield decoded frames of the wanted part with their times, and the packets of the same part."""
        begin = self._zero + Fraction(self.options.start) if self.options.start else None
        end = self._zero + Fraction(self.options.start) + Fraction(self.options.duration or 0)
        until = end if self.options.duration else None
        running = {stream.index for stream in (self._video, *self._copies) if stream.type != "subtitle"}
        last = None
        for packet in self._container.demux(self._video, *self._copies):
            self._repair(packet)
            if packet.stream.index != self._video.index:
                place = _place(packet, begin, until)
                if place == 0:
                    yield packet
                elif place > 0:
                    running.discard(packet.stream.index)
            elif self._video.index in running:
                for decoded in self._frames_of(packet, last):
                    last = decoded
                    place = _compare(decoded.pts * self._base, begin, until)
                    if place == 0:
                        yield decoded
                    elif place > 0:
                        running.discard(self._video.index)
            if not running:
                return

    def _frames_of(self, packet: Any, last: _Decoded | None) -> Iterator[_Decoded]:
        """Yield the frames of a packet, at times that grow; damaged packets are passed over, as players do."""
        try:
            frames = self._decoder.decode(packet if packet.size else None)
        except pyav().error.InvalidDataError:
            return
        usual = max(1, round(1 / (self._rate * self._base)))
        for frame in frames:
            pts = frame.pts if frame.pts is not None else last.pts + usual if last else 0
            last = _Decoded(frame, max(pts, last.pts + 1) if last else pts, int(getattr(frame, "duration", 0) or 0))
            yield last

    def __iter__(self) -> Iterator[Any]:
        """Yield frames in order, and packets of the streams to copy between them."""
        with plain_errors(self.path, "read"):
            for item in chain(self._taken(), self._decoded):
                if isinstance(item, _Decoded):
                    yield from self._converted(item)
                else:
                    yield item
            yield from self._converted(None)

    def _taken(self) -> Iterator[Any]:
        """What was read on opening; let go of as it is used, for frames are large."""
        while self._early:
            yield self._early.pop(0)

    def _converted(self, decoded: _Decoded | None) -> Iterator[Frame]:
        shift = round(self.info.shift_s / self._base)
        if decoded is not None:
            decoded.frame.pts = decoded.pts - shift
            decoded.frame.time_base = self._base
        for frame in self._graph(decoded.frame if decoded else None):
            pixels = self._orientation(frame.to_ndarray())
            content = Picture.from_pixels(pixels, "PNG") if self._alpha else pixels
            yield Frame(content, frame.pts, int(getattr(frame, "duration", 0) or 0))

    def close(self) -> None:
        """Close the file."""
        self._container.close()


def _decoder(stream: Any) -> Any:
    """Return the decoder of a stream (PyAV), for VP8 and VP9 with alpha the one that decodes it."""
    name = ALPHA_DECODERS.get(stream.codec_context.codec.canonical_name)
    metadata = {key.lower(): value for key, value in stream.metadata.items()}
    if name and metadata.get("alpha_mode") == "1" and name in pyav().codecs_available:
        return pyav().CodecContext.create(name, "r")
    stream.thread_type = "AUTO"
    return stream.codec_context


def _place(packet: Any, begin: Fraction | None, end: Fraction | None) -> int:
    """Whether a packet to copy comes before (-1), in (0) or after (1) the part from `begin` to `end`, in seconds."""
    time = packet.pts if packet.pts is not None else packet.dts
    return -1 if time is None else _compare(time * packet.time_base, begin, end)


def _compare(time_s: Fraction, begin: Fraction | None, end: Fraction | None) -> int:
    if begin is not None and time_s < begin:
        return -1
    return 1 if end is not None and time_s >= end else 0
