"""Libraries that run the network: one class each, the same call."""

import warnings
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..export import onnx_bytes
from ..options import RuntimeOptions
from . import cache
from .choice import READERS, candidates

Array = NDArray[np.float32]


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
