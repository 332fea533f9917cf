"""Carry HDR10's static metadata from the first decoded frame to an encoder: SMPTE ST 2086 and CTA-861.3."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class HdrMetadata:
    """Hold what a film says of the display it was mastered on and of its light levels; None where it says nothing."""

    mastering: tuple[float, ...] | None = None
    """CIE x and y of red, green, blue and white; lowest and highest luminance in cd/m2."""
    light_level: tuple[int, int] | None = None
    """Maximum content and maximum frame-average light level, in cd/m2."""

    def encoder_options(self, encoder: str) -> dict[str, str]:
        """Return the parameters that carry it in the bit stream of that encoder; none for encoders without a way."""
        if encoder == "libsvtav1":
            return self._parameters("mastering-display", "content-light", 1.0, 1.0)
        names = {"libx264": ("mastering-display", "cll"), "libx265": ("master-display", "max-cll")}
        # Both count chromaticity in 1/50000 and luminance in 1/10000 cd/m2, as the bit stream does.
        return self._parameters(*names[encoder], 50000.0, 10000.0) if encoder in names else {}

    def _parameters(self, mastering: str, light: str, xy_scale: float, luminance_scale: float) -> dict[str, str]:
        found = {}
        if self.mastering:
            *xy, low, high = self.mastering
            red, green, blue, white = (
                f"({_text(x * xy_scale)},{_text(y * xy_scale)})" for x, y in zip(xy[::2], xy[1::2], strict=True)
            )
            levels = f"({_text(high * luminance_scale)},{_text(low * luminance_scale)})"
            found[mastering] = f"G{green}B{blue}R{red}WP{white}L{levels}"
        if self.light_level:
            found[light] = "{},{}".format(*self.light_level)
        return found

    def __bool__(self) -> bool:
        return bool(self.mastering or self.light_level)


def read_hdr(frame: Any) -> HdrMetadata:
    """Return the HDR10 metadata of a decoded frame (PyAV)."""
    mastering = light = None
    for data in frame.side_data:
        if data.type.name == "MASTERING_DISPLAY_METADATA":
            mastering = _mastering(bytes(data))
        elif data.type.name == "CONTENT_LIGHT_LEVEL":
            most, average = np.frombuffer(bytes(data)[:8], np.uint32).tolist()
            light = (most, average)
    return HdrMetadata(mastering, light)


def _mastering(data: bytes) -> tuple[float, ...] | None:
    """AVMasteringDisplayMetadata: ten rationals (two 32-bit integers each), then whether each part is there."""
    numbers = np.frombuffer(data[:88], np.int32).astype(np.int64)
    values, (has_primaries, has_luminance) = numbers[:20].reshape(10, 2), numbers[20:22]
    if not has_primaries or not has_luminance or not values[:, 1].all():
        return None
    return tuple((values[:, 0] / values[:, 1]).tolist())


def _text(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
