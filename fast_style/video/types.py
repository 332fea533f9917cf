"""Define what the parts of the film path hand on: frames with their times, and what a film says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..images import Picture, Pixels
from .hdr import HdrMetadata

Array = NDArray[np.float32]
Content = Pixels | Picture

# libav's codes of PQ (SMPTE ST 2084) and HLG (ARIB STD-B67).
HDR_TRANSFERS = (16, 18)


@dataclass(frozen=True)
class Frame:
    """Hold one frame of a film."""

    content: Content
    """RGB (H, W, 3) uint8 or uint16, upright; or a picture, where there are alpha, a profile or EXIF to keep."""
    pts: int
    """When it is shown, in units of the film's time base; the first of a film cut by --start has 0."""
    duration: int
    """How long it is shown, in the same units; 0 where that is unknown."""
    number: int | None = None
    """The number in its file's name, for numbered pictures."""

    @property
    def image(self) -> Array:
        """Return the colours, (1, 3, H, W) float32 in [0, 1], transparent pixels on white."""
        return images.to_array(self.content.rgb) if isinstance(self.content, Picture) else images.unit(self.content)


@dataclass(frozen=True)
class Colors:
    """Tell how a film's numbers stand for colours, in libav's codes (ITU-T H.273); 2 is unspecified."""

    matrix: int = 1
    """YCbCr matrix: 1 BT.709, 5 or 6 BT.601, 9 BT.2020."""
    transfer: int = 2
    primaries: int = 2


@dataclass(frozen=True)
class CopiedStream:
    """Hold a stream of sound or subtitles whose packets are copied."""

    stream: Any
    """The stream of the source (PyAV)."""
    first_packets: tuple[bytes, ...] = ()
    """Its first packets, to ask a muxer with; may be none."""


@dataclass(frozen=True)
class Attachment:
    """Hold cover art, or a file inside the container such as a font for subtitles."""

    stream: Any
    """The stream of the source (PyAV)."""
    data: bytes | None = None
    """The encoded picture of cover art; None for files, which the stream itself carries."""


@dataclass(frozen=True)
class Chapter:
    """Hold a chapter of a film."""

    start_s: Fraction
    end_s: Fraction
    metadata: dict[str, str]


@dataclass(frozen=True)
class ClipInfo:
    """Hold what is known of a film before it is read."""

    width: int
    """Of the upright frames that are handed out, in px."""
    height: int
    time_base: Fraction
    """Seconds per unit of time."""
    rate: Fraction
    """Frames a second, on average."""
    frames: int | None
    """How many frames to expect; None where nothing tells."""
    full_size: tuple[int, int]
    """Width and height in px of the film itself; frames are smaller or larger than that under --size."""
    colors: Colors = Colors()
    deep: bool = False
    """Whether it has more than 8 bits per channel."""
    alpha: bool = False
    """Whether its frames are pictures with alpha."""
    pixel_aspect: Fraction = Fraction(1)
    """Width of a pixel over its height."""
    plays: int = 0
    """How often an animation is played; 0 is without end."""
    hdr: HdrMetadata = HdrMetadata()
    metadata: dict[str, str] = field(default_factory=dict)
    """Title and the like."""
    chapters: tuple[Chapter, ...] = ()
    """In seconds from the first frame of the result."""
    copies: tuple[CopiedStream, ...] = ()
    """Streams of sound and subtitles whose packets come between the frames."""
    attachments: tuple[Attachment, ...] = ()
    shift_s: Fraction = Fraction(0)
    """Seconds to subtract from the times of the copied packets."""

    @property
    def is_hdr(self) -> bool:
        """Return whether it has HDR10 metadata, or a transfer function of HDR."""
        return bool(self.hdr) or self.colors.transfer in HDR_TRANSFERS


class Source(Protocol):
    """Define the interface of a film to read."""

    info: ClipInfo

    def __iter__(self) -> Iterator[Any]:
        """Yield its frames, in order, and between them the packets of the streams to copy."""

    def close(self) -> None:
        """Close the file."""


class Sink(Protocol):
    """Define the interface of a film to write."""

    def write(self, item: Any) -> None:
        """Take a frame, or a packet of a stream to copy."""

    def close(self, whole: bool = True) -> None:
        """Finish the file; not `whole` leaves what there is, playable, under its partial name."""
