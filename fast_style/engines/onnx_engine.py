"""Run networks in ONNX Runtime on the CPU: float32, or whatever arithmetic an exported file asks for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..export import KEY, Metadata
from ..options import RuntimeOptions
from .exported import ExportedEngine, Run, model_of

Array = NDArray[np.float32]
# Its errors are exceptions too; the rest is for its developers.
ONLY_FATAL = 4
# Measured at 1920x1080.
BYTES_PER_PX_AND_CHANNEL = 18


def open_engine(path: Path, options: RuntimeOptions) -> "OnnxEngine":
    """Open a checkpoint or an exported model; see `registry.Entry.open`."""
    return OnnxEngine(*model_of(path))


class OnnxEngine(ExportedEngine):
    """Run an ONNX model (path or content)."""

    def __init__(self, model: Path | bytes, checkpoint: Path | None = None) -> None:
        try:
            import onnxruntime  # noqa: F401
        except ImportError as error:
            raise FastStyleError('ONNX Runtime is not installed: pip install "fast_style[engines]"') from error
        try:
            self._session = _session(str(model) if isinstance(model, Path) else model)
        except Exception as error:  # its exceptions have no public base class
            name = model if isinstance(model, Path) else "the exported model"
            raise FastStyleError(f"{name}: not a model that ONNX Runtime reads") from error
        text = self._session.get_modelmeta().custom_metadata_map.get(KEY)
        metadata = Metadata.from_json(text, model.name if isinstance(model, Path) else "this model")
        channels = next((given.shape[1] for given in self._session.get_inputs() if given.name == "statistics"), 0)
        super().__init__(metadata, BYTES_PER_PX_AND_CHANNEL, model, channels, checkpoint)

    def _open(self, model: bytes, keep_memory: bool) -> Run:
        session = _session(model, keep_memory)
        return lambda inputs: list(session.run(None, dict(inputs)))

    def _run(self, inputs: Mapping[str, Array]) -> list[Array]:
        result: list[Array] = self._session.run(None, dict(inputs))
        return result


def _session(model: str | bytes, keep_memory: bool = True) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = ONLY_FATAL
    options.enable_cpu_mem_arena = keep_memory
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
