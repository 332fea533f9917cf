"""Which engine for which device, precision and file; imports no runtime."""

import os
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

from ..errors import FastStyleError
from ..options import RuntimeOptions

# Each engine's precisions; the order is that of speed on a CPU.
PRECISIONS = {
    "openvino": ("auto", "fp32", "bf16"),
    "onnx": ("auto", "fp32"),
    "torch": ("auto", "fp32", "bf16", "fp16"),
}
PACKAGES = {"openvino": "openvino", "onnx": "onnxruntime", "torch": "torch"}
# Which engines read which exported files; any other file is a checkpoint.
READERS = {".onnx": ("openvino", "onnx"), ".xml": ("openvino",)}


def candidates(path: Path, options: RuntimeOptions) -> list[str]:
    """Names of engines to try, the fastest first. Raises FastStyleError when nothing can do what is asked for."""
    if options.precision == "int8":
        raise FastStyleError(
            "int8 is a file of its own: fast-style export MODEL -o int8.xml --precision int8 --photos DIR, "
            "then --model int8.xml"
        )
    readers = READERS.get(path.suffix.lower(), tuple(PRECISIONS))
    if options.engine != "auto":
        _check(options.engine, readers, path, options)
        return [options.engine]
    known = {name for names in PRECISIONS.values() for name in names}
    if options.precision not in known:
        raise FastStyleError(f"unknown precision {options.precision!r}; choose {', '.join(sorted(known))}")
    if "torch" in readers and not on_cpu(options.device):
        return ["torch"]
    able = [name for name in readers if options.precision in PRECISIONS[name] and find_spec(PACKAGES[name])]
    if not able:
        raise FastStyleError(f'{path}: no engine for it is installed: pip install "fast_style[engines]"')
    return able


def _check(engine: str, readers: tuple[str, ...], path: Path, options: RuntimeOptions) -> None:
    if engine not in PRECISIONS:
        raise FastStyleError(f"unknown engine {engine!r}; choose auto, {', '.join(PRECISIONS)}")
    if engine not in readers:
        raise FastStyleError(f"the {engine} engine does not read {path.suffix} files; use {' or '.join(readers)}")
    if options.precision not in PRECISIONS[engine]:
        choice = ", ".join(PRECISIONS[engine])
        raise FastStyleError(f"the {engine} engine has no {options.precision}; choose {choice}")
    if engine != "torch" and options.device not in ("auto", "cpu"):
        raise FastStyleError(f"the {engine} engine runs on the CPU; for --device {options.device} use --engine torch")


def on_cpu(device: str) -> bool:
    """Whether that device, by name, is the CPU; asks no library."""
    return device == "cpu" or (device == "auto" and not _may_have_gpu())


def _may_have_gpu() -> bool:
    """Whether torch should be asked for a GPU: signs of a driver, found without importing torch."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:\\Windows")) / "System32/nvcuda.dll").exists()
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))
