"""Write a film: at every moment what is on disk plays, under a partial name until it is whole."""

import logging
import os
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

from .. import images
from ..options import VideoOptions
from ..system.atomic import put_in_place
from . import animations, encoders
from .containers import WAIT_US, Container, container_of
from .conversion import LIMITED, Graph, PaletteGraph, encoding_chain, to_frame
from .libav import plain_errors, pyav, url
from .quicktime import lengthen_edit_list
from .remux import Track, attach
from .types import ClipInfo, Frame

log = logging.getLogger(__name__)
# What file systems take.
LONGEST_NAME_BYTES = 255
MICROSECOND = Fraction(1, 10**6)


def partial_path(target: Path) -> Path:
    """Return where a film is while it is written: out.partial.mp4 beside out.mp4. It plays, up to a second or so.

    The stem of a name that would be too long is cut, and tells by a checksum which one it was.
    """
    stem, suffix = target.stem, f".partial{target.suffix}"
    if len(os.fsencode(stem + suffix)) > LONGEST_NAME_BYTES:
        suffix = f"~{zlib.crc32(os.fsencode(stem)):08x}{suffix}"
        while stem and len(os.fsencode(stem + suffix)) > LONGEST_NAME_BYTES:
            stem = stem[:-1]
    return target.with_name(stem + suffix)


