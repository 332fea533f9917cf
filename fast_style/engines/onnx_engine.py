"""Run networks in ONNX Runtime, on the CPU or by another of its execution providers, in float32 or as a file says."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..export import KEY, Metadata
from ..export.onnx_format import OPSET, Model, Node
from ..options import RuntimeOptions
from .exported import ExportedEngine, Run, model_of
from .registry import ENGINES, kind_of, number_of

Array = NDArray[np.float32]
# Its errors are exceptions too; the rest is for its developers.
ONLY_FATAL = 4
# Measured at 1920x1080.
BYTES_PER_PX_AND_CHANNEL = 18


CPU = "CPUExecutionProvider"
# The providers of each device, the one to try first first; what they do not run the CPU does.
PROVIDERS: dict[str, tuple[str, ...]] = {
    "cpu": (),
    "cuda": ("CUDAExecutionProvider",),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider"),
    "directml": ("DmlExecutionProvider",),
    "coreml": ("CoreMLExecutionProvider",),
    "rocm": ("MIGraphXExecutionProvider", "ROCMExecutionProvider"),
    "webgpu": ("WebGpuExecutionProvider",),
}
# Packages that bring one more provider to the plain ONNX Runtime.
PLUGINS = ("onnxruntime_ep_webgpu",)
log = logging.getLogger(__name__)


def open_engine(path: Path, options: RuntimeOptions) -> "OnnxEngine":
    """Open a checkpoint or an exported model; see `registry.Entry.open`."""
    return OnnxEngine(*model_of(path), options.device)


def devices() -> dict[str, str]:
    """Return the devices whose providers run a small graph here, by name, each with the provider's name."""
    graph = Model([Node.make("Identity", ["image"], ["stylized"])], {}, {})
    graph.set_name("probe")
    graph.set_opset(OPSET)
    graph.add_input("image", 1)
    graph.add_output("stylized", 1)
    found = {"cpu": CPU}
    for name in [name for name, providers in PROVIDERS.items() if set(providers) & _providers().keys()]:
        with suppress(Exception):  # a provider without its device or libraries fails in a way of its own
            session = _session(graph.encode(), name)
            found |= {name: session.get_providers()[0]} if _device_of(session, name) == name else {}
    return found


class OnnxEngine(ExportedEngine):
    """Run an ONNX model (path or content).

    device: a name of PROVIDERS, with a number where there are several (cuda:1), or auto, the CPU. Where ONNX Runtime
    has no provider for it, or that does not start, the CPU runs the model, and a warning is logged.
    """

    def __init__(self, model: Path | bytes, checkpoint: Path | None = None, device: str = "cpu") -> None:
        try:
            import onnxruntime  # noqa: F401
        except ImportError as error:
            raise FastStyleError('ONNX Runtime is not installed: pip install "fast_style[engines]"') from error
        try:
            self._session, self._device = _start(str(model) if isinstance(model, Path) else model, device)
        except FastStyleError:
            raise
        except Exception as error:  # its exceptions have no public base class
            name = model if isinstance(model, Path) else "the exported model"
            raise FastStyleError(f"{name}: not a model that ONNX Runtime reads") from error
        text = self._session.get_modelmeta().custom_metadata_map.get(KEY)
        metadata = Metadata.from_json(text, model.name if isinstance(model, Path) else "this model")
        channels = next((given.shape[1] for given in self._session.get_inputs() if given.name == "statistics"), 0)
        super().__init__(metadata, BYTES_PER_PX_AND_CHANNEL, model, channels, checkpoint)

    def _open(self, model: bytes, keep_memory: bool) -> Run:
        session = _session(model, self._device, keep_memory)
        return lambda inputs: list(session.run(None, dict(inputs)))

    def _run(self, inputs: Mapping[str, Array]) -> list[Array]:
        result: list[Array] = self._session.run(None, dict(inputs))
        return result


def _start(model: str | bytes, device: str) -> tuple[Any, str]:
    """Open a graph; return its session and the device that it is on."""
    kind = kind_of(device)
    number_of(device)  # raises for a wrong one before anything is tried
    if kind != "cpu":
        reason = f"it takes {ENGINES['onnx'].devices[kind]}"
        if set(PROVIDERS[kind]) & _providers().keys():
            try:
                session = _session(model, device)
                used = _device_of(session, kind)
                if used not in (kind, "cpu"):
                    log.warning("ONNX Runtime cannot use device %s; %s runs the network (%s)", device, used, reason)
                if used != "cpu":
                    return session, device
            except Exception as error:  # of whatever kind: where the CPU fails too, it says why
                reason = f"{error}".strip().partition("\n")[0] or reason
        log.warning("ONNX Runtime cannot use device %s; the CPU runs the network (%s)", device, reason)
    return _session(model, "cpu"), "cpu"


def _device_of(session: Any, kind: str) -> str:
    """Return the device that a session for one of that kind is on: where its providers did not start, another one."""
    provider = session.get_providers()[0]
    owners = {providers[0]: name for name, providers in PROVIDERS.items() if providers}
    return "cpu" if provider == CPU else owners.get(provider, kind)


def _session(model: str | bytes, device: str, keep_memory: bool = True) -> Any:
    """Open a graph on a device. Raises what ONNX Runtime raises; some providers leave it to the CPU instead."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = ONLY_FATAL
    options.enable_cpu_mem_arena = keep_memory
    kind = kind_of(device)
    if kind == "directml":  # which takes neither
        options.enable_mem_pattern = False
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    known = _providers() if kind != "cpu" else {}
    wanted = [name for name in PROVIDERS[kind] if name in known]
    if wanted and known[wanted[0]]:
        options.add_provider_for_devices(known[wanted[0]], {})
        return onnxruntime.InferenceSession(model, options)
    number = number_of(device)
    settings = {} if number is None else {"device_id": str(number)}
    return onnxruntime.InferenceSession(model, options, providers=[*((name, settings) for name in wanted), CPU])


def _providers() -> dict[str, list[Any]]:
    """The providers that there are, by name; of those that a package of its own brings, with their devices."""
    import onnxruntime

    return {name: list[Any]() for name in onnxruntime.get_available_providers()} | _plugins()


@cache
def _plugins() -> dict[str, list[Any]]:
    """Register the providers of packages of their own with ONNX Runtime; return their devices by provider."""
    import onnxruntime

    found = {}
    for package in filter(find_spec, PLUGINS):
        with suppress(Exception):  # an older ONNX Runtime, a missing graphics library: it is as if it was not there
            plugin = import_module(package)
            name = plugin.get_ep_name()
            onnxruntime.register_execution_provider_library(package, plugin.get_library_path())
            found[name] = [device for device in onnxruntime.get_ep_devices() if device.ep_name == name][:1]
    return {name: devices for name, devices in found.items() if devices}
