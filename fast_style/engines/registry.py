"""List the engines in a table: which one for which device, precision and file. Imports no runtime."""

import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FastStyleError
from ..options import RuntimeOptions

if TYPE_CHECKING:
    from . import Engine


@dataclass(frozen=True)
class Entry:
    """Hold what has to be known of an engine before its library is imported."""

    name: str
    package: str
    """Package that has to be installed."""
    module: str
    """Module of this package with `open_engine(path, options)` and `devices()`: what there is, by name, as text."""
    precisions: tuple[str, ...]
    devices: Mapping[str, str]
    """What it runs on, as `--device` names it, with what has to be installed for it; the CPU first."""
    suffixes: tuple[str, ...] = ()
    """Exported files that it reads, beside checkpoints."""

    def reads(self, path: Path) -> bool:
        """Return whether it can open that file."""
        return path.suffix.lower() in self.suffixes or not is_exported(path)

    @property
    def is_installed(self) -> bool:
        """Return whether its library can be imported."""
        return bool(find_spec(self.package))

    def open(self, path: Path, options: RuntimeOptions) -> "Engine":
        """Open a checkpoint or an exported model. Raises FastStyleError for files that it cannot use."""
        opener: Callable[[Path, RuntimeOptions], Engine] = self._module().open_engine
        return opener(path, options)

    def found(self) -> Mapping[str, str]:
        """Return the devices that its library finds on this machine, by name, each with what it is; imports it."""
        devices: Mapping[str, str] = self._module().devices() if self.is_installed else {}
        return devices

    def finds(self, device: str) -> bool:
        """Return whether it runs on that device, by name, and its library finds it on this machine."""
        kind = kind_of(device)
        return kind in self.devices and (kind == "cpu" or kind in {name.partition(":")[0] for name in self.found()})

    def _module(self) -> Any:
        return import_module(f".{self.module}", __package__)


_OPENVINO = {
    "cpu": "pip install openvino",
    "gpu": "an Intel GPU with Intel's compute runtime (OpenCL)",
    "npu": "an Intel NPU with its driver",
}
_ONNX = {
    "cpu": "pip install onnxruntime",
    "cuda": "an NVIDIA GPU: pip install onnxruntime-gpu; CUDA and cuDNN",
    "tensorrt": "an NVIDIA GPU: pip install onnxruntime-gpu; CUDA, cuDNN and TensorRT",
    "directml": "any GPU on Windows: pip install onnxruntime-directml",
    "coreml": "an Apple computer: pip install onnxruntime",
    "rocm": "an AMD GPU: pip install onnxruntime-migraphx; ROCm",
    "webgpu": "a GPU with Vulkan, Metal or Direct3D 12: pip install onnxruntime-webgpu, or onnxruntime-ep-webgpu",
}
_TORCH = {
    "cpu": "pip install torch",
    "cuda": "an NVIDIA or AMD GPU: pip install torch, for CUDA or ROCm",
    "mps": "an Apple GPU: pip install torch",
}
# The order is that of speed on a CPU. A new engine is a module and a line here.
ENGINES = {
    entry.name: entry
    for entry in (
        Entry(
            "openvino", "openvino", "openvino_engine", ("auto", "fp32", "bf16", "int8"), _OPENVINO, (".onnx", ".xml")
        ),
        Entry("onnx", "onnxruntime", "onnx_engine", ("auto", "fp32"), _ONNX, (".onnx",)),
        Entry("torch", "torch", "torch_engine", ("auto", "fp32", "bf16", "fp16"), _TORCH),
    )
}


def is_exported(path: Path) -> bool:
    """Return whether that is the name of an exported model; any other file is a checkpoint."""
    return any(path.suffix.lower() in entry.suffixes for entry in ENGINES.values())


