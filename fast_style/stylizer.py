"""Provide the inference API: every front end, from the command line to a server, goes through `Stylizer`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import images
from .engines import Engine, open_engine
from .errors import FastStyleError
from .images.noise import is_uniform
from .inference import masks
from .inference.masks import Mask, MaskLike
from .inference.pipeline import stylize, stylize_batch
from .inference.single_pass import Progress
from .inference.style_weights import Styles, as_text, predictor_input
from .options import RuntimeOptions, StylizeOptions
from .system.suggestions import did_you_mean
from .system.threads import ahead, overlapped

if TYPE_CHECKING:
    from torch import Tensor

Batch = TypeVar("Batch", bound="NDArray[Any] | Image.Image | Tensor")
Masks = Sequence[Mask] | MaskLike | None

# Controls of pictures, which batches of floats, the frames of a film among them, do not have.
NOT_FOR_BATCHES = frozenset({"size", "output_size", "detail", "tileable", "strokes", "grain"})
WANTED = (
    "expected a Pillow image, a path, an RGB array of shape (H, W, 3) of uint8 or uint16, "
    "or a batch of shape (N, 3, H, W) of floats in [0, 1]"
)


class Stylizer:
    """Stylize pictures with a trained network. Threads may share one.

    >>> stylizer = Stylizer.load("wave")                         # a shipped model, or a path to a .pth file
    >>> stylizer.stylize("in.jpg").save("out.jpg")               # a path or a Pillow image in, a Pillow image out
    >>> stylizer(frame)                                          # (H, W, 3) uint8 or uint16 in, the same out
    >>> stylizer(batch)                                          # (N, 3, H, W) floats in [0, 1] in, the same out
    >>> stylizer(batch, strength=0.5, preserve_color="luminance")
    >>> stylizer(frame, style={"wave": 0.6, "scream": 0.4})      # a blend, where the model has several styles
    >>> for painted in stylizer.stream(frames):                  # frames are read and painted while the loop works
    """

    def __init__(self, engine: Engine, paintings: Mapping[str, NDArray[np.float32]] = {}) -> None:
        """engine: the loaded network. paintings: those that `with_style` looked at, their weights of its rows."""
        self.engine = engine
        self.paintings = paintings
        """Weights of the rows by name: what another Stylizer of the same engine takes to have the same styles."""
        weights = paintings if engine.info["model"].get("predictor") else None
        self._styles = Styles(engine.info["styles"], engine.style_gram, weights)

    @classmethod
    def load(
        cls, path: str | Path = "wave", device: str = "auto", engine: str = "auto", precision: str = "auto"
    ) -> "Stylizer":
        """Load a checkpoint by path, shipped name or address (https://, hf://), or a file of `fast-style export`.

        device: auto, cpu, cuda, cuda:1, mps. engine: auto, torch, openvino, onnx. precision: auto, fp32, bf16, fp16,
        int8. Raises FastStyleError for a file that is not a checkpoint and for what this machine does not have.
        """
        from .models.bundled import find

        options = RuntimeOptions(device, engine, precision)  # type: ignore[arg-type]  # checked by open_engine
        return cls(open_engine(find(str(path)), options))

    def with_style(self, painting: "Image.Image | str | Path", name: str = "") -> "Stylizer":
        """Return a Stylizer that also paints like a painting, which the model `any` takes one look at.

        >>> Stylizer.load("any").with_style("painting.jpg").stylize("photo.jpg")

        painting: a Pillow image or a path. name: of the style, by default that of the file. Several paintings, one call
        after the other, are several styles, which may be blended. The network is shared. Raises FastStyleError for
        models that paint their own styles alone, and for a name that is taken.
        """
        is_file = isinstance(painting, str | Path)
        name = name or (Path(painting).stem if is_file else "painting")  # type: ignore[arg-type]  # is one
        if name in self.paintings:
            raise FastStyleError(f"there is a style {name!r} already; choose another `name`")
        picture = images.read(Path(painting)).rgb if is_file else images.upright(painting).rgb  # type: ignore[arg-type]
        blend = self.engine.predict_blend(images.to_array(predictor_input(picture)))
        return Stylizer(self.engine, {**self.paintings, name: blend})

    @property
    def info(self) -> dict[str, Any]:
        """Return what the checkpoint says of itself: model, styles, training."""
        return self.engine.info

    @property
    def styles(self) -> list[str]:
        """Return the names of the styles; the first is used when none is asked for."""
        return self._styles.names

    @property
    def name(self) -> str:
        """Return the name of the first style."""
        return self.styles[0]

    @overload
    def __call__(
        self, image: Batch, options: StylizeOptions | None = None, mask: Masks = None, **changes: Any
    ) -> Batch: ...

    @overload
    def __call__(
        self, image: str | Path, options: StylizeOptions | None = None, mask: Masks = None, **changes: Any
    ) -> Image.Image: ...

    def __call__(self, image: Any, options: StylizeOptions | None = None, mask: Masks = None, **changes: Any) -> Any:
        """Stylize RGB pictures; return the same kind, shape and dtype, a tensor on its own device.

        image: a batch (N, 3, H, W) of floats in [0, 1], NumPy array or torch tensor, any H and W from 1, or one frame
        (H, W, 3) of uint8 or uint16. Both are painted once (strokes `fine`) and, unless it is asked for, without noise,
        as live sources need it. A Pillow image or a path is a picture, as in `stylize`. options, or keyword arguments:
        the fields of `StylizeOptions`; `style` may also be a blend {name: share}. mask: a picture, or {style: picture}.
        Raises FastStyleError for other shapes and dtypes, for unknown styles, for options that have no effect on
        batches (size, output_size, detail, tileable, strokes, grain), and for tensors that ask for gradients.
        """
        shape = tuple(getattr(image, "shape", ()))
        if len(shape) != 4 and not _is_picture(image):
            return self.stylize(image, options, mask, **changes)
        wanted = changed(options, changes)
        if len(shape) == 3:
            return self.stylize(image, _as_frame(wanted), mask)
        wanted = _as_batch(image, shape, wanted)
        found = self.masks(wanted, mask)
        if isinstance(image, np.ndarray):
            photos = image.astype(np.float32, copy=False)
            return stylize_batch(self.engine, self._styles, wanted, found, photos).astype(image.dtype, copy=False)
        if wanted.direct and not found and not _any_uniform(image):  # it stays on its device
            return self.engine(image, self._styles.weights(wanted.style, wanted.interpolate)).to(image.dtype)
        photo = image.detach().float().cpu().numpy()
        return image.new_tensor(stylize_batch(self.engine, self._styles, wanted, found, photo))

    def stream(
        self,
        frames: Iterable[Batch],
        options: StylizeOptions | None = None,
        mask: Masks = None,
        length: int = 2,
        **changes: Any,
    ) -> Iterator[Batch]:
        """Stylize frames one after the other; yield each result in its order.

        Frames are read in one thread and painted in another while the caller works on results; at most `length` frames
        wait before and after the painting, which bounds memory and latency. frames: what `__call__` takes, such as
        arrays (H, W, 3) uint8; the other arguments are as there. Errors, those of `frames` too, are raised where the
        result would come. A loop may be left at any time: the threads end with the generator.
        """
        wanted = changed(options, changes)
        found = self.masks(wanted, mask)

        def job(frame: Batch) -> Callable[[], Batch]:
            return lambda: self(frame, wanted, found)

        with ahead(frames, length) as read:
            painted = overlapped(map(job, read), self.engine.concurrency)
            with ahead(painted, length) as results:
                yield from results

    def masks(self, options: StylizeOptions, given: Masks = None) -> tuple[Mask, ...]:
        """Return the masks to use: those given, else those that the options name. Read once, they may be used often."""
        if isinstance(given, Sequence) and all(isinstance(mask, Mask) for mask in given):
            return tuple(given)  # type: ignore[arg-type]  # they are
        return masks.read(given if given is not None else options.mask or None)  # type: ignore[arg-type]

    @overload
    def stylize(
        self,
        image: "Image.Image | str | Path",
        options: StylizeOptions | None = None,
        mask: Masks = None,
        progress: Progress = ...,
        **changes: Any,
    ) -> Image.Image: ...

    @overload
    def stylize(
        self,
        image: NDArray[Any],
        options: StylizeOptions | None = None,
        mask: Masks = None,
        progress: Progress = ...,
        **changes: Any,
    ) -> NDArray[Any]: ...

    def stylize(
        self,
        image: Any,
        options: StylizeOptions | None = None,
        mask: Masks = None,
        progress: Progress = lambda stage, done, of: None,
        **changes: Any,
    ) -> Any:
        """Stylize one picture.

        image: a Pillow image of any mode or a path, for a Pillow image: upright, RGB, or RGBA where there is alpha; or
        an RGB array (H, W, 3) of uint8 or uint16, for an array of the same dtype, and the same shape unless
        `output_size` asks for another. options, mask and keyword arguments: as in `__call__`, sizes included. progress:
        where there are tiles, called with what is going on, tiles done, and tiles in all (0 while not known).
        """
        if isinstance(image, str | Path):
            return self.apply(images.read(Path(image)), options, mask, progress, **changes).image
        if isinstance(image, Image.Image):
            return self.apply(images.upright(image), options, mask, progress, **changes).image
        if not _is_picture(image):
            raise FastStyleError(f"{WANTED}; this is {_described(image)}")
        wanted = changed(options, changes)
        if isinstance(image, np.ndarray):
            return self._paint(image, wanted, mask, progress)
        pixels = self._paint(image.detach().cpu().numpy(), wanted, mask, progress)
        return image.new_tensor(pixels)

    def apply(
        self,
        picture: images.Picture,
        options: StylizeOptions | None = None,
        mask: Masks = None,
        progress: Progress = lambda stage, done, of: None,
        **changes: Any,
    ) -> images.Picture:
        """Stylize a picture as `images.read` returns it, in 16 bit where it has them; arguments as in `stylize`.

        Alpha and metadata are kept.
        """
        return picture.with_colors(self._paint(picture.colors, changed(options, changes), mask, progress))

    def _paint(self, pixels: NDArray[Any], wanted: StylizeOptions, mask: Masks, progress: Progress) -> NDArray[Any]:
        """Stylize pixels (H, W, 3), uint8 or uint16, with every control."""
        return stylize(self.engine, self._styles, wanted, self.masks(wanted, mask), pixels, progress)


def loaded(model: "str | Path | Stylizer") -> tuple[Stylizer, str]:
    """Return the Stylizer of a name, an address or a file, or the one that is given, and a name for its results.

    Raises FastStyleError as `Stylizer.load`, and for one that is given and has no style yet.
    """
    from .models.bundled import stem

    if not isinstance(model, Stylizer):
        return Stylizer.load(model), stem(model)
    if not model.styles:
        raise FastStyleError("this model paints like any painting; say like which: stylizer.with_style(painting)")
    return model, model.name


def changed(options: StylizeOptions | None, changes: Mapping[str, Any]) -> StylizeOptions:
    """Return the options with the keyword arguments of a call; a blend {style: share} becomes text.

    Raises FastStyleError for the name of a control that there is not.
    """
    known = [field.name for field in fields(StylizeOptions)]
    wrong = next((name for name in changes if name not in known), None)
    if wrong:
        raise FastStyleError(f"no control {wrong}{did_you_mean(wrong, known)}")
    style = changes.get("style")
    if isinstance(style, Mapping):
        changes = {**changes, "style": as_text(style)}
    return replace(options or StylizeOptions(), **changes)


def _as_frame(wanted: StylizeOptions) -> StylizeOptions:
    """The options with the defaults of frames in the place of those of pictures."""
    return replace(wanted, strokes="fine" if wanted.strokes == "auto" else wanted.strokes, noise=wanted.noise or 0.0)


def _as_batch(image: Any, shape: tuple[int, ...], wanted: StylizeOptions) -> StylizeOptions:
    """The options without what is the default of batches anyway.

    Raises FastStyleError for what is no batch of floats, and for what batches do not get.
    """
    floats = image.dtype.kind == "f" if isinstance(image, np.ndarray) else getattr(image.dtype, "is_floating_point", 0)
    if shape[1] != 3 or 0 in shape or not floats:
        raise FastStyleError(f"{WANTED}; this is {_described(image)}")
    wanted = replace(wanted, strokes="auto" if wanted.strokes == "fine" else wanted.strokes, noise=wanted.noise or None)
    without_effect = sorted(wanted.changed & NOT_FOR_BATCHES)
    if without_effect:
        names = " and ".join(f"`{name}`" for name in without_effect)
        raise FastStyleError(f"{names} would have no effect on a batch of floats; stylize one picture, or leave it out")
    if getattr(image, "requires_grad", False):
        raise FastStyleError(
            "no gradients pass through a Stylizer: hand in tensor.detach(), or train with Checkpoint.network()"
        )
    return wanted


def _is_picture(image: Any) -> bool:
    """Whether it is an array or tensor (H, W, 3) of uint8 or uint16 with pixels."""
    shape = tuple(getattr(image, "shape", ()))
    kind = str(getattr(image, "dtype", "")).removeprefix("torch.")
    return len(shape) == 3 and shape[2] == 3 and 0 not in shape and kind in ("uint8", "uint16")


def _described(image: Any) -> str:
    """What somebody handed in, in words."""
    if not hasattr(image, "shape"):
        return type(image).__name__
    mend = "; a grey picture has three equal channels: np.stack([grey] * 3, axis=-1)" if len(image.shape) == 2 else ""
    return f"{str(image.dtype).removeprefix('torch.')} of shape {tuple(image.shape)}{mend}"


def _any_uniform(batch: Any) -> bool:
    """Whether a picture of a tensor (N, 3, H, W) is of one colour; not where memory is too short even to look."""
    try:
        return any(map(is_uniform, batch.split(1)))
    except RuntimeError:  # the engine does with less, or says what to do
        return False
