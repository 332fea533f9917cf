"""Run networks in OpenVINO: the fastest on CPUs, in bf16 where the processor computes in it; Intel's GPUs and NPUs."""

import logging
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..errors import FastStyleError
from ..export import KEY, Metadata, openvino_int8
from ..models import checkpoint_file
from ..models.structure import SMALLEST_PX
from ..options import NetworkOptions, RuntimeOptions
from ..options.network import Precision
from ..system import malloc, signal_stack
from .exported import ExportedEngine, Run, is_one_blend, model_of
from .frames import for_frames
from .registry import ENGINES, kind_of, no_int8, number_of

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Inputs = dict[str, NDArray[Any]]
CPU = "CPU"
# Frames that threads paint at the same time.
SIDE_BY_SIDE = 2
# How long after two were in work at once the next ones are taken for the same film's.
TOGETHER_S = 1.0
# Kinds of devices whose graphs have fixed shapes, and how many sizes of pictures a graph is kept for.
FIXED_SHAPES, KEPT_SHAPES = ("NPU",), 8
# Of each input, by name.
Shapes = tuple[tuple[str, tuple[int, ...]], ...]
log = logging.getLogger(__name__)
TYPES = {"fp32": "f32", "bf16": "bf16"}
# Measured at 640x480 and 1920x1080.
BYTES_PER_PX_AND_CHANNEL = {"f32": 12, "bf16": 6}
# Compiled operations that OpenVINO keeps for sizes seen before; a network has up to about sixty for each size. Its own
# limit of 5,000 lets a process grow by 250 MB as pictures of ever new sizes come.
CACHED_OPERATIONS = {"CPU_RUNTIME_CACHE_CAPACITY": "128"}


def open_engine(path: Path, options: RuntimeOptions) -> "OpenVinoEngine":
    """Open a checkpoint or an exported model; see `registry.Entry.open`."""
    model, checkpoint = model_of(path)
    return OpenVinoEngine(model, options.precision, checkpoint, options.device)


def devices() -> dict[str, str]:
    """Return the devices that OpenVINO finds here, by name (cpu, gpu:0, npu), each with its full name."""
    import openvino

    core = openvino.Core()
    with signal_stack.kept():
        found = {name: str(core.get_property(name, "FULL_DEVICE_NAME")) for name in core.available_devices}
    return {name.lower().replace(".", ":"): text for name, text in found.items()}


