"""What is done to each frame: the controls at its time, the stylizer, the temporal filter."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..options import StylizeOptions, VideoOptions
from .keyframes import Keyframes
from .masks import MaskTracks
from .temporal import FlowFilter
from .types import Array

if TYPE_CHECKING:
    from ..stylizer import Stylizer


class Painter:
    """Stylizes frames in their order."""

    def __init__(self, stylizer: "Stylizer", how: StylizeOptions, video: VideoOptions) -> None:
        """Raises FastStyleError for unknown styles, masks that cannot be read and controls that films do not have."""
        if how.detail or how.tileable:
            raise FastStyleError("--detail and --tileable are for pictures; leave them out for a film")
        self._stylizer, self._how = stylizer, how
        self._keyframes = Keyframes(video.keyframes, how, stylizer.styles)
        self._masks = MaskTracks(stylizer, how, video)
        self._filter = FlowFilter() if video.temporal == "flow" else None

    @property
    def lanes(self) -> int:
        """How many threads may work on `job`s at the same time, and should."""
        return self._stylizer.engine.lanes

    def job(self, image: Array, time_s: float) -> Callable[[], Array]:
        """What paints the frame, RGB (1, 3, H, W) float32 in [0, 1], shown at `time_s`, when called, in any thread."""
        how = replace(self._at(time_s), size=None, output_size=None)  # the frame has its working size
        return partial(self._stylizer, image, how, self._masks.at(time_s))

    def steady(self, image: Array, painted: Array) -> Array:
        """The frame to show, from the film's and the painted one; to be called in their order."""
        return self._filter(image, painted) if self._filter else painted

    def picture(self, image: Image.Image, time_s: float) -> Image.Image:
        """An RGB picture, shown at `time_s`, to what to show in its place; to be called in their order."""
        if self._filter:
            pixels = images.to_array(image)
            return images.from_array(self.steady(pixels, self.job(pixels, time_s)()))
        how = replace(self._at(time_s), size=None, output_size=None)
        return self._stylizer.stylize(image, how, self._masks.at(time_s))

    def _at(self, time_s: float) -> StylizeOptions:
        return self._keyframes.at(time_s) if self._keyframes else self._how

    def change(self, how: StylizeOptions) -> None:
        """Paint with other controls from the next frame on."""
        self._how = how
