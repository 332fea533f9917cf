"""Define the options of films, beyond those of each of their frames."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import FastStyleError
from .checks import check_at_least, check_between, check_types
from .controls import STRONGEST

# Extensions of files of key frames.
KEY_FILES = (".yaml", ".yml")


@dataclass(frozen=True)
class AudioOptions:
    """Options of films that follow their sound."""

    audio_reactive: bool = False
    """Let the film's sound steer it: loudness and onsets the strength, spectral balance the size of the strokes and a
    blend of styles."""

    audio: Path | None = None
    """File whose sound steers the film, and is the result's sound. A picture becomes a film of that length. With
    --keyframes it is the sound alone."""

    audio_floor: float = 0.3
    """Strength in silence; onsets go up to --strength."""

    curves: Path | None = None
    """File for what the sound steers, as key frames to edit and to use with --keyframes: curves.yaml."""

    def __post_init__(self) -> None:
        check_types(self)
        check_between(self, 0, STRONGEST, "audio_floor")
        if self.curves and self.curves.suffix.lower() not in KEY_FILES:
            raise FastStyleError(f"`curves` is {self.curves}; key frames are written as YAML: curves.yaml")

    @property
    def uses_sound(self) -> bool:
        """Return whether sound is used: to steer the film, or as its sound."""
        return self.audio_reactive or self.audio is not None


@dataclass(frozen=True)
class VideoOptions:
    """Options of films; they do not apply to pictures."""

    codec: str | None = None
    """Encoder, by libav's name (libx264, libx265, libvpx-vp9, ...); by default what suits the container."""

    crf: int | None = None
    """Constant rate factor of the encoder: lower is better and larger; by default 18 for H.264."""

    encoding: Literal["auto", "small", "quick"] = "auto"
    """quick takes a tenth of the time to encode H.264, for files that are a fifth larger, and shows the network coarser
    colours; auto is quick for lite and nano networks, which all that would hold up, and small for others."""

    start: float = 0.0
    """Seconds of the film to leave out at its beginning."""

    duration: float | None = None
    """Seconds of the film to use; by default all."""

    fps: float | None = None
    """Frames a second of the result; by default every frame keeps its time. For an image sequence its rate (25)."""

    keyframes: tuple[str, ...] = ()
    """Styles over the film's time, SECONDS=BLEND@STRENGTH or less of it: 0=wave@0 3.5=scream 7=wave=0.3,scream=0.7;
    x1.5 at the end is the size of the strokes, up to x2. A file of such keys: curves.yaml."""

    temporal: Literal["none", "flow"] = "none"
    """flow reduces flicker: each frame is averaged with those before it, warped along the optical flow where it can be
    trusted."""

    sound: AudioOptions = AudioOptions()

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, "start", "crf")
        self._check_sound()
        if self.duration is not None and not self.duration > 0:
            raise FastStyleError(f"`duration` is {self.duration}; it takes more than 0")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise FastStyleError(f"`fps` is {self.fps}; it takes more than 0 and at most 1000")

    def _check_sound(self) -> None:
        if self.sound.audio_reactive and self.keyframes:
            raise FastStyleError("`audio_reactive` and `keyframes` would both steer the film; leave one out")
        if self.sound.curves and (self.keyframes or not self.sound.uses_sound):
            raise FastStyleError(
                "`curves` keeps what sound steers: it needs `audio_reactive` or `audio`, and no `keyframes`"
            )
