"""Libraries that run the network: one class each, the same call."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..options import RuntimeOptions
from ..tiling import Box, Tile

Array = NDArray[np.float32]
ENGINES = ("torch",)


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


def open_engine(path: Path, options: RuntimeOptions = RuntimeOptions()) -> Engine:
    """The network of a checkpoint, ready to run. Raises FastStyleError for unknown engines and unusable files."""
    if options.engine not in ("auto", *ENGINES):
        raise FastStyleError(f"unknown engine {options.engine!r}; choose auto or {' or '.join(ENGINES)}")
    from .torch_engine import TorchEngine

    return TorchEngine(path, options)
