"""Run networks in OpenVINO: the fastest on CPUs, in bf16 where the processor computes in it."""

import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..errors import FastStyleError
from ..export import KEY, Metadata
from ..options import RuntimeOptions
from ..system import signal_stack
from .exported import ExportedEngine, Run, is_one_blend, model_of
from .frames import for_frames

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
# Sides in px from which on the padding of a frame is the same for all sizes.
SMALLEST_PX = 5
TYPES = {"fp32": "f32", "bf16": "bf16"}
# Measured at 640x480 and 1920x1080.
BYTES_PER_PX_AND_CHANNEL = {"f32": 12, "bf16": 6}
# Compiled operations that OpenVINO keeps for sizes seen before; a network has up to about sixty for each size. Its own
# limit of 5,000 lets a process grow by 250 MB as pictures of ever new sizes come.
CACHED_OPERATIONS = {"CPU_RUNTIME_CACHE_CAPACITY": "128"}


def open_engine(path: Path, options: RuntimeOptions) -> "OpenVinoEngine":
    """Open a checkpoint or an exported model; see `registry.Entry.open`."""
    model, checkpoint = model_of(path)
    return OpenVinoEngine(model, options.precision, checkpoint)


class OpenVinoEngine(ExportedEngine):
    """Run an ONNX model (path or content) or an OpenVINO IR (path to its .xml) on the CPU; shapes stay dynamic.

    precision: fp32, bf16, or auto: bf16 where the CPU has instructions for it.
    """

    def __init__(self, model: Path | bytes, precision: str = "auto", checkpoint: Path | None = None) -> None:
        try:
            import openvino
        except ImportError as error:
            raise FastStyleError('OpenVINO is not installed: pip install "fast_style[engines]"') from error
        core = openvino.Core()
        try:
            graph = core.read_model(model)
        except (RuntimeError, ValueError) as error:  # of a damaged file OpenVINO may quote what is not UTF-8
            name = model if isinstance(model, Path) else "the exported model"
            raise FastStyleError(f"{name}: not a model that OpenVINO reads") from error
        name = model.name if isinstance(model, Path) else "this model"
        _check_integers(graph, name)
        kind = TYPES[precision] if precision in TYPES else _fastest(core)
        channels = next((given.shape[1] for given in graph.inputs if given.any_name == "statistics"), 0)
        metadata = Metadata.from_json(_metadata(graph), name)
        super().__init__(metadata, BYTES_PER_PX_AND_CHANNEL[kind], model, channels, checkpoint)
        self._core, self._hints = core, {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": kind}
        self._frames = for_frames(graph)
        self._floats = _Requests(core, graph, self._hints)
        self._bytes = _Requests(core, self._frames.graph, self._hints) if self._frames else None
        # What is asked for first is ready: frames where there is a way of their own for them.
        (self._bytes or self._floats).compile()

    def frame(self, pixels: Pixels, blend: Array | None = None) -> Pixels:
        """Stylize as `FrameEngine.frame` does."""
        weights = self._weights(blend)
        fits = min(pixels.shape[:2]) >= SMALLEST_PX and is_one_blend(weights)
        if self._frames is None or self._bytes is None or not fits:
            return images.quantized(self(images.unit(pixels), blend))
        with self._plain_errors():
            found = self._bytes.infer({"frame": self._frames.padded(pixels), **self._inputs(weights, (1,))})
        return self._frames.pixels(found[0], *pixels.shape[:2])

    def measure(self, image: Array, blend: Array) -> Array:
        """Measure as `ExportedEngine.measure` does. Tiles follow: what whole pictures held is given back."""
        self._floats.release()
        if self._bytes:
            self._bytes.release()
        return super().measure(image, blend)

    def _open(self, model: bytes, keep_memory: bool) -> Run:
        return _Requests(self._core, self._core.read_model(model), self._hints, keep_memory).infer

    def _run(self, inputs: Mapping[str, Array]) -> list[Array]:
        return self._floats.infer(inputs)


class _Requests:
    """A graph, compiled when it is first used, and requests to run it, each of which serves one call at a time."""

    def __init__(self, core: Any, graph: Any, hints: Mapping[str, str], keep_memory: bool = True) -> None:
        self._core, self._graph, self._hints, self._keep_memory = core, graph, hints, keep_memory
        self._compiled: Any = None
        self._lock = threading.Lock()
        self._idle: deque[Any] = deque()

    def compile(self) -> Any:
        """Return the compiled graph."""
        with self._lock, signal_stack.kept():
            if self._compiled is None:
                try:
                    self._compiled = self._core.compile_model(self._graph, "CPU", {**self._hints, **CACHED_OPERATIONS})
                except RuntimeError:  # a version without this setting, which is not one of the documented ones
                    self._compiled = self._core.compile_model(self._graph, "CPU", self._hints)
            return self._compiled

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> list[Any]:
        """Return the graph's results, by position."""
        try:
            request = self._idle.pop()
        except IndexError:
            request = self.compile().create_infer_request()
        try:
            with signal_stack.kept():
                found = request.infer(inputs, share_inputs=True)
            return [found[place] for place in range(len(found))]
        finally:
            if self._keep_memory:
                self._idle.append(request)

    def release(self) -> None:
        """Give back the memory of runs that have ended."""
        self._idle.clear()


def _fastest(core: Any) -> str:
    # What OpenVINO itself would choose, but for the fp16 that it takes on ARM: its norms overflow.
    with signal_stack.kept():
        hint = core.get_property("CPU", "INFERENCE_PRECISION_HINT")
    return "bf16" if hint.get_type_name() == "bf16" else "f32"


def _check_integers(graph: Any, name: str) -> None:
    # Measured: ONNX Runtime's kind of int8 loses 14 dB in OpenVINO's hands.
    if name.endswith(".onnx") and any(node.get_type_name() == "FakeQuantize" for node in graph.get_ops()):
        raise FastStyleError(f"{name}: int8 for ONNX Runtime: use `engine` onnx, or export int8 to .xml for OpenVINO")


def _metadata(graph: Any) -> str | None:
    # Where OpenVINO keeps the properties of an ONNX file, in IR too.
    place = ["framework", KEY]
    text: str | None = graph.get_rt_info(place).astype(str) if graph.has_rt_info(place) else None
    return text
