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
from .keyframes import Keyframes
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
        self.deep = False
        """Whether frames that are arrays have more than 8 bits per channel."""
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
        options = self._options
        strengths = self._keyframes.strengths or [options.strength]
        mixed = bool(options.mask) or options.preserve_color != "none" or any(s != 1 for s in strengths)
        return None if mixed else options.size

    def job(self, content: Content, time_s: float) -> Callable[[], Content]:
        """Return what stylizes a frame, shown at `time_s`, when called, in any thread.

        content: an array at the working size, for which the result is an array of that size, or where that is None of
        the output size; or a whole picture, for which it is a picture of the output size.
        """
        return self._job(content, self._at(time_s), self._masks.at(time_s))

    def _job(self, content: Content, options: StylizeOptions, masks: tuple[Mask, ...]) -> Callable[[], Content]:
        if isinstance(content, Picture):
            return partial(self._stylizer.apply, content, options, masks)
        as_it_is = replace(options, size=None, output_size=None)
        at_size = self.working_size is not None  # that of the frame
        if options.strokes != "fine" or (options.size and not at_size):
            return partial(self._as_picture, content, as_it_is if at_size else options, masks)
        return partial(self._stylizer, content, as_it_is, masks)

    def _as_picture(self, image: Array, options: StylizeOptions, masks: tuple[Mask, ...]) -> Array:
        picture = Picture.from_pixels(images.quantized(image, np.uint16 if self.deep else np.uint8), "PNG")
        return images.unit(self._stylizer.apply(picture, options, masks).pixels)

    def steady(self, content: Content, styled: Content) -> Content:
        """Return the frame to show, from the film's and the stylized one; to be called in their order."""
        if not self._filter:
            return styled
        painted = _colors(styled)
        photo = _resized(_colors(content), painted.shape[2:])
        shown = self._filter(photo, painted)
        if isinstance(styled, Picture):
            return styled.with_colors(images.quantized(shown, styled.pixels.dtype))
        return shown

    def picture(self, image: Image.Image, time_s: float) -> Image.Image:
        """Return what to show in the place of an RGB picture at the working size, shown at `time_s`, at its size.

        To be called in the order of the frames.
        """
        content = images.to_array(image) if self._filter else Picture(image, "PNG", None, None)
        size = None if self.working_size else self._options.size
        options = replace(self._at(time_s), size=size, output_size=None)
        styled = self.steady(content, self._job(content, options, self._masks.at(time_s))())
        return styled.image if isinstance(styled, Picture) else images.from_array(styled)

    def _at(self, time_s: float) -> StylizeOptions:
        options = self._keyframes.at(time_s) if self._keyframes else self._options
        # Painted once, and without noise, unless it is asked for: each pass and each octave of noise costs frames.
        strokes = "fine" if options.strokes == "auto" else options.strokes
        return replace(options, strokes=strokes, noise=options.noise or 0.0)

    def change(self, options: StylizeOptions) -> None:
        """Use other controls from the next frame on."""
        self._options = options


def _colors(content: Content) -> Array:
    """RGB (1, 3, H, W) in [0, 1], never mixed with a ground."""
    return images.unit(content.colors) if isinstance(content, Picture) else content


def _resized(image: Array, size: tuple[int, ...]) -> Array:
    """(1, 3, H, W) at another height and width."""
    if image.shape[2:] == size:
        return image
    return images.unit(images.resized(images.quantized(image), (size[1], size[0])))
