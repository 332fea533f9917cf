"""Join recordings whose timestamps jump, as ffmpeg's command line does."""

from fractions import Fraction
from typing import Any

# ffmpeg's -dts_delta_threshold, and how far it lets time go back before it takes that for a jump, in seconds.
FORWARD_S, BACKWARD_S = Fraction(10), Fraction(1, 10)
# libav's AVFMT_TS_DISCONT: formats whose timestamps may jump, such as transport streams.
MAY_JUMP = 0x0200


class TimestampRepair:
    """Move the times of packets after a jump so that each stream goes on where it was.

    Joined transport streams, HLS pieces and recordings that cameras split begin at another time with every piece. As
    in ffmpeg, one offset holds for all streams, and only formats that libav says may jump are repaired.
    """

    def __init__(self, format_flags: int) -> None:
        self._active = bool(format_flags & MAY_JUMP)
        self._offset_s = Fraction(0)
        self._last_s: dict[int, Fraction] = {}
        self._next_s: dict[int, Fraction] = {}
        self._newest_s: Fraction | None = None

    def __call__(self, packet: Any) -> None:
        """Correct the times of a packet (PyAV), in the order in which they are in the file."""
        if not self._active or packet.dts is None:
            return
        base, stream = packet.time_base, packet.stream.index
        time_s = packet.dts * base + self._offset_s
        delta = self._jump(stream, time_s)
        self._offset_s -= delta
        time_s -= delta
        shift = round(self._offset_s / base)
        packet.dts += shift
        packet.pts = None if packet.pts is None else packet.pts + shift
        self._last_s[stream] = self._newest_s = time_s
        self._next_s[stream] = time_s + (packet.duration or 0) * base

    def _jump(self, stream: int, time_s: Fraction) -> Fraction:
        """Return how many seconds too late (or, negative, too early) a packet of that time is; 0 without a jump."""
        expected = self._next_s.get(stream, self._newest_s)
        if expected is None:
            return Fraction(0)
        delta = time_s - expected
        last = self._last_s.get(stream)
        back = last is not None and time_s + BACKWARD_S < last
        return delta if abs(delta) > FORWARD_S or back else Fraction(0)
