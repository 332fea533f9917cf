"""Define the options of films, beyond those of each of their frames."""

from dataclasses import dataclass
from typing import Literal

from ..errors import FastStyleError
from .checks import check_at_least, check_types


@dataclass(frozen=True)
class VideoOptions:
    """Options of films; they do not apply to pictures."""

    codec: str | None = None
    """Encoder, by libav's name (libx264, libx265, libvpx-vp9, ...); by default what suits the container."""

    crf: int | None = None
    """Constant rate factor of the encoder: lower is better and larger; by default 18 for H.264."""

    start: float = 0.0
    """Seconds of the film to leave out at its beginning."""

    duration: float | None = None
    """Seconds of the film to use; by default all."""

    fps: float | None = None
    """Frames a second of the result; by default every frame keeps its time. For an image sequence its rate (25)."""

    keyframes: tuple[str, ...] = ()
    """Styles over the film's time, SECONDS=BLEND@STRENGTH or less of it: 0=wave@0 3.5=scream 7=wave=0.3,scream=0.7."""

    temporal: Literal["none", "flow"] = "none"
    """flow reduces flicker: each frame is averaged with those before it, warped along the optical flow where it can be
    trusted."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, "start", "crf")
        if self.duration is not None and not self.duration > 0:
            raise FastStyleError(f"`duration` is {self.duration}; it takes more than 0")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise FastStyleError(f"`fps` is {self.fps}; it takes more than 0 and at most 1000")
