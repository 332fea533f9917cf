"""Describe the containers of films: one table, a row for each, for everything that differs between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

# A muxer that waits for a stream which has ended would hold back the others; libav's unit is a microsecond.
WAIT_US = "500000"
# Written in fragments while it grows, an ordinary file once it is closed; the moov waits for the encoder's delay.
FRAGMENTS = {"movflags": "+hybrid_fragmented+delay_moov", "frag_duration": WAIT_US}
CLUSTERS = {"cluster_time_limit": "500"}


@dataclass(frozen=True)
class Container:
    """Hold what is known of one container, beyond what libav's muxer tells of itself."""

    suffixes: tuple[str, ...]
    """Extensions of its files, lower case."""
    own_result: bool = False
    """Whether the result of such a film is by default one too; else it is an MP4."""
    encoder: str | None = None
    """Encoder of the frames, by libav's name; None is the muxer's default."""
    alpha_encoder: str | None = None
    """Encoder of frames with alpha; None where the container, or what plays it, has none."""
    hdr_encoder: str | None = None
    """Encoder of HDR frames, where the usual one has neither 10 bits nor HDR10 metadata."""
    sound_encoder: str | None = None
    """Encoder of sound that cannot be copied; None is the muxer's default."""
    muxer_options: Mapping[str, str] = field(default_factory=dict)
    codec_tags: Mapping[str, str] = field(default_factory=dict)
    """Codec tags to use instead of libav's, by the name of the codec."""
    times: Literal["exact", "frames"] | Fraction = "frames"
    """`exact` keeps any time, `frames` counts frames at the film's rate, a number is a unit of time in seconds."""
    edit_lists: bool = False
    """Whether tracks have edit lists, as in QuickTime."""
    loop: Callable[[int], int] | None = None
    """For animations, which have no sound: the muxer's `loop` for so many times to play (0: without end)."""
    still: bool = False
    """Whether such a file may also be a still picture: it is a film only if it has several frames."""
    written: bool = True
    """Whether a result may have that extension."""


_QUICKTIME = Container((), True, "libx264", muxer_options=FRAGMENTS, times="exact", edit_lists=True)
_APPLE = replace(_QUICKTIME, codec_tags={"hevc": "hvc1"})  # QuickTime and Safari play no other tag of HEVC
_READ = "mpg mpeg m2v wmv asf f4v ogv 3g2 mxf vob y4m dv divx"

CONTAINERS = (
    replace(_APPLE, suffixes=(".mp4", ".m4v")),
    replace(_APPLE, suffixes=(".mov",), alpha_encoder="prores_ks"),
    replace(_QUICKTIME, suffixes=(".3gp",), own_result=False),
    Container((".mkv",), True, "libx264", "libvpx-vp9", muxer_options=CLUSTERS, times="exact"),
    Container(
        (".webm",), True, "libvpx-vp9", "libvpx-vp9", "libsvtav1", "libopus", muxer_options=CLUSTERS, times="exact"
    ),
    Container((".avi",), True, "libx264", "ffv1"),
    Container((".ts", ".m2ts"), True, "libx264", times="exact"),
    Container((".mts",)),
    # Its packets must come in order, however long the encoder delays some.
    Container((".flv",), False, "libx264", times="exact", muxer_options={"max_interleave_delta": "10000000"}),
    Container((".nut",), times="exact"),
    Container(tuple(f".{name}" for name in _READ.split())),
    # A GIF counts how often it is repeated, the others how often they are played.
    Container(
        (".gif",), True, "gif", "gif", still=True, times=Fraction(1, 100), loop=lambda n: {0: 0, 1: -1}.get(n, n - 1)
    ),
    Container(
        (".webp",), True, "libwebp_anim", "libwebp_anim", still=True, times=Fraction(1, 1000), loop=lambda plays: plays
    ),
    Container((".avif", ".avifs"), True, "libsvtav1", still=True, times="exact", loop=lambda plays: plays),
    Container((".png", ".apng"), still=True, written=False),
)
_BY_SUFFIX = {suffix: container for container in CONTAINERS for suffix in container.suffixes}


def container_of(path: Path) -> Container | None:
    """Return the row of a file's extension, None where there is none."""
    return _BY_SUFFIX.get(path.suffix.lower())
