"""Choose the encoder of frames: what suits the container, with so little delay that a kill loses little."""

import os
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..errors import FastStyleError
from ..options import VideoOptions
from .containers import Container
from .hdr import HdrMetadata
from .libav import pyav
from .remux import survives
from .types import ClipInfo

CRF = {"libx264": 18, "libx265": 20, "libvpx-vp9": 28, "libsvtav1": 28, "libaom-av1": 28}
# Beyond the encoder's delay a fragment waits until it is as long, and frames wait in queues; 2 s are allowed in all.
DELAY_S = Fraction(3, 4)
# Below this rate a single frame of delay is long: none is allowed.
SLOW_RATE = 10
# What makes an encoder quicker, at the price of larger files.
QUICK = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
}
THREADS = 4
KEYFRAME_EVERY_S = 2
# Shapes of pixels are written as ratios of small whole numbers.
ASPECT_ROUNDING = Fraction(1, 200)
# Formats by preference: sub-sampled colour plays everywhere; the others are for odd sizes and for encoders without it.
EIGHT_BIT = ("yuv420p", "yuv444p", "yuv422p", "yuvj420p", "yuvj444p", "bgra", "rgb24", "bgr0", "pal8")
TEN_BIT = ("yuv420p10le", "yuv444p10le", "yuv422p10le")
# libwebp knows its own matrix (BT.601 at any size) and range: it is given RGB.
RGB_FIRST = {"libwebp_anim": ("bgra",)}
# Formats with alpha by preference, and the encoders that write it: others have such formats and drop it.
EIGHT_BIT_ALPHA = ("bgra", "rgba", "argb", "yuva420p", "yuva444p", "yuva422p", "yuva444p10le", "pal8")
TEN_BIT_ALPHA = ("yuva444p10le", "yuva422p10le", "yuva420p10le", "rgba64be")
KEEP_ALPHA = frozenset({"libvpx-vp9", "prores_ks", "qtrle", "png", "ffv1", "gif", "libwebp_anim"})
# 4:4:4 with alpha of 16 bit.
PRORES_4444 = {"profile": "4444", "vendor": "apl0"}


@dataclass(frozen=True)
class Encoder:
    """Describe an encoder as it is to be opened."""

    name: str
    pixel_format: str
    options: dict[str, str] = field(default_factory=dict)
    alpha: bool = False
    """Whether it is given frames with alpha."""

    @property
    def deep(self) -> bool:
        """Return whether it is given more than 8 bits per channel."""
        return "10" in self.pixel_format or "64" in self.pixel_format


def choose(container: Container, default: str, video: VideoOptions, size: tuple[int, int], info: ClipInfo) -> Encoder:
    """Return the encoder for a container. default: the muxer's own choice; size: width and height in px.

    Raises FastStyleError for an encoder that is unknown or that takes no `crf`.
    """
    special = (info.alpha and container.alpha_encoder) or (info.is_hdr and container.hdr_encoder)
    codec = _codec(video.codec or special or container.encoder or default)
    alpha = info.alpha and codec.name in KEEP_ALPHA and bool(container.alpha_encoder)
    formats = [form.name for form in codec.video_formats or ()] or ["yuv420p"]
    if video.crf is not None and codec.name not in CRF:
        raise FastStyleError(f"`crf`: the encoder {codec.name} has no such setting; {', '.join(CRF)} have it")
    options = _settings(codec.name, info.rate, info.hdr)
    options |= QUICK.get(codec.name, {}) if video.encoding == "quick" else {}
    if codec.name in CRF:
        options["crf"] = str(CRF[codec.name] if video.crf is None else video.crf)
    return Encoder(codec.name, _pixel_format(codec.name, formats, size, info.deep, alpha), options, alpha)


