"""Which encoder, with which settings: what suits the container, and little enough delay that a kill loses little."""

import os
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..errors import FastStyleError
from ..options import VideoOptions
from .libav import pyav

# Encoder by extension; others take the container's own.
SUITABLE = {
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".mkv", ".avi", ".ts", ".m2ts", ".flv", ".3gp"), "libx264"),
    ".webm": "libvpx-vp9",
    ".gif": "gif",
    ".webp": "libwebp_anim",
}
CRF = {"libx264": 18, "libx265": 20, "libvpx-vp9": 28, "libsvtav1": 28, "libaom-av1": 28}
# Beyond the encoder's delay a fragment waits until it is as long, and frames wait in queues; 2 s are allowed in all.
DELAY_S = Fraction(3, 4)
# Below this rate a single frame of delay is long: none is allowed.
SLOW_RATE = 10
THREADS = 4
KEYFRAME_EVERY_S = 2
# Formats by preference: sub-sampled colour plays everywhere; the others are for odd sizes and for encoders without it.
EIGHT_BIT = ("yuv420p", "yuv444p", "yuv422p", "yuvj420p", "yuvj444p", "bgra", "rgb24", "bgr0", "pal8")
TEN_BIT = ("yuv420p10le", "yuv444p10le", "yuv422p10le")


@dataclass(frozen=True)
class Encoder:
    """An encoder as it is to be opened."""

    name: str
    pixel_format: str
    options: dict[str, str] = field(default_factory=dict)


def choose(
    suffix: str, default: str, video: VideoOptions, size: tuple[int, int], rate: Fraction, deep: bool
) -> Encoder:
    """The encoder for a file of that extension. `default`: the container's own; `size`: width and height in px.

    Raises FastStyleError for an encoder that is unknown or that takes no --crf.
    """
    name = video.codec or SUITABLE.get(suffix, default)
    codec = _codec(name)
    formats = [form.name for form in codec.video_formats or ()] or ["yuv420p"]
    if video.crf is not None and codec.name not in CRF:
        raise FastStyleError(f"--crf: the encoder {codec.name} has no such setting; {', '.join(CRF)} have it")
    options = _settings(codec.name, rate)
    if codec.name in CRF:
        options["crf"] = str(CRF[codec.name] if video.crf is None else video.crf)
    return Encoder(codec.name, _pixel_format(codec.name, formats, size, deep), options)


def threads() -> int:
    """Threads of the encoder: more of them delay it more."""
    return min(THREADS, os.cpu_count() or 1)


def _codec(name: str) -> Any:
    av = pyav()
    try:
        codec = av.Codec(name, "w")
    except (av.error.FFmpegError, ValueError) as error:
        raise FastStyleError(f"--codec {name}: this libav has no such encoder") from error
    if codec.type != "video":
        raise FastStyleError(f"--codec {name}: that is no encoder of pictures")
    return codec


def _pixel_format(name: str, formats: list[str], size: tuple[int, int], deep: bool) -> str:
    odd = size[0] % 2 or size[1] % 2
    wanted = [*(TEN_BIT if deep else ()), *EIGHT_BIT]
    if odd and name in ("libx264", "libx265"):  # their sizes are counted in whole colour samples
        wanted = [form for form in wanted if "444" in form]
    return next((form for form in wanted if form in formats), formats[0])


def _settings(name: str, rate: Fraction) -> dict[str, str]:
    """Options of the encoder that bound its delay, and that make it as quick as a filter should be."""
    delay = min(40, int(rate * DELAY_S)) if rate >= SLOW_RATE else 0
    options = {"g": str(max(1, round(rate * KEYFRAME_EVERY_S)))}
    if name == "libx264":
        options |= {"preset": "medium", "rc-lookahead": str(delay), "x264-params": "sync-lookahead=0"}
        options |= {} if delay else {"tune": "zerolatency"}
    elif name == "libx265":
        own = f"rc-lookahead={delay}:frame-threads=1:log-level=error" if delay else "log-level=error"
        options |= {"preset": "fast", "x265-params": own} | ({} if delay else {"tune": "zerolatency"})
    elif name == "libvpx-vp9":
        options |= {"b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1", "lag-in-frames": str(min(25, delay))}
    elif name == "libsvtav1":
        options |= {"preset": "8", "svtav1-params": f"lookahead={min(20, delay)}"}
    elif name == "libwebp_anim":
        options |= {"quality": "85"}
    return options
