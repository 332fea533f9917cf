"""The inference API: every front end, from the command line to a server, goes through `Stylizer`."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from . import images
from .engines import Engine, open_engine
from .errors import FastStyleError
from .inference import masks
from .inference.masks import Mask, MaskLike
from .inference.noise import blank
from .inference.painting import paint
from .inference.pipeline import Progress, render
from .inference.style_weights import Styles
from .options import RuntimeOptions, StylizeOptions

Images = TypeVar("Images")


class Stylizer:
    """A trained network, ready to use.

    >>> stylizer = Stylizer.load("wave")                        # a shipped style, or a path to a .pth file
    >>> stylizer.stylize(Image.open("in.jpg")).save("out.jpg")  # Pillow in, Pillow out
    >>> stylizer(array)                                         # (N, 3, H, W) float32 in [0, 1], the same out
    >>> stylizer(array, strength=0.5, preserve_color="luminance")
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._styles = Styles(engine.info["styles"], engine.dots)

    @classmethod
    def load(
        cls, path: str | Path = "wave", device: str = "auto", engine: str = "auto", precision: str = "auto"
    ) -> "Stylizer":
        """A checkpoint by path or shipped name, or a file that `fast-style export` made.

        device: auto, cpu, cuda, cuda:1, mps. engine: auto, torch, openvino, onnx. precision: auto, fp32, bf16, fp16.
        Raises FastStyleError for a file that is not a checkpoint and for what this machine does not have.
        """
        from .models.bundled import find

        options = RuntimeOptions(device, engine, precision)  # type: ignore[arg-type]  # checked by open_engine
        return cls(open_engine(find(str(path)), options))

    @property
    def info(self) -> dict[str, Any]:
        """What the checkpoint says of itself: model, styles, training."""
        return self.engine.info

    @property
    def styles(self) -> list[str]:
        """Names of the styles; the first is used when none is asked for."""
        return self._styles.names

    @property
    def name(self) -> str:
        """Name of the (first) style."""
        return self.styles[0]

    def __call__(
        self,
        image: Images,
        options: StylizeOptions | None = None,
        mask: "Sequence[Mask] | MaskLike | None" = None,
        **changes: Any,
    ) -> Images:
        """Stylize a batch: RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, any H and W from 1.

        Takes the options style, interpolate, strength, mask, feather, preserve_color and grain, as a `StylizeOptions`
        or as keyword arguments; `mask` may also be a picture or {style: picture}. Sizes are for `stylize`.
        Returns the same kind, shape and range (a tensor on its own device). Raises FastStyleError for other shapes and
        for unknown styles.
        """
        shape = tuple(getattr(image, "shape", ()))
        if len(shape) != 4 or shape[1] != 3 or 0 in shape:
            raise FastStyleError(f"expected RGB images of shape (N, 3, H, W), got {shape or type(image).__name__}")
        wanted = replace(options or StylizeOptions(), **{**changes, "tileable": False})
        found = self.masks(wanted, mask)
        if isinstance(image, np.ndarray):
            result: Any = render(self.engine, self._styles, wanted, found, np.asarray(image, np.float32))
            return result
        tensor: Any = image
        whole = wanted.tile_px is None and wanted.memory == "auto"
        if not found and wanted.plain and whole and not _any_blank(tensor):  # it stays on its device
            return self.engine(tensor, self._styles.weights(wanted.style, wanted.interpolate))
        photo = tensor.detach().float().cpu().numpy()
        return tensor.new_tensor(render(self.engine, self._styles, wanted, found, photo))

    def masks(self, options: StylizeOptions, given: "Sequence[Mask] | MaskLike | None" = None) -> tuple[Mask, ...]:
        """The masks to use: those given, else those that the options name. Read once, they may be passed often."""
        if isinstance(given, Sequence) and all(isinstance(mask, Mask) for mask in given):
            return tuple(given)  # type: ignore[arg-type]  # they are
        return masks.read(given if given is not None else options.mask or None)  # type: ignore[arg-type]

    def stylize(
        self,
        image: Image.Image,
        options: StylizeOptions | None = None,
        mask: "Sequence[Mask] | MaskLike | None" = None,
        progress: Progress = lambda stage, done, of: None,
        **changes: Any,
    ) -> Image.Image:
        """Stylize a Pillow image of any mode, upright; the result is RGB, or RGBA when the image has alpha.

        Keyword arguments are the fields of `StylizeOptions`, which they change; `mask` may also be a picture or
        {style: picture}. progress: where there are tiles, called with what is going on, tiles done, and tiles in all (0
        while not known).
        """
        return self.apply(images.upright(image), options, mask, progress, **changes).image

    def apply(
        self,
        picture: images.Picture,
        options: StylizeOptions | None = None,
        mask: "Sequence[Mask] | MaskLike | None" = None,
        progress: Progress = lambda stage, done, of: None,
        **changes: Any,
    ) -> images.Picture:
        """Stylize a picture as `images.read` returns it, in 16 bit where it has them; arguments as in `stylize`.

        Alpha, profile and EXIF are kept.
        """
        wanted = replace(options or StylizeOptions(), **changes)
        run = partial(paint, self.engine, self._styles, wanted, self.masks(wanted, mask), progress=progress)
        return picture.with_colors(run(picture.colors))


def _any_blank(batch: Any) -> bool:
    """Whether a picture of a tensor (N, 3, H, W) is of one colour; not where memory is too short even to look."""
    try:
        return any(map(blank, batch.split(1)))
    except RuntimeError:  # the engine does with less, or says what to do
        return False
