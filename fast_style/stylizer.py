"""The inference API: every front end, from the command line to a server, goes through `Stylizer`."""

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from . import images
from .engines import Engine, open_engine
from .errors import FastStyleError
from .options import RuntimeOptions, StylizeOptions

Images = TypeVar("Images")


class Stylizer:
    """A trained style, ready to use.

    >>> stylizer = Stylizer.load("wave")                        # a shipped style, or a path to a .pth file
    >>> stylizer.stylize(Image.open("in.jpg")).save("out.jpg")  # Pillow in, Pillow out
    >>> stylizer(array)                                         # (N, 3, H, W) float32 in [0, 1], the same out
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def load(
        cls, path: str | Path = "wave", device: str = "auto", engine: str = "auto", precision: str = "auto"
    ) -> "Stylizer":
        """A checkpoint by path or shipped name.

        device: auto, cpu, cuda, cuda:1, mps. engine: auto, torch. precision: auto, fp32, bf16, fp16.
        Raises FastStyleError for a file that is not a checkpoint and for what this machine does not have.
        """
        from .checkpoint import find

        options = RuntimeOptions(device, engine, precision)  # type: ignore[arg-type]  # checked by open_engine
        return cls(open_engine(find(str(path)), options))

    @property
    def info(self) -> dict[str, Any]:
        """What the checkpoint says of itself: model, styles, training."""
        return self.engine.info

    @property
    def name(self) -> str:
        """Name of the (first) style."""
        styles = self.info["styles"]
        return str(styles[0]["name"]) if styles else "style"

    def __call__(self, image: Images) -> Images:
        """Stylize a batch: RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, any H and W from 1.

        Returns the same kind, shape and range (a tensor on its own device). Raises FastStyleError for other shapes.
        """
        shape = tuple(getattr(image, "shape", ()))
        if len(shape) != 4 or shape[1] != 3 or 0 in shape:
            raise FastStyleError(f"expected RGB images of shape (N, 3, H, W), got {shape or type(image).__name__}")
        result: Images = self.engine(image)
        return result

    def stylize(self, image: Image.Image, options: StylizeOptions | None = None, **changes: Any) -> Image.Image:
        """Stylize a Pillow image of any mode, upright; the result is RGB, or RGBA when the image has alpha.

        Keyword arguments are the fields of `StylizeOptions` (size, output_size), which they change.
        """
        wanted = replace(options or StylizeOptions(), **changes)
        picture = images.upright(image)
        work = images.resize_short_side(picture.rgb, wanted.size) if wanted.size else picture.rgb
        result = images.from_array(self(images.to_array(work)))
        final = images.resize_short_side(picture.image, wanted.output_size) if wanted.output_size else picture.image
        if result.size != final.size:
            result = result.resize(final.size, Image.Resampling.LANCZOS)
        if final.mode == "RGBA":
            result.putalpha(final.getchannel("A"))
        if picture.icc_profile:
            result.info["icc_profile"] = picture.icc_profile
        return result
