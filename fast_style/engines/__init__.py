"""Libraries that run the network: one class each, the same call."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..errors import FastStyleError
from ..export import onnx_bytes
from ..options import RuntimeOptions
from . import cache
from .choice import READERS, candidates
from .tiling import Box, Tile

Array = NDArray[np.float32]


class Engine(Protocol):
    """A loaded network."""

    info: dict[str, Any]
    """What the checkpoint says of itself: model, styles, training."""

    dots: NDArray[np.floating]
    """(S, S) inner products of the styles' rows of scales and shifts: the angles that slerp follows."""

    stride: int
    """Tiles start on multiples of this many px."""

    reach_px: int
    """How far from a pixel the input may lie that changes it, apart from the norms' statistics."""

    bytes_per_px: int
    """Memory that a run takes per pixel."""

    lanes: int
    """How many threads that paint frames keep it busy."""

    measures_tiles: bool
    """Whether `measure_tiles` can be asked for."""

    @property
    def memory_bytes(self) -> int:
        """Memory that a run may take where the user names none."""

    def __call__(self, image: Any, blend: Array | None = None, statistics: Array | None = None) -> Any:
        """RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, to the same kind, shape and range.

        blend: (S,) weights of the styles, or (S, H, W) per pixel; by default the first style alone. statistics: (2, T),
        mean and variance of every channel of every norm in order, of the picture that this is a part of.
        """

    def measure(self, image: Array, blend: Array) -> Array:
        """The statistics of one picture (1, 3, H, W): (2, T)."""

    def measure_tiles(
        self,
        tiles: Sequence[Tile],
        image: Callable[[Box], Array],
        blend: Callable[[Box], Array],
        tick: Callable[[], None] = lambda: None,
    ) -> Array:
        """The same of a picture of which only tiles are run. image, blend: those of a part of the picture.

        tick: called each time that a tile goes through a part of the network.
        """


@runtime_checkable
class FrameEngine(Protocol):
    """An engine with a way of its own for single 8-bit pictures."""

    def frame(self, pixels: NDArray[np.uint8], blend: Array | None = None) -> NDArray[np.uint8]:
        """RGB (H, W, 3) to the same: what `Engine.__call__` paints, rounded. blend: (S,) weights of the styles."""


def paint_frame(engine: Engine, pixels: NDArray[np.uint8], blend: Array | None = None) -> NDArray[np.uint8]:
    """One 8-bit picture, RGB (H, W, 3), to the same, by the shortest way that the engine has."""
    if isinstance(engine, FrameEngine):
        return engine.frame(pixels, blend)
    return images.quantized(engine(images.unit(pixels), blend))


def open_engine(path: Path, options: RuntimeOptions = RuntimeOptions()) -> Engine:
    """The network of a checkpoint or of an exported model (.onnx, .xml), ready to run.

    Raises FastStyleError for unknown engines, unusable files and what an engine cannot do.
    """
    *faster, last = candidates(path, options)
    for name in faster:
        try:
            return _open(name, path, options)
        except FastStyleError:
            continue  # the last one says what is wrong with the file, if anything is
        except Exception as error:  # whatever ails an optional runtime, there is one that needs none
            warnings.warn(f"{name} cannot run {path.name} ({type(error).__name__}); {last} does", stacklevel=2)
    return _open(last, path, options)


def _open(name: str, path: Path, options: RuntimeOptions) -> Engine:
    def in_torch() -> Engine:
        from .torch_engine import TorchEngine

        return TorchEngine(path, options)

    if name == "torch":
        return in_torch()
    is_checkpoint = path.suffix.lower() not in READERS
    model = cache.exported(path, "onnx", onnx_bytes) if is_checkpoint else path
    torch_engine = in_torch if is_checkpoint else None
    if name == "onnx":
        from .onnx_engine import OnnxEngine

        return OnnxEngine(model, torch_engine)
    from .openvino_engine import OpenVinoEngine

    return OpenVinoEngine(model, options.precision, torch_engine)