def keeps_pixel_aspect(muxer: str, container: Container, encoder: Encoder, aspect: Fraction) -> bool:
    """Return whether the shape of pixels, width over height, is in a film of that muxer (libav's name) and encoder.

    Some encoders write it, and some muxers; neither says so. A film of one small frame, in memory, is read back. What
    plays animations takes pixels for square.
    """
    if container.loop:
        return False

    def add(output: Any) -> list[Any]:
        stream = output.add_stream(encoder.name, rate=25, width=64, height=64, pix_fmt=encoder.pixel_format)
        stream.options, stream.codec_context.sample_aspect_ratio = encoder.options, aspect
        frame = pyav().VideoFrame(64, 64, encoder.pixel_format)
        frame.pts = 0
        return [*stream.encode(frame), *stream.encode(None)]

    def reads(back: Any) -> bool:
        found = back.streams.video[0].sample_aspect_ratio or 1
        return abs(found - aspect) < aspect * ASPECT_ROUNDING

    return survives(muxer, dict(container.muxer_options), add, reads)


def with_square_pixels(size: tuple[int, int], aspect: Fraction) -> tuple[int, int]:
    """Return the width and height that show frames of that size and shape of pixels with square ones; neither shrinks.

    The side that grows is even, as encoders want it.
    """
    width, height = size
    return (2 * round(width * aspect / 2), height) if aspect > 1 else (width, 2 * round(height / aspect / 2))


def threads() -> int:
    """Return the number of threads of the encoder: more of them delay it more."""
    return min(THREADS, os.cpu_count() or 1)


def _codec(name: str) -> Any:
    av = pyav()
    try:
        codec = av.Codec(name, "w")
    except (av.error.FFmpegError, ValueError) as error:
        raise FastStyleError(f"`codec` {name}: this libav has no such encoder") from error
    if codec.type != "video":
        raise FastStyleError(f"`codec` {name}: that is no encoder of pictures")
    return codec


def _pixel_format(name: str, formats: list[str], size: tuple[int, int], deep: bool, alpha: bool) -> str:
    odd = size[0] % 2 or size[1] % 2
    wanted = [*RGB_FIRST.get(name, ()), *(TEN_BIT if deep else ()), *EIGHT_BIT]
    if alpha:
        wanted = [*(TEN_BIT_ALPHA if deep else ()), *EIGHT_BIT_ALPHA]
    elif odd and name in ("libx264", "libx265"):  # their sizes are counted in whole colour samples
        wanted = [form for form in wanted if "444" in form]
    return next((form for form in wanted if form in formats), formats[0])


def _settings(name: str, rate: Fraction, hdr: HdrMetadata) -> dict[str, str]:
    """Options of the encoder that bound its delay, and that make it as quick as a filter should be."""
    delay = min(40, int(rate * DELAY_S)) if rate >= SLOW_RATE else 0
    options = {"g": str(max(1, round(rate * KEYFRAME_EVERY_S)))}
    own = hdr.encoder_options(name)
    if name == "libx264":
        own |= {"sync-lookahead": "0"}
        options |= {"preset": "medium", "rc-lookahead": str(delay), "x264-params": _joined(own)}
        options |= {} if delay else {"tune": "zerolatency"}
    elif name == "libx265":
        own |= {"rc-lookahead": str(delay), "frame-threads": "1"} if delay else {}
        own |= {"log-level": "error"}
        options |= {"preset": "fast", "x265-params": _joined(own)} | ({} if delay else {"tune": "zerolatency"})
    elif name == "libvpx-vp9":
        options |= {"b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1", "lag-in-frames": str(min(25, delay))}
    elif name == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # it prints what it does unless it is told to print errors alone
        options |= {"preset": "8", "svtav1-params": _joined(own | {"lookahead": str(min(20, delay))})}
    elif name == "libwebp_anim":
        options |= {"quality": "85"}
    elif name == "prores_ks":
        options |= PRORES_4444
    return options


def _joined(parameters: dict[str, str]) -> str:
    return ":".join(f"{name}={value}" for name, value in parameters.items())
