"""Stylize the frames of a film: the controls at their time, the network, the temporal filter."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..images import Picture
from ..inference.masks import Mask
from ..options import StylizeOptions, VideoOptions
from .keyframes import LARGEST_SCALE, Keyframes
from .masks import MaskTracks
from .temporal import FlowFilter
from .types import Array, Content

if TYPE_CHECKING:
    from ..stylizer import Stylizer


class FrameStylizer:
    """Stylize frames in their order."""

    def __init__(self, stylizer: "Stylizer", options: StylizeOptions, video: VideoOptions) -> None:
        """Raises FastStyleError for unknown styles, masks that cannot be read and controls that films do not have."""
        if options.detail or options.tileable:
            raise FastStyleError("`detail` and `tileable` are for pictures; leave them out for a film")
        self._stylizer, self._options = stylizer, options
        self._keyframes = Keyframes(video.keyframes, options, stylizer.styles)
        self._masks = MaskTracks(stylizer, options, video)
        self._filter = FlowFilter() if video.temporal == "flow" else None

    @property
    def concurrency(self) -> int:
        """Return how many threads may work on `job`s at the same time, and should."""
        return self._stylizer.engine.concurrency

    @property
    def working_size(self) -> int | None:
        """Return the short side in px at which frames are to be handed in; None is their own.

        Where the photograph shows through, or its colours are kept, that is their own: they are stylized as pictures
        are, the style at --size, the photograph as it is.
        """
        scaled = any(scale != 1 for scale in self._keyframes.scales)
        return None if self.shows_frames or scaled else self._options.size

    @property
    def shows_frames(self) -> bool:
        """Return whether the frames that are handed in, or their colours, are part of what is made of them."""
        options = self._options
        strengths = self._keyframes.strengths or [options.strength]
        return bool(options.mask) or options.preserve_color != "none" or any(s != 1 for s in strengths)

    def job(self, content: Content, time_s: float) -> Callable[[], Content]:
        """Return what stylizes a frame, shown at `time_s`, when called, in any thread.

        content: pixels at the working size, for which the result is pixels of that size, or where that is None of the
        output size; or a whole picture, for which it is a picture of the output size.
        """
        return self._scaled(content, self._at(time_s), self._masks.at(time_s), self._keyframes.scale_at(time_s))

    def _scaled(
        self, content: Content, options: StylizeOptions, masks: tuple[Mask, ...], scale: float
    ) -> Callable[[], Content]:
        """What paints a frame with strokes that many times as large.

        Two sizes are faded into each other: at sizes in between strokes would jump from frame to frame, since their
        places depend on the size at which the network sees a picture.
        """
        fine = self._job(content, options, masks)
        if scale == 1:
            return fine
        short_px = options.size or min(content.image.size if isinstance(content, Picture) else content.shape[:2])
        coarse = self._job(content, replace(options, size=max(1, round(short_px / LARGEST_SCALE))), masks)
        return partial(_faded, fine, coarse, (scale - 1) / (LARGEST_SCALE - 1)) if scale < LARGEST_SCALE else coarse

    def _job(self, content: Content, options: StylizeOptions, masks: tuple[Mask, ...]) -> Callable[[], Content]:
        if isinstance(content, Picture):
            return partial(self._stylizer.apply, content, options, masks)
        as_it_is = replace(options, size=None, output_size=None)
        at_size = self.working_size is not None  # that of the frame
        as_picture = options.strokes != "fine" or bool(options.size)
        how = options if as_picture and not at_size else as_it_is
        return partial(self._stylizer, content, how, masks)

    def steady(self, content: Content, styled: Content) -> Content:
        """Return the frame to show, from the film's and the stylized one; to be called in their order."""
        if not self._filter:
            return styled
        painted = _colors(styled)
        photo = _resized(_colors(content), painted.shape[2:])
        return _recolored(styled, self._filter(photo, painted))

    def picture(self, image: Image.Image, time_s: float) -> Image.Image:
        """Return what to show in the place of an RGB picture at the working size, shown at `time_s`, at its size.

        To be called in the order of the frames.
        """
        content = np.asarray(image)
        size = None if self.working_size else self._options.size
        options = replace(self._at(time_s), size=size, output_size=None)
        job = self._scaled(content, options, self._masks.at(time_s), self._keyframes.scale_at(time_s))
        styled = self.steady(content, job())
        return styled.image if isinstance(styled, Picture) else Image.fromarray(styled)

    def _at(self, time_s: float) -> StylizeOptions:
        options = self._keyframes.at(time_s) if self._keyframes else self._options
        # Painted once, and without noise, unless it is asked for: each pass and each octave of noise costs frames.
        strokes = "fine" if options.strokes == "auto" else options.strokes
        return replace(options, strokes=strokes, noise=options.noise or 0.0)

    def change(self, options: StylizeOptions) -> None:
        """Use other controls from the next frame on."""
        self._options = options


def _faded(fine: Callable[[], Content], coarse: Callable[[], Content], share: float) -> Content:
    """The one frame faded into the other: `share` of `coarse`."""
    first, second = fine(), coarse()
    colors = _colors(first)
    faded = colors + np.float32(share) * (_resized(_colors(second), colors.shape[2:]) - colors)
    return _recolored(first, faded)


def _colors(content: Content) -> Array:
    """RGB (1, 3, H, W) in [0, 1], never mixed with a ground."""
    return images.unit(content.colors if isinstance(content, Picture) else content)


def _recolored(content: Content, colors: Array) -> Content:
    """The frame with other colours, (1, 3, H, W) in [0, 1]."""
    if isinstance(content, Picture):
        return content.with_colors(images.quantized(colors, content.pixels.dtype))
    return images.quantized(colors, content.dtype)


def _resized(image: Array, size: tuple[int, ...]) -> Array:
    """(1, 3, H, W) at another height and width."""
    if image.shape[2:] == size:
        return image
    return images.unit(images.resized(images.quantized(image), (size[1], size[0])))