class FilmWriter:
    """Encode frames and mux them with the copied streams; `target` appears when the film is whole."""

    def __init__(
        self, target: Path, info: ClipInfo, options: VideoOptions = VideoOptions(), size: tuple[int, int] | None = None
    ) -> None:
        """info: of the frames to come; size: width and height of the film in px, by default those of its source.

        Raises FastStyleError for containers and encoders that libav does not have.
        """
        self.target, self.partial = target, partial_path(target)
        self._info, self._kind = info, container_of(target) or Container((target.suffix,))
        self._last: int | None = None
        self._durations: dict[int, int] = {}  # of the frames that the encoder holds
        self._begin: int | None = None  # of what was written, as is the end
        self._end = self._last_duration = 0
        target.parent.mkdir(parents=True, exist_ok=True)
        with plain_errors(target, "written"):
            muxing = {"flush_packets": "1", "max_interleave_delta": WAIT_US, **self._kind.muxer_options}
            if self._kind.loop:
                muxing["loop"] = str(self._kind.loop(info.plays))
            self._container = pyav().open(url(self.partial), "w", options=muxing)
            try:
                self._open(size or info.full_size, options)
            except BaseException:
                self._container.close()
                self.partial.unlink(missing_ok=True)
                raise

    def _open(self, size: tuple[int, int], options: VideoOptions) -> None:
        info, container = self._info, self._container
        encoder = encoders.choose(self._kind, container.default_video_codec, options, size, info)
        aspect = info.pixel_aspect
        if aspect != 1 and not encoders.keeps_pixel_aspect(container.format.name, self._kind, encoder, aspect):
            size, aspect = encoders.with_square_pixels(size, aspect), Fraction(1)
            images.check_size(size, str(self.target))
        self._encoder = encoder
        if info.alpha and not encoder.alpha:
            log.warning("%s: transparent pixels are put on white: %s has no alpha", self.target, encoder.name)
        if info.hdr and not info.hdr.encoder_options(encoder.name):
            log.warning("%s: HDR10 metadata is left out: %s does not carry it", self.target, encoder.name)
        self._add_video(size, aspect)
        chain = encoding_chain(*size, info.colors, encoder.pixel_format)
        self._graph = (PaletteGraph if encoder.pixel_format == "pal8" else Graph)(chain, self._base)
        silent = self._kind.loop is not None
        copies = () if silent else info.copies
        self._tracks = {c.stream.index: Track(container, self._kind, c, info.shift_s) for c in copies}
        attached = [] if silent else [packet for a in info.attachments for packet in attach(container, self._kind, a)]
        container.metadata.update(info.metadata)
        if info.chapters and not silent:
            container.set_chapters(_chapters(info))
        for packet in attached:
            container.mux(packet)

    def _add_video(self, size: tuple[int, int], pixel_aspect: Fraction) -> None:
        info, encoder, times = self._info, self._encoder, self._kind.times
        self._base = info.time_base if times == "exact" else 1 / info.rate if times == "frames" else times
        self._stream = self._container.add_stream(encoder.name, rate=info.rate, options=encoder.options)
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = *size, encoder.pixel_format
        context.time_base = self._stream.time_base = self._base
        context.thread_count = encoders.threads()
        context.sample_aspect_ratio = pixel_aspect
        tag = self._kind.codec_tags.get(context.codec.canonical_name)
        if tag:
            context.codec_tag = tag
        if encoder.pixel_format.startswith("yuv"):
            context.color_range, context.colorspace = LIMITED, info.colors.matrix
            context.color_trc, context.color_primaries = info.colors.transfer, info.colors.primaries

    def write(self, item: Any) -> None:
        """Take a `Frame`, or a packet of a stream to copy."""
        with plain_errors(self.target, f"written with the encoder {self._encoder.name}"):
            if isinstance(item, Frame):
                self._write_frame(item)
            elif item.stream.index in self._tracks:
                self._tracks[item.stream.index].write(item)

    def _write_frame(self, frame: Frame) -> None:
        pts = round(frame.pts * self._info.time_base / self._base)
        self._last = pts if self._last is None else max(pts, self._last + 1)
        self._begin = self._last if self._begin is None else self._begin
        self._last_duration = round(frame.duration * self._info.time_base / self._base)
        self._durations[self._last] = self._last_duration
        usual = max(1, round(1 / (self._info.rate * self._base)))
        self._end = max(self._end, self._last + (self._last_duration or usual))
        raw = to_frame(frame.content, self._encoder.deep, self._encoder.alpha)
        raw.pts, raw.time_base = self._last, self._base
        self._encode(raw)

    def _encode(self, raw: Any | None) -> None:
        for converted in self._graph(raw):
            converted.colorspace, converted.color_range = self._info.colors.matrix, LIMITED
            converted.pict_type = 0
            self._mux(self._stream.encode(converted))
        if raw is None:
            self._mux(self._stream.encode(None))

    def _mux(self, packets: Any) -> None:
        for packet in packets:
            duration = self._durations.pop(packet.pts, 0)
            if duration:
                packet.duration = duration
            self._container.mux(packet)

    def close(self, whole: bool = True) -> None:
        """Finish the file; not `whole` leaves what there is, playable, under its partial name (if there is any)."""
        empty = self._last is None
        try:
            with plain_errors(self.target, "written"):
                self._finish(empty)
        finally:
            if empty:  # whatever libav says of a file without a frame
                self.partial.unlink(missing_ok=True)
        if empty:
            return
        self._correct_file()
        if whole:
            put_in_place({self.partial: self.target})

    def _finish(self, empty: bool) -> None:
        """Encode what the encoder holds, unless no frame came, and close the file."""
        try:
            if not empty:
                self._encode(None)
                for track in self._tracks.values():
                    track.close()
        finally:
            self._container.close()

    def _correct_file(self) -> None:
        """Correct times of the last frame that libav gets wrong."""
        assert self._begin is not None
        if self._encoder.name == "libwebp_anim":
            last_ms = round(self._last_duration * self._base * 1000)
            animations.correct_webp(self.partial, last_ms, self._encoder.alpha)
        elif self._kind.edit_lists:
            lengthen_edit_list(self.partial, (self._end - self._begin) * self._base)


def _chapters(info: ClipInfo) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "start": round(chapter.start_s / MICROSECOND),
            "end": round(chapter.end_s / MICROSECOND),
            "time_base": MICROSECOND,
            "metadata": chapter.metadata,
        }
        for number, chapter in enumerate(info.chapters, 1)
    ]
