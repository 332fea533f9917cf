"""Libraries that run the network: one class each, the same call."""

from pathlib import Path
from typing import Any, Protocol

from ..errors import FastStyleError
from ..options import RuntimeOptions

ENGINES = ("torch",)


class Engine(Protocol):
    """A loaded network."""

    info: dict[str, Any]
    """What the checkpoint says of itself: model, styles, training."""

    def __call__(self, image: Any) -> Any:
        """RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, to the same kind, shape and range."""


def open_engine(path: Path, options: RuntimeOptions = RuntimeOptions()) -> Engine:
    """The network of a checkpoint, ready to run. Raises FastStyleError for unknown engines and unusable files."""
    if options.engine not in ("auto", *ENGINES):
        raise FastStyleError(f"unknown engine {options.engine!r}; choose auto or {' or '.join(ENGINES)}")
    from .torch_engine import TorchEngine

    return TorchEngine(path, options)
