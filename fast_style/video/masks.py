"""Provide the masks of a film's frames: still pictures, or films of their own that are read along."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from .. import images
from ..inference.masks import Mask, split_flag
from ..options import StylizeOptions, VideoOptions
from .sources import is_film, open_source
from .types import Frame, Source

if TYPE_CHECKING:
    from ..stylizer import Stylizer


class MaskTracks:
    """Provide the masks at each time of a film; still pictures are read once."""

    def __init__(self, stylizer: "Stylizer", options: StylizeOptions, video: VideoOptions) -> None:
        """Raises FastStyleError for masks that cannot be read."""
        named = [split_flag(flag) for flag in options.mask]
        self._tracks = [MaskTrack(path, style, video) if is_film(path) else None for path, style in named]
        stills = tuple(flag for flag, track in zip(options.mask, self._tracks, strict=True) if track is None)
        self._stills = stylizer.masks(replace(options, mask=stills))

    def at(self, time_s: float) -> tuple[Mask, ...]:
        """Return the masks at that time, in the order in which they were named."""
        stills = iter(self._stills)
        return tuple(track.at(time_s) if track else next(stills) for track in self._tracks)


class MaskTrack:
    """Read a mask that is a film of grey pictures; beyond its end the last one holds."""

    def __init__(self, path: Path, style: str, video: VideoOptions) -> None:
        self._style = style
        source = open_source(path, replace(video, fps=None) if "%" not in str(path) else video)
        self._frames = self._read(source)
        self._next: tuple[float, Mask] | None = next(self._frames)
        self._now = self._next[1]

    def at(self, time_s: float) -> Mask:
        """Return the picture shown at that time, which may not be before that of the last call."""
        while self._next and self._next[0] <= time_s + 1e-6:
            self._now = self._next[1]
            self._next = next(self._frames, None)
        return self._now

    def _read(self, source: Source) -> Iterator[tuple[float, Mask]]:
        try:
            for item in source:
                if isinstance(item, Frame):
                    yield float(item.pts * source.info.time_base), Mask(_grey(item), self._style)
        finally:
            source.close()


def _grey(frame: Frame) -> Image.Image:
    return images.from_array(frame.image).convert("L")