def candidates(path: Path, options: RuntimeOptions) -> list[Entry]:
    """Return the engines to try, the fastest first. Raises FastStyleError when none can do what is asked for."""
    if options.engine != "auto":
        return [_checked(options.engine, path, options)]
    readers = [entry for entry in ENGINES.values() if entry.reads(path)]
    known = {name for entry in ENGINES.values() for name in entry.precisions}
    if options.precision not in known:
        raise FastStyleError(f"unknown precision {options.precision!r}; choose {', '.join(sorted(known))}")
    kind = kind_of(options.device)
    able = [entry for entry in readers if kind in entry.devices and entry.is_installed]
    if kind != "cpu":  # torch first, which is quickest there; each says what it falls back to
        able = [entry for entry in able if options.precision in entry.precisions][-1:] or able[-1:]
    elif not on_cpu(options.device) and ENGINES["torch"] in able:  # where there may be a GPU, torch looks for it
        able = [ENGINES["torch"]]
    if kind != "cpu" and able:
        return [_checked(able[0].name, path, options)]
    able = [entry for entry in able if options.precision in entry.precisions]
    if not able:
        needs = " or ".join(entry.devices[kind] for entry in readers if kind in entry.devices)
        hint = f"it takes {needs}" if kind != "cpu" and needs else 'pip install "fast_style[engines]"'
        raise FastStyleError(f"{path}: no engine for it is installed: {hint}")
    return able


def kind_of(device: str) -> str:
    """Return the name of a device without its number; of `auto` the CPU's. Raises FastStyleError for unknown ones."""
    kind = device.partition(":")[0]
    known = list(dict.fromkeys(name for entry in ENGINES.values() for name in entry.devices))
    if kind != "auto" and kind not in known:
        raise FastStyleError(f"unknown device {device!r}; choose auto, {', '.join(known)} (`fast-style devices`)")
    return "cpu" if kind == "auto" else kind


def number_of(device: str) -> int | None:
    """Return the number of a device, as in cuda:1; None without. Raises FastStyleError for what is no number."""
    _, colon, number = device.partition(":")
    if colon and not number.isdecimal():
        raise FastStyleError(f"unknown device {device!r}; a number follows the colon, as in cuda:1")
    return int(number) if colon else None


def _checked(name: str, path: Path, options: RuntimeOptions) -> Entry:
    if name not in ENGINES:
        raise FastStyleError(f"unknown engine {name!r}; choose auto, {', '.join(ENGINES)}")
    entry = ENGINES[name]
    if not entry.reads(path):
        readers = " or ".join(other.name for other in ENGINES.values() if other.reads(path))
        raise FastStyleError(f"the {name} engine does not read {path.suffix} files; use {readers}")
    if options.precision == "int8" and "int8" not in entry.precisions:
        raise no_int8()
    if options.precision not in entry.precisions:
        choice = ", ".join(entry.precisions)
        raise FastStyleError(f"the {name} engine has no {options.precision}; choose {choice}")
    kind = kind_of(options.device)
    if kind not in entry.devices:
        others = " or ".join(other.name for other in ENGINES.values() if kind in other.devices)
        raise FastStyleError(
            f"the {name} engine runs on {', '.join(entry.devices)}; for `device` {options.device} use `engine` {others}"
        )
    if not entry.is_installed:
        raise FastStyleError(f"the {name} engine is not installed: {entry.devices['cpu']}")
    return entry


def no_int8() -> FastStyleError:
    """Return the error of an engine or a network that takes a quantized file."""
    return FastStyleError(
        "int8 is for checkpoints in the openvino engine, without attention and VGG19's encoder; otherwise it is a file "
        "of its own: fast-style export MODEL -o int8.onnx --precision int8 --photos DIR, then --model int8.onnx"
    )


def on_cpu(device: str) -> bool:
    """Return whether that device, by name, is the CPU; asks no library."""
    return device == "cpu" or (device == "auto" and not _may_have_gpu())


def _may_have_gpu() -> bool:
    """Whether torch should be asked for a GPU: signs of a driver, found without importing torch."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:\\Windows")) / "System32/nvcuda.dll").exists()
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))