class OpenVinoEngine(ExportedEngine):
    """Run an ONNX model (path or content) or an OpenVINO IR (path to its .xml).

    precision: fp32, bf16, auto: bf16 where the CPU has instructions for it, or int8, which checkpoints have: 8-bit
    integers in most convolutions, the rest as in auto. device: cpu, gpu, gpu:1, npu, or auto, the CPU. Where OpenVINO
    does not find it, or cannot compile for it, the CPU runs the model, and a warning is logged. Shapes are dynamic, but
    for an NPU, which gets a graph for each size.
    """

    def __init__(
        self, model: Path | bytes, precision: str = "auto", checkpoint: Path | None = None, device: str = "cpu"
    ) -> None:
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
        found = _found(core, device)
        kind = TYPES.get(precision) or (_fastest(core) if found == CPU else "f32")  # GPUs know no bf16
        channels = next((given.shape[1] for given in graph.inputs if given.any_name == "statistics"), 0)
        metadata = Metadata.from_json(_metadata(graph), name)
        if precision == "int8":
            _quantize(graph, metadata.info, checkpoint, has_vnni=kind == "bf16")
        measuring: Precision = "bf16" if kind == "bf16" else "fp32"
        super().__init__(metadata, BYTES_PER_PX_AND_CHANNEL[kind], model, channels, checkpoint, measuring)
        self._core, self._hints = core, {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": kind}
        self._device = found
        try:
            self._prepare(graph)
        except RuntimeError as error:
            if self._device == CPU:
                raise
            self._device = _left_to_cpu(device, str(error).strip().partition("\n")[0])
            self._prepare(graph)

    def _prepare(self, graph: Any) -> None:
        """Compile what is asked for first: frames where there is a way of their own for them."""
        self._floats = self._requests(graph)
        self._frames = None if self._floats.fixed_shapes else for_frames(graph)
        self._bytes = self._requests(self._frames.graph) if self._frames else None
        # Of frames painted side by side each has one core: threads of one frame wait for each other, most of all while
        # decoders and encoders take turns with them.
        self._side_by_side: _Requests | None = None
        if self._frames and self._device == CPU and (os.cpu_count() or 1) > 1:
            self.concurrency = SIDE_BY_SIDE
            hints = {**self._hints, "NUM_STREAMS": str(SIDE_BY_SIDE)}
            self._side_by_side = _Requests(self._core, self._frames.graph, CPU, hints)
        self._in_work, self._alone_from_s, self._counting = 0, 0.0, threading.Lock()
        (self._bytes or self._floats).prepare()

    def _requests(self, graph: Any, keep_memory: bool = True) -> "_Requests":
        return _Requests(self._core, graph, self._device, self._hints, keep_memory)

    def frame(self, pixels: Pixels, blend: Array | None = None) -> Pixels:
        """Stylize as `FrameEngine.frame` does."""
        weights = self._weights(blend)
        fits = min(pixels.shape[:2]) >= SMALLEST_PX and is_one_blend(weights)
        if self._frames is None or self._bytes is None or not fits:
            return images.quantized(self(images.unit(pixels), blend))
        self._check_size(*pixels.shape[:2])
        inputs: Inputs = {"frame": self._frames.padded(pixels), **self._inputs(weights, (1,))}
        with self._plain_errors(), self._counted() as together:
            requests = self._side_by_side if together and self._side_by_side else self._bytes
            found = requests.infer(inputs)
        painted: Pixels = np.ascontiguousarray(found[0][0, : pixels.shape[0], : pixels.shape[1]])
        return painted

    @contextmanager
    def _counted(self) -> Iterator[bool]:
        """Count a frame as in work; yield whether others are, or were lately: between two frames a thread is idle."""
        with self._counting:
            now_s = time.monotonic()
            if self._in_work:
                self._alone_from_s = now_s + TOGETHER_S
            together, self._in_work = now_s < self._alone_from_s, self._in_work + 1
        try:
            yield together
        finally:
            with self._counting:
                self._in_work -= 1

    def profile(self, pixels: Pixels, passes: int) -> list[list[tuple[str, float]]]:
        """Stylize RGB (H, W, 3) uint8 so often; return kind (OpenVINO's) and seconds of each operation of each pass.

        On one core: of several threads each operation waits for the slowest, which other work on the machine delays.
        """
        weights = self._weights(None)
        inputs: Inputs = dict(self._inputs(weights, (1,)))
        graph = self._frames.graph if self._frames else self._floats.graph
        if self._frames:
            inputs["frame"] = self._frames.padded(pixels)
        else:
            inputs["image"] = images.unit(pixels)
        hints = {**self._hints, "PERF_COUNT": "YES", "INFERENCE_NUM_THREADS": "1"}
        return _Requests(self._core, graph, self._device, hints).profile(inputs, passes)

    def measure(self, image: Array, blend: Array) -> Array:
        """Measure as `ExportedEngine.measure` does. Tiles follow: what whole pictures held is given back."""
        self._floats.release()
        for requests in filter(None, (self._bytes, self._side_by_side)):
            requests.release()
        return super().measure(image, blend)

    def _open(self, model: bytes, keep_memory: bool) -> Run:
        return self._requests(self._core.read_model(model), keep_memory).infer

    def _run(self, inputs: Mapping[str, Array]) -> list[Array]:
        return self._floats.infer(inputs)


class _Requests:
    """A graph, compiled when it is first used, and requests to run it, each of which serves one call at a time."""

    def __init__(self, core: Any, graph: Any, device: str, hints: Mapping[str, str], keep_memory: bool = True) -> None:
        self._core, self.graph, self._device, self._keep_memory = core, graph, device, keep_memory
        self.fixed_shapes = device.partition(".")[0] in FIXED_SHAPES
        # An NPU chooses its arithmetic itself.
        self._hints = {"PERFORMANCE_HINT": hints["PERFORMANCE_HINT"]} if self.fixed_shapes else dict(hints)
        self._compiled: OrderedDict[Shapes, tuple[Any, deque[Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Compile the graph where that can be done before a picture is there."""
        if not self.fixed_shapes:
            self._for(())

    def _for(self, shapes: "Shapes") -> tuple[Any, deque[Any]]:
        """The compiled graph, for inputs of these shapes or of any, and its idle requests."""
        with self._lock, signal_stack.kept():
            if shapes not in self._compiled:
                self._compiled[shapes] = self._compile(shapes), deque()
            self._compiled.move_to_end(shapes)
            while len(self._compiled) > KEPT_SHAPES:
                self._compiled.popitem(last=False)
            return self._compiled[shapes]

    def _compile(self, shapes: "Shapes") -> Any:
        graph = self.graph
        if shapes:
            graph = graph.clone()
            graph.reshape({name: list(shape) for name, shape in shapes})
        if self._device == CPU:
            with suppress(RuntimeError):  # a version without this setting, which is not one of the documented ones
                return self._core.compile_model(graph, CPU, {**self._hints, **CACHED_OPERATIONS})
        try:
            return self._core.compile_model(graph, self._device, self._hints)
        except RuntimeError as error:
            if not self.fixed_shapes or self._device == CPU:  # which OpenVinoEngine compiles when it is opened
                raise
            self._device = _left_to_cpu(self._device.lower(), str(error).strip().partition("\n")[0])
            return self._core.compile_model(graph, CPU, self._hints)

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> list[Any]:
        """Return the graph's results, by position."""
        compiled, idle = self._for(self._shapes(inputs))
        try:
            request = idle.pop()
        except IndexError:
            request = compiled.create_infer_request()
        try:
            with signal_stack.kept():
                found = request.infer(inputs, share_inputs=True)
            return [found[place] for place in range(len(found))]
        finally:
            if self._keep_memory:
                idle.append(request)
            else:
                del request
                self.release()

    def profile(self, inputs: Mapping[str, NDArray[Any]], passes: int) -> list[list[tuple[str, float]]]:
        """Return kind and seconds of each operation of each pass; takes the hint PERF_COUNT."""
        found = []
        for _ in range(passes):
            self.infer(inputs)
            _, idle = self._for(self._shapes(inputs))
            found.append([(one.node_type, one.real_time.total_seconds()) for one in idle[-1].get_profiling_info()])
        return found

    def _shapes(self, inputs: Mapping[str, NDArray[Any]]) -> "Shapes":
        return tuple((name, value.shape) for name, value in inputs.items()) if self.fixed_shapes else ()

    def release(self) -> None:
        """Give back the memory of runs that have ended: a graph holds it, even where no request is left."""
        with self._lock:
            for compiled, idle in self._compiled.values():
                idle.clear()
                with suppress(AttributeError, RuntimeError):  # before OpenVINO 2025; while another thread runs it
                    compiled.release_memory()
        malloc.give_back()


def _found(core: Any, device: str) -> str:
    """Return OpenVINO's name of a device; the CPU's, which is logged, for one that it does not find."""
    kind, number = kind_of(device), number_of(device)
    if kind == "cpu":
        return CPU
    name = kind.upper() if number is None else f"{kind.upper()}.{number}"
    with signal_stack.kept():
        known = core.available_devices
    if name in known or (number in (None, 0) and any(one.partition(".")[0] == kind.upper() for one in known)):
        return name
    return _left_to_cpu(device, f"it takes {ENGINES['openvino'].devices[kind]}")


def _left_to_cpu(device: str, reason: str) -> str:
    log.warning("OpenVINO cannot use device %s; the CPU runs the network (%s)", device, reason)
    return CPU


def _fastest(core: Any) -> str:
    # What OpenVINO itself would choose, but for the fp16 that it takes on ARM: its norms overflow.
    with signal_stack.kept():
        hint = core.get_property("CPU", "INFERENCE_PRECISION_HINT")
    return "bf16" if hint.get_type_name() == "bf16" else "f32"


def _quantize(graph: Any, info: Mapping[str, Any], checkpoint: Path | None, has_vnni: bool) -> None:
    """Quantize the graph of a checkpoint. Raises FastStyleError for networks that take an export."""
    options = NetworkOptions(**info["model"])
    if checkpoint is None or not openvino_int8.fits(options):
        raise no_int8()
    openvino_int8.quantize(graph, options, checkpoint_file.read(checkpoint).weights, has_vnni)


def _check_integers(graph: Any, name: str) -> None:
    # Measured: ONNX Runtime's kind of int8 loses 14 dB in OpenVINO's hands.
    if name.endswith(".onnx") and any(node.get_type_name() == "FakeQuantize" for node in graph.get_ops()):
        raise FastStyleError(f"{name}: int8 for ONNX Runtime: use `engine` onnx, or export int8 to .xml for OpenVINO")


def _metadata(graph: Any) -> str | None:
    # Where OpenVINO keeps the properties of an ONNX file, in IR too.
    place = ["framework", KEY]
    text: str | None = graph.get_rt_info(place).astype(str) if graph.has_rt_info(place) else None
    return text
