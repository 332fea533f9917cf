"""Sound and subtitles: packets copied as they are where the container allows, sound else encoded anew."""

import warnings
from fractions import Fraction
from typing import Any

from .libav import pyav

SUITABLE = {".webm": "libopus"}
# libav does not tell what these containers take beside their default: ITU-T H.222.0 and what broadcasters use.
TRANSPORT = frozenset({"mp2", "mp3", "aac", "ac3", "eac3", "opus", "dts", "dvb_subtitle", "dvb_teletext"})
TAKES = {".ts": TRANSPORT, ".m2ts": TRANSPORT, ".mts": TRANSPORT}


class Track:
    """One stream of sound or subtitles on its way into another container."""

    def __init__(self, container: Any, stream: Any, shift_s: Fraction, suffix: str) -> None:
        """container: the one to write (PyAV); stream: the one to copy; shift_s is subtracted from its times."""
        self._container, self._source, self._shift_s = container, stream, shift_s
        self._encoder: Any = None
        self._copy: Any = None
        self._filter: Any = None
        self._strip = suffix not in TAKES and stream.codec.canonical_name == "aac"
        name = stream.codec.canonical_name
        if name in TAKES.get(suffix, container.supported_codecs):
            self._copy = container.add_stream_from_template(stream)
        elif stream.type == "audio" and self._default(suffix) != "none":
            rate = 48000 if self._default(suffix) == "libopus" else stream.codec_context.sample_rate
            self._encoder = container.add_stream(self._default(suffix), rate=rate)
        else:
            warnings.warn(f"{stream.type} in {name} does not fit into a {suffix} file and is left out", stacklevel=2)
            return
        (self._copy or self._encoder).metadata.update(stream.metadata)

    def _default(self, suffix: str) -> str:
        return SUITABLE.get(suffix) or str(self._container.default_audio_codec)

    def write(self, packet: Any) -> None:
        """Take a packet of the source."""
        if self._copy:
            shift = round(self._shift_s / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            for bare in self._without_headers(packet):
                bare.stream = self._copy
                self._container.mux(bare)
        elif self._encoder:
            try:
                frames = packet.decode()
            except pyav().error.InvalidDataError:  # passed over, as players do
                return
            self._encode(frames)

    def _without_headers(self, packet: Any) -> list[Any]:
        """AAC out of a transport stream repeats a header in every packet, which other containers keep once."""
        if self._strip and self._filter is None:
            begins = bytes(packet)[:2]
            self._strip = len(begins) == 2 and begins[0] == 0xFF and begins[1] & 0xF0 == 0xF0
            if self._strip:
                self._filter = pyav().bitstream.BitStreamFilterContext("aac_adtstoasc", self._source)
        return self._filter.filter(packet) if self._filter else [packet]

    def _encode(self, frames: Any) -> None:
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(self._shift_s / frame.time_base)
            self._container.mux(self._encoder.encode(frame))

    def close(self) -> None:
        """Write what the encoder still holds."""
        if self._encoder:
            self._encode(self._source.codec_context.decode(None))
            self._container.mux(self._encoder.encode(None))
