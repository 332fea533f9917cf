"""Carry sound and subtitles over: packets copied as they are where the muxer takes them, sound else encoded anew."""

import io
import logging
import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

from .containers import Container
from .libav import pyav
from .types import Attachment, CopiedStream

log = logging.getLogger(__name__)
# What a muxer is asked with where no packet of a stream is known: of subtitles, whose first may come late.
ANY_PACKET = b"\0\0"
# What makes packets fit that a muxer does not take as they are: AAC out of a transport stream repeats a header in each.
BITSTREAM_FILTERS = {"aac": ("aac_adtstoasc",)}
# Between packets: no container has coarser times.
LEAST_STEP_S = Fraction(1, 1000)
# Times of sound may be rounded by so much.
ROUNDED_S = Fraction(1, 500)


class Track:
    """Carry one stream of sound or subtitles into another container."""

    def __init__(self, output: Any, container: Container, copied: CopiedStream, shift_s: Fraction) -> None:
        """output: the container to write (PyAV); shift_s is subtracted from the times of the packets."""
        self._output, self._source, self._shift_s = output, copied.stream, shift_s
        self._encoder: Any = None
        self._copy: Any = None
        self._filter: Any = None
        self._last_dts: int | None = None
        self._end_s = Fraction(-1)  # of the sound that was encoded
        source, name = copied.stream, copied.stream.codec.canonical_name
        filters = [None, *BITSTREAM_FILTERS.get(name, ())]
        taken = next((f for f in filters if takes(output.format.name, container, copied, f)), ...)
        if taken is not ...:
            self._copy = output.add_stream_from_template(source)
            self._filter = pyav().bitstream.BitStreamFilterContext(taken, source) if taken else None
        elif source.type == "audio" and (encoder := container.sound_encoder or output.default_audio_codec) != "none":
            self._encoder = _sound_encoder(output, encoder, source.codec_context)
        else:
            log.warning("%s in %s does not fit into a %s file and is left out", source.type, name, output.format.name)
            return
        stream = self._copy or self._encoder
        stream.metadata.update(source.metadata)
        stream.disposition = source.disposition

    def write(self, packet: Any) -> None:
        """Take a packet of the source."""
        if self._copy:
            self._shift(packet)
            for filtered in self._filter.filter(packet) if self._filter else [packet]:
                filtered.stream = self._copy
                self._output.mux(filtered)
        elif self._encoder:
            try:
                frames = packet.decode()
            except pyav().error.InvalidDataError:  # passed over, as players do
                return
            self._encode(frames)

    def _shift(self, packet: Any) -> None:
        """Move its times; where pieces of a joined recording overlap, time goes on in least steps."""
        base = packet.time_base
        shift = round(self._shift_s / base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        if packet.dts is None:
            return
        dts, step = packet.dts - shift, max(1, round(LEAST_STEP_S / base))
        packet.dts = dts if self._last_dts is None else max(dts, self._last_dts + step)
        packet.pts = None if packet.pts is None else max(packet.pts, packet.dts)
        self._last_dts = packet.dts

    def _encode(self, frames: Any) -> None:
        for frame in frames:
            if frame.pts is not None:
                base = frame.time_base
                frame.pts -= round(self._shift_s / base)
                if frame.pts * base < self._end_s - ROUNDED_S:  # pieces of a joined recording overlap
                    frame.pts = math.ceil(self._end_s / base)
                self._end_s = frame.pts * base + Fraction(frame.samples, frame.sample_rate)
            self._output.mux(self._encoder.encode(frame))

    def close(self) -> None:
        """Write what the encoder still holds."""
        if self._encoder:
            self._encode(self._source.codec_context.decode(None))
            self._output.mux(self._encoder.encode(None))


def takes(muxer: str, container: Container, copied: CopiedStream, bitstream_filter: str | None = None) -> bool:
    """Return whether a muxer, by libav's name, takes a stream: a file of it, in memory, reads as the same codec.

    Muxers refuse codecs when they are opened, when the header is written or with the first packet; and some write what
    nobody can read, such as PCM in a transport stream. bitstream_filter: libav's name of what packets pass before.
    """
    source = copied.stream

    def add(output: Any) -> list[Any]:
        stream = output.add_stream_from_template(source)
        packets = [_packet(data, stream, place) for place, data in enumerate(copied.first_packets or (ANY_PACKET,))]
        if bitstream_filter:
            context = pyav().bitstream.BitStreamFilterContext(bitstream_filter, source)
            packets = [filtered for packet in packets for filtered in context.filter(packet)]
            for packet in packets:
                packet.stream = stream
        return packets

    def reads(back: Any) -> bool:
        for stream in back.streams:
            context = stream.codec_context
            if stream.type == source.type and context and context.codec.canonical_name == source.codec.canonical_name:
                return stream.type != "audio" or not copied.first_packets or any(True for _ in back.decode(stream))
        return False

    return survives(muxer, dict(container.muxer_options), add, reads)


def attach(output: Any, container: Container, attachment: Attachment) -> list[Any]:
    """Add cover art or an attached file to a container (PyAV), before its header is written.

    Returns packets to write after the header. What the muxer does not take is left out, with a line in the log.
    """
    for way in [_add_file] if attachment.data is None else [_add_cover, _add_cover_file]:
        test = partial(_add_to_film, partial(way, attachment))
        if survives(output.format.name, dict(container.muxer_options), test, _has_attachment):
            return way(attachment, output)
    log.warning("cover art or an attached file does not fit into a %s file and is left out", output.format.name)
    return []


def _has_attachment(back: Any) -> bool:
    attached = pyav().stream.Disposition.attached_pic
    return any(stream.type == "attachment" or bool(stream.disposition & attached) for stream in back.streams)


def _add_to_film(add: Callable[[Any], list[Any]], output: Any) -> list[Any]:
    """Add to a film of one small frame: what has no frames is no film."""
    stream = output.add_stream(output.default_video_codec, rate=25, width=16, height=16)
    packets = add(output)
    output.start_encoding()
    frame = pyav().VideoFrame(16, 16, "yuv420p")
    frame.pts = 0
    return [*packets, *stream.encode(frame), *stream.encode(None)]


def _add_file(attachment: Attachment, output: Any) -> list[Any]:
    output.add_stream_from_template(attachment.stream)
    return []


def _add_cover(attachment: Attachment, output: Any) -> list[Any]:
    stream = output.add_stream_from_template(attachment.stream, opaque=True)
    stream.disposition = attachment.stream.disposition
    stream.metadata.update(attachment.stream.metadata)
    return [_packet(attachment.data or b"", stream, 0)]


def _add_cover_file(attachment: Attachment, output: Any) -> list[Any]:
    kind = attachment.stream.codec_context.codec.canonical_name.replace("mjpeg", "jpeg")
    name = attachment.stream.metadata.get("filename", f"cover.{kind}")
    output.add_attachment(name, f"image/{kind}", attachment.data)
    return []


def survives(
    muxer: str, options: dict[str, str], add: Callable[[Any], list[Any]], found: Callable[[Any], bool]
) -> bool:
    """Return whether what `add` adds to a file of that muxer, in memory, is `found` when it is read back."""
    av, file = pyav(), io.BytesIO()
    try:
        with av.open(file, "w", format=muxer, options=options) as output:
            packets = add(output)
            output.start_encoding()
            for packet in packets:
                output.mux(packet)
        file.seek(0)
        with av.open(file) as back:
            return found(back)
    except (av.error.FFmpegError, ValueError):
        return False


def _packet(data: bytes, stream: Any, number: int) -> Any:
    """One of some packets in a row, farther apart than packets of sound are: a muxer that counts in those refuses two
    at one time."""
    packet = pyav().Packet(data)
    packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 1000), True
    packet.pts = packet.dts = 100 * number
    packet.duration = 100
    return packet


def _sound_encoder(output: Any, name: str, source: Any) -> Any:
    """A new stream that encodes a decoder's sound: at its rate, or the next above, with its channels, or two."""
    rates = sorted(pyav().Codec(name, "w").audio_rates or [source.sample_rate])
    rate = next((rate for rate in rates if rate >= source.sample_rate), rates[-1])
    layout = source.layout.name if _opens(name, rate, source.layout.name) else "stereo"
    stream = output.add_stream(name, rate=rate)
    stream.codec_context.layout = layout
    return stream


def _opens(name: str, rate: int, layout: str) -> bool:
    """Whether an encoder takes that layout of channels."""
    av = pyav()
    try:
        context = av.CodecContext.create(name, "w")
        context.sample_rate, context.layout, context.format = rate, layout, context.codec.audio_formats[0]
        context.time_base = Fraction(1, rate)
        context.open()
    except (av.error.FFmpegError, ValueError):
        return False
    return True
