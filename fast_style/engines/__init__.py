"""Libraries that run the network: one class each, the same call."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..options import RuntimeOptions

Array = NDArray[np.float32]
ENGINES = ("torch",)


class Engine(Protocol):
    """A loaded network."""

    info: dict[str, Any]
    """What the checkpoint says of itself: model, styles, training."""

    dots: NDArray[np.floating]
    """(S, S) inner products of the styles' rows of scales and shifts: the angles that slerp follows."""

    def __call__(self, image: Any, blend: Array | None = None) -> Any:
        """RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, to the same kind, shape and range.

        blend: (S,) weights of the styles, or (S, H, W) per pixel; by default the first style alone.
        """


def open_engine(path: Path, options: RuntimeOptions = RuntimeOptions()) -> Engine:
    """The network of a checkpoint, ready to run. Raises FastStyleError for unknown engines and unusable files."""
    if options.engine not in ("auto", *ENGINES):
        raise FastStyleError(f"unknown engine {options.engine!r}; choose auto or {' or '.join(ENGINES)}")
    from .torch_engine import TorchEngine

    return TorchEngine(path, options)
