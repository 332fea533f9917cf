"""The inference API: every front end, from the command line to a server, goes through `Stylizer`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import color, images, masks
from .blending import Styles
from .engines import Engine, open_engine
from .errors import FastStyleError
from .masks import Mask, MaskLike
from .options import RuntimeOptions, StylizeOptions

Images = TypeVar("Images")
Array = NDArray[np.float32]

# With an identity style, the share of strength over which the exact photograph gives way to the network's.
FADE = 0.25


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
        """A checkpoint by path or shipped name.

        device: auto, cpu, cuda, cuda:1, mps. engine: auto, torch. precision: auto, fp32, bf16, fp16.
        Raises FastStyleError for a file that is not a checkpoint and for what this machine does not have.
        """
        from .library import find

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

        Takes the options style, interpolate, strength, mask, feather and preserve_color, as a `StylizeOptions` or as
        keyword arguments; `mask` may also be a picture or {style: picture}. Sizes are for `stylize`.
        Returns the same kind, shape and range (a tensor on its own device). Raises FastStyleError for other shapes and
        for unknown styles.
        """
        shape = tuple(getattr(image, "shape", ()))
        if len(shape) != 4 or shape[1] != 3 or 0 in shape:
            raise FastStyleError(f"expected RGB images of shape (N, 3, H, W), got {shape or type(image).__name__}")
        wanted = replace(options or StylizeOptions(), **changes)
        found = self.masks(wanted, mask)
        blend, coverage = self._plan(wanted, found, shape)
        if coverage is None and wanted.preserve_color == "none":
            result: Images = self.engine(image, blend)
            return result
        if isinstance(image, np.ndarray):
            return self._controlled(image, blend, coverage, wanted)
        photo = image.detach().cpu().numpy()  # type: ignore[attr-defined]  # a tensor, as documented
        out: Images = image.new_tensor(self._controlled(photo, blend, coverage, wanted))  # type: ignore[attr-defined]
        return out

    def masks(self, options: StylizeOptions, given: "Sequence[Mask] | MaskLike | None" = None) -> tuple[Mask, ...]:
        """The masks to use: those given, else those that the options name. Read once, they may be passed often."""
        if isinstance(given, Sequence) and all(isinstance(mask, Mask) for mask in given):
            return tuple(given)  # type: ignore[arg-type]  # they are
        return masks.read(given if given is not None else options.mask or None)  # type: ignore[arg-type]

    def _plan(
        self, options: StylizeOptions, found: Sequence[Mask], shape: tuple[int, ...]
    ) -> tuple[Array, Array | None]:
        """Blend for the engine, (S,) or (S, H, W), and how far each pixel is styled; None means fully, everywhere."""
        strength = np.full((1, 1), options.strength, np.float32)
        if not found:
            blend = self._styles.weights(options.style, options.interpolate)
            return blend, None if options.strength == 1 else strength
        maps = np.stack([mask.at(shape[3], shape[2], options.feather) for mask in found])  # (M, H, W)
        rows = [self._styles.weights(mask.style or options.style, options.interpolate) for mask in found]
        total = maps.sum(0)
        if len({mask.style for mask in found}) == 1:
            blend = rows[0]
        else:
            blend = np.einsum("ms,mhw->shw", np.stack(rows), (maps + 1e-6) / (total + 1e-6 * len(found)))
        return blend, strength * np.minimum(total, 1)

    def _controlled(self, photo: Any, blend: Array, coverage: Array | None, options: StylizeOptions) -> Any:
        """Photograph (N, 3, H, W) and styled picture mixed by `coverage`, (H, W) or (1, 1), after the colours."""
        if coverage is None:
            return color.preserve(options.preserve_color, photo, self.engine(photo, blend))
        if not coverage.any():
            return photo.copy()
        identity = self._styles.identity
        share = coverage
        if identity is None:
            styled = self.engine(photo, blend)
        else:
            styled = self._towards(photo, blend, identity, coverage)
            share = np.minimum(1, coverage / np.float32(FADE))
        styled = color.preserve(options.preserve_color, photo, styled)
        mixed: Array = photo + share * (styled - photo)
        return mixed.clip(0, 1, out=mixed)

    def _towards(self, photo: Array, blend: Array, identity: Array, coverage: Array) -> Array:
        """The network's own way from its identity style to `blend`, with what its identity misses of the photograph."""
        share = coverage if coverage.size > 1 else coverage[0, 0]
        per_pixel = blend.ndim == 3 or coverage.size > 1
        start = identity[:, None, None] if per_pixel else identity
        end = blend[:, None, None] if per_pixel and blend.ndim == 1 else blend
        styled: Array = self.engine(photo, start + share * (end - start))
        if (coverage >= 1).all():
            return styled
        missed = photo - self.engine(photo, identity)
        return styled + (1 - coverage).clip(0) * missed

    def stylize(
        self,
        image: Image.Image,
        options: StylizeOptions | None = None,
        mask: "Sequence[Mask] | MaskLike | None" = None,
        **changes: Any,
    ) -> Image.Image:
        """Stylize a Pillow image of any mode, upright; the result is RGB, or RGBA when the image has alpha.

        Keyword arguments are the fields of `StylizeOptions`, which they change; `mask` may also be a picture or
        {style: picture}.
        """
        wanted = replace(options or StylizeOptions(), **changes)
        picture = images.upright(image)
        work = images.resize_short_side(picture.rgb, wanted.size) if wanted.size else picture.rgb
        result = images.from_array(self(images.to_array(work), wanted, mask))
        final = images.resize_short_side(picture.image, wanted.output_size) if wanted.output_size else picture.image
        if result.size != final.size:
            result = result.resize(final.size, Image.Resampling.LANCZOS)
        if final.mode == "RGBA":
            result.putalpha(final.getchannel("A"))
        if picture.icc_profile:
            result.info["icc_profile"] = picture.icc_profile
        return result
