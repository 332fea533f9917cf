"""Carry sound and subtitles over: packets copied as they are where the muxer takes them, sound else encoded anew."""

import io
import logging
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from .containers import Container
from .libav import pyav
from .types import Attachment, CopiedStream

log = logging.getLogger(__name__)
# What a muxer is asked with where no packet of a stream is known: of subtitles, whose first may come late.
ANY_PACKET = b"\0\0"


class Track:
    """One stream of sound or subtitles on its way into another container."""

    def __init__(self, output: Any, container: Container, copied: CopiedStream, shift_s: Fraction) -> None:
        """output: the container to write (PyAV); shift_s is subtracted from the times of the packets."""
        self._output, self._source, self._shift_s = output, copied.stream, shift_s
        self._encoder: Any = None
        self._copy: Any = None
        self._filter: Any = None
        source, name = copied.stream, copied.stream.codec.canonical_name
        self._strip = not container.adts and name == "aac"
        if takes(output.format.name, copied):
            self._copy = output.add_stream_from_template(source)
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
            shift = round(self._shift_s / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            for bare in self._without_headers(packet):
                bare.stream = self._copy
                self._output.mux(bare)
        elif self._encoder:
            try:
                frames = packet.decode()
            except pyav().error.InvalidDataError:  # passed over, as players do
                return
            self._encode(frames)

    def _without_headers(self, packet: Any) -> list[Any]:
        """AAC out of a transport stream repeats a header in every packet, which other containers keep once."""
        if self._strip and self._filter is None:
            self._strip = _has_adts(bytes(packet)[:2])
            if self._strip:
                self._filter = pyav().bitstream.BitStreamFilterContext("aac_adtstoasc", self._source)
        return self._filter.filter(packet) if self._filter else [packet]

    def _encode(self, frames: Any) -> None:
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(self._shift_s / frame.time_base)
            self._output.mux(self._encoder.encode(frame))

    def close(self) -> None:
        """Write what the encoder still holds."""
        if self._encoder:
            self._encode(self._source.codec_context.decode(None))
            self._output.mux(self._encoder.encode(None))


def _has_adts(begin: bytes) -> bool:
    return len(begin) == 2 and begin[0] == 0xFF and begin[1] & 0xF0 == 0xF0


def takes(muxer: str, copied: CopiedStream) -> bool:
    """Return whether a muxer, by libav's name, takes a stream: a file of it, in memory, that reads as the same codec.

    Muxers refuse codecs when they are opened, when the header is written or with the first packet; and some write what
    nobody can read, such as PCM in a transport stream.
    """
    source = copied.stream

    def add(output: Any) -> list[Any]:
        stream = output.add_stream_from_template(source)
        return [_packet(data, stream, number) for number, data in enumerate(copied.first_packets or (ANY_PACKET,))]

    def same(stream: Any) -> bool:
        codec = stream.codec_context and stream.codec_context.codec.canonical_name
        return bool(stream.type == source.type and codec == source.codec.canonical_name)

    return _survives(muxer, add, same)


def attach(output: Any, attachment: Attachment) -> list[Any]:
    """Add cover art or an attached file to a container (PyAV), before its header is written.

    Returns packets to write after the header. What the muxer does not take is left out, with a line in the log.
    """
    ways = [_add_file] if attachment.data is None else [_add_cover, _add_cover_file]
    for add in ways:
        if _survives(output.format.name, lambda test, add=add: add(test, attachment), _is_attached):  # type: ignore[misc]
            return add(output, attachment)
    log.warning("cover art or an attached file does not fit into a %s file and is left out", output.format.name)
    return []


def _is_attached(stream: Any) -> bool:
    attached = bool(stream.disposition & pyav().stream.Disposition.attached_pic)
    return bool(stream.type == "attachment" or (stream.type == "video" and attached))


def _add_file(output: Any, attachment: Attachment) -> list[Any]:
    output.add_stream_from_template(attachment.stream)
    return []


def _add_cover(output: Any, attachment: Attachment) -> list[Any]:
    stream = output.add_stream_from_template(attachment.stream, opaque=True)
    stream.disposition = attachment.stream.disposition
    stream.metadata.update(attachment.stream.metadata)
    return [_packet(attachment.data or b"", stream, 0)]


def _add_cover_file(output: Any, attachment: Attachment) -> list[Any]:
    kind = attachment.stream.codec_context.codec.canonical_name.replace("mjpeg", "jpeg")
    name = attachment.stream.metadata.get("filename", f"cover.{kind}")
    output.add_attachment(name, f"image/{kind}", attachment.data)
    return []


def _survives(muxer: str, add: Callable[[Any], list[Any]], found: Callable[[Any], bool]) -> bool:
    """Whether what `add` adds to a file of that muxer, in memory, is `found` among the streams when it is read back."""
    av, file = pyav(), io.BytesIO()
    try:
        with av.open(file, "w", format=muxer) as output:
            packets = add(output)
            output.start_encoding()
            for packet in packets:
                output.mux(packet)
        file.seek(0)
        with av.open(file) as back:
            return any(map(found, back.streams))
    except (av.error.FFmpegError, ValueError):
        return False


def _packet(data: bytes, stream: Any, number: int) -> Any:
    """One of some packets in a row, about as far apart as packets of sound are."""
    packet = pyav().Packet(data)
    packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 1000), True
    packet.pts = packet.dts = 20 * number
    packet.duration = 20
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
