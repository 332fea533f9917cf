"""What the parts of the film path hand on: frames with their times, and what a film says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """One frame of a film."""

    image: Array
    """RGB (1, 3, H, W) float32 in [0, 1], upright."""
    pts: int
    """When it is shown, in units of the clip's time base; the first of a film cut by --start has 0."""
    duration: int
    """How long it is shown, in the same units; 0 where that is unknown."""


@dataclass(frozen=True)
class Colors:
    """How a film's numbers stand for colours, in libav's codes (ITU-T H.273); 2 is unspecified."""

    matrix: int = 1
    """YCbCr matrix: 1 BT.709, 5 or 6 BT.601, 9 BT.2020."""
    transfer: int = 2
    primaries: int = 2


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a film before it is read."""

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
    pixel_aspect: Fraction = Fraction(1)
    """Width of a pixel over its height."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Title and the like."""
    copies: tuple[Any, ...] = ()
    """Streams of sound and subtitles (PyAV) whose packets come between the frames."""
    shift_s: Fraction = Fraction(0)
    """Seconds to subtract from the times of those packets."""


class Source(Protocol):
    """A film to read."""

    info: ClipInfo

    def __iter__(self) -> Iterator[Any]:
        """Its frames, in order, and between them the packets of the streams to copy."""

    def close(self) -> None:
        """Let go of the file."""


class Sink(Protocol):
    """A film to write."""

    def write(self, item: Any) -> None:
        """Take a frame, or a packet of a stream to copy."""

    def close(self, whole: bool = True) -> None:
        """Finish the file; not `whole` leaves what there is, playable, under its partial name."""
