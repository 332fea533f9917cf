"""List the engines in a table: which one for which device, precision and file. Imports no runtime."""

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

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
    """Module of this package with `open_engine(path, options)`."""
    precisions: tuple[str, ...]
    suffixes: tuple[str, ...] = ()
    """Exported files that it reads, beside checkpoints."""
    only_cpu: bool = True

    def reads(self, path: Path) -> bool:
        """Return whether it can open that file."""
        return path.suffix.lower() in self.suffixes or not is_exported(path)

    @property
    def is_installed(self) -> bool:
        """Return whether its library can be imported."""
        return bool(find_spec(self.package))

    def open(self, path: Path, options: RuntimeOptions) -> "Engine":
        """Open a checkpoint or an exported model. Raises FastStyleError for files that it cannot use."""
        opener: Callable[[Path, RuntimeOptions], Engine] = import_module(f".{self.module}", __package__).open_engine
        return opener(path, options)


# The order is that of speed on a CPU. A new engine is a module and a line here.
ENGINES = {
    entry.name: entry
    for entry in (
        Entry("openvino", "openvino", "openvino_engine", ("auto", "fp32", "bf16"), (".onnx", ".xml")),
        Entry("onnx", "onnxruntime", "onnx_engine", ("auto", "fp32"), (".onnx",)),
        Entry("torch", "torch", "torch_engine", ("auto", "fp32", "bf16", "fp16"), only_cpu=False),
    )
}


def is_exported(path: Path) -> bool:
    """Return whether that is the name of an exported model; any other file is a checkpoint."""
    return any(path.suffix.lower() in entry.suffixes for entry in ENGINES.values())


def candidates(path: Path, options: RuntimeOptions) -> list[Entry]:
    """Return the engines to try, the fastest first. Raises FastStyleError when none can do what is asked for."""
    if options.precision == "int8":
        raise FastStyleError(
            "int8 is a file of its own: fast-style export MODEL -o int8.xml --precision int8 --photos DIR, "
            "then --model int8.xml"
        )
    if options.engine != "auto":
        return [_checked(options.engine, path, options)]
    readers = [entry for entry in ENGINES.values() if entry.reads(path)]
    known = {name for entry in ENGINES.values() for name in entry.precisions}
    if options.precision not in known:
        raise FastStyleError(f"unknown precision {options.precision!r}; choose {', '.join(sorted(known))}")
    anywhere = [entry for entry in readers if not entry.only_cpu]
    if anywhere and not on_cpu(options.device):
        return anywhere
    able = [entry for entry in readers if options.precision in entry.precisions and entry.is_installed]
    if not able:
        raise FastStyleError(f'{path}: no engine for it is installed: pip install "fast_style[engines]"')
    return able


def _checked(name: str, path: Path, options: RuntimeOptions) -> Entry:
    if name not in ENGINES:
        raise FastStyleError(f"unknown engine {name!r}; choose auto, {', '.join(ENGINES)}")
    entry = ENGINES[name]
    if not entry.reads(path):
        readers = " or ".join(other.name for other in ENGINES.values() if other.reads(path))
        raise FastStyleError(f"the {name} engine does not read {path.suffix} files; use {readers}")
    if options.precision not in entry.precisions:
        choice = ", ".join(entry.precisions)
        raise FastStyleError(f"the {name} engine has no {options.precision}; choose {choice}")
    if entry.only_cpu and options.device not in ("auto", "cpu"):
        raise FastStyleError(f"the {name} engine runs on the CPU; for `device` {options.device} use `engine` torch")
    return entry


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
