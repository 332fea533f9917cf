"""Define the interface of engines, the libraries that run a network."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..errors import FastStyleError
from ..options import RuntimeOptions
from .registry import candidates
from .tiling import Box, Tile

Array = NDArray[np.float32]
log = logging.getLogger(__name__)


class Engine(Protocol):
    """Define the interface of a loaded network."""

    info: dict[str, Any]
    """What the checkpoint says of itself: model, styles, training."""

    style_gram: NDArray[np.floating]
    """(S, S) inner products of the styles' rows of scales and shifts: the angles that slerp follows."""

    stride: int
    """Tiles start on multiples of this many px."""

    reach_px: int
    """How far from a pixel the input may lie that changes it, apart from the norms' statistics."""

    bytes_per_px: int
    """Memory that a run takes per pixel."""

    concurrency: int
    """How many threads that call it at the same time keep it busy."""

    measures_tiles: bool
    """Whether `measure_tiles` can be asked for."""

    @property
    def memory_bytes(self) -> int:
        """Return the memory that a run may take where the user names none."""

    def __call__(self, image: Any, blend: Array | None = None, statistics: Array | None = None) -> Any:
        """Stylize RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, to the same kind, shape and range.

        blend: (S,) weights of the styles, or (S, H, W) per pixel; by default the first style alone. statistics: (2, T),
        mean and variance of every channel of every norm in order, of the picture that this is a part of.
        """

    def predict_blend(self, painting: Array) -> Array:
        """Predict the blend that paints like a painting, RGB (1, 3, H, W) in [0, 1], short side PREDICTOR_PX: (S,).

        Raises FastStyleError for a network that paints its own styles alone.
        """

    def measure(self, image: Array, blend: Array) -> Array:
        """Measure the statistics of the norms on a picture, or on parts of one, (N, 3, H, W): (2, T).

        blend: as in `__call__`, or (N, S, H, W), each part's own.
        """

    def measure_tiles(
        self,
        tiles: Sequence[Tile],
        image: Callable[[Box], Array],
        blend: Callable[[Box], Array],
        tick: Callable[[int], None] = lambda of: None,
    ) -> Array:
        """Measure them exactly on a picture of which only tiles are run. image, blend: return those of a part of it.

        tick: called each time that a tile goes through a part of the network, with how often that will be.
        """


@runtime_checkable
class FrameEngine(Protocol):
    """Define the interface of an engine that takes single 8-bit pictures without a detour through floats."""

    def frame(self, pixels: NDArray[np.uint8], blend: Array | None = None) -> NDArray[np.uint8]:
        """Stylize RGB (H, W, 3) uint8, to the same: what `Engine.__call__` gives, rounded; arguments as there."""


def paint_frame(engine: Engine, pixels: NDArray[np.uint8], blend: Array | None = None) -> NDArray[np.uint8]:
    """Stylize one 8-bit picture, RGB (H, W, 3), to the same, by the shortest way that the engine has."""
    if isinstance(engine, FrameEngine):
        return engine.frame(pixels, blend)
    return images.quantized(engine(images.unit(pixels), blend))


def open_engine(path: Path, options: RuntimeOptions = RuntimeOptions()) -> Engine:
    """Open the network of a checkpoint or of an exported model (.onnx, .xml), ready to run.

    Raises FastStyleError for unknown engines, unusable files and what an engine cannot do.
    """
    *faster, last = candidates(path, options)
    for entry in faster:
        try:
            return entry.open(path, options)
        except FastStyleError:
            continue  # the last one says what is wrong with the file, if anything is
        except Exception as error:  # an optional library may fail in any way; another engine needs none
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            log.warning("%s cannot run %s (%s); %s does", entry.name, path.name, reason, last.name)
    return last.open(path, options)
