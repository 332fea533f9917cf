"""Writing a film: at every moment what is on disk plays, under a partial name until it is whole."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from ..options import VideoOptions
from . import encoders
from .conversion import LIMITED, Graph, encoding_chain, to_frame
from .libav import plain_errors, pyav
from .palette import PaletteGraph
from .remux import Track
from .types import ClipInfo, Frame

# A muxer that waits for a stream which has ended would hold back the others; libav's unit is a microsecond.
WAIT_US = "500000"
FRAGMENTED = frozenset({".mp4", ".m4v", ".mov", ".3gp"})
# Fragmented while it grows, an ordinary file once it is closed; the moov waits for the encoder's delay.
FRAGMENTS = {"movflags": "+hybrid_fragmented+delay_moov", "frag_duration": WAIT_US}
CLUSTERS = {"cluster_time_limit": "500"}
# Containers that keep any time; the others count frames, or hundredths or thousandths of a second.
EXACT_TIMES = FRAGMENTED | {".mkv", ".webm", ".ts", ".m2ts", ".flv", ".nut"}
TICKS = {".gif": Fraction(1, 100), ".webp": Fraction(1, 1000)}


def partial_path(target: Path) -> Path:
    """Where a film is while it is written: out.partial.mp4 beside out.mp4. It plays, up to a second or so."""
    return target.with_name(f"{target.stem}.partial{target.suffix}")


class FilmWriter:
    """Encodes frames and muxes them with the copied streams; `target` appears when the film is whole."""

    def __init__(
        self, target: Path, info: ClipInfo, options: VideoOptions = VideoOptions(), size: tuple[int, int] | None = None
    ) -> None:
        """info: of the frames to come; size: width and height of the film in px, by default those of its source.

        Raises FastStyleError for containers and encoders that libav does not have.
        """
        self.target, self.partial = target, partial_path(target)
        self._info, self._suffix = info, target.suffix.lower()
        self._last: int | None = None
        self._durations: dict[int, int] = {}  # of the frames that the encoder holds
        target.parent.mkdir(parents=True, exist_ok=True)
        with plain_errors(target, "written"):
            muxing = {"flush_packets": "1", "max_interleave_delta": WAIT_US}
            muxing |= FRAGMENTS if self._suffix in FRAGMENTED else CLUSTERS if self._suffix in (".mkv", ".webm") else {}
            muxing |= {"loop": "0"} if self._suffix in TICKS else {}
            self._container = pyav().open(str(self.partial), "w", options=muxing)
            try:
                self._open(size or info.full_size, options)
            except BaseException:
                self._container.close()
                self.partial.unlink(missing_ok=True)
                raise

    def _open(self, size: tuple[int, int], options: VideoOptions) -> None:
        info, container = self._info, self._container
        default = container.default_video_codec
        encoder = encoders.choose(self._suffix, default, options, size, info.rate, info.deep)
        self._base = info.time_base if self._suffix in EXACT_TIMES else TICKS.get(self._suffix, 1 / info.rate)
        self._stream = container.add_stream(encoder.name, rate=info.rate, options=encoder.options)
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = *size, encoder.pixel_format
        context.time_base = self._stream.time_base = self._base
        context.thread_count = encoders.threads()
        context.sample_aspect_ratio = info.pixel_aspect
        if encoder.pixel_format.startswith("yuv"):
            context.color_range, context.colorspace = LIMITED, info.colors.matrix
            context.color_trc, context.color_primaries = info.colors.transfer, info.colors.primaries
        chain = encoding_chain(*size, info.colors, encoder.pixel_format)
        self._graph = (PaletteGraph if encoder.pixel_format == "pal8" else Graph)(chain, self._base)
        self._deep = "10" in encoder.pixel_format
        copies = info.copies if self._suffix not in TICKS else ()
        self._tracks = {s.index: Track(container, s, info.shift_s, self._suffix) for s in copies}
        container.metadata.update(info.metadata)

    def write(self, item: Any) -> None:
        """Take a `Frame`, or a packet of a stream to copy."""
        with plain_errors(self.target, f"written with the encoder {self._stream.codec_context.name}"):
            if isinstance(item, Frame):
                self._write_frame(item)
            elif item.stream.index in self._tracks:
                self._tracks[item.stream.index].write(item)

    def _write_frame(self, frame: Frame) -> None:
        pts = round(frame.pts * self._info.time_base / self._base)
        self._last = pts if self._last is None else max(pts, self._last + 1)
        self._durations[self._last] = round(frame.duration * self._info.time_base / self._base)
        raw = to_frame(frame.image, self._deep)
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
        with plain_errors(self.target, "written"):
            try:
                if not empty:
                    self._encode(None)
                    for track in self._tracks.values():
                        track.close()
            finally:
                self._container.close()
        if empty:
            self.partial.unlink(missing_ok=True)
        elif whole:
            self.partial.replace(self.target)
