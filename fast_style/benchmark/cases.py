"""What is measured: each case by name, and the call that is timed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..engines import open_engine, paint_frame
from ..engines.registry import ENGINES, is_exported
from ..errors import FastStyleError
from ..models.bundled import SAMPLE, find
from ..options import BenchmarkOptions, RuntimeOptions
from ..system import malloc
from . import peak

if TYPE_CHECKING:
    import torch

PLAIN, PEAK = "plain", "peak"


@dataclass(frozen=True)
class Case:
    """One thing to time, in a process of its own."""

    model: str
    engine: str
    """torch, openvino or onnx; `plain`, eager float32 PyTorch as one writes it first; `peak`, convolutions alone."""
    precision: str
    width: int
    height: int
    photo: str
    device: str = "cpu"
    frame: bool = False

    def pixels(self) -> NDArray[np.uint8]:
        """The photograph, (H, W, 3)."""
        picture = images.read(Path(self.photo)).rgb
        return np.asarray(picture.resize((self.width, self.height)))


def list_cases(models: Sequence[str], options: BenchmarkOptions, device: str) -> list[list[Case]]:
    """For each size the cases, plain PyTorch first. Raises FastStyleError for models that are not there."""
    groups = []
    for width, height in (size_of(text) for text in options.sizes):

        def case(model: str, engine: str, precision: str, size: tuple[int, int] = (width, height)) -> Case:
            path, photo = str(find(model)), str(options.photo or SAMPLE)
            return Case(path, engine, precision, *size, photo, device, options.frame)

        group = [case(options.baseline or models[0], PLAIN, "fp32")]
        for model in models:
            readers = [entry.name for entry in ENGINES.values() if entry.reads(find(model))]
            for engine in options.engines or readers:
                known = engine in readers and ENGINES[engine].is_installed and (device == "cpu" or engine == "torch")
                group += [case(model, engine, p) for p in _precisions(model, engine, device, options)] if known else []
        group += [case(models[0], PEAK, precision) for precision in sorted({one.precision for one in group} - {"auto"})]
        groups.append(group)
    return groups


def _precisions(model: str, engine: str, device: str, options: BenchmarkOptions) -> list[str]:
    if is_exported(find(model)):
        return ["auto"]  # its own
    every = [p for p in ENGINES[engine].precisions if p != "auto" and not (p == "fp16" and device == "cpu")]
    return [p for p in every if not options.precisions or p in options.precisions]


def size_of(text: str) -> tuple[int, int]:
    """Width and height from `1280x720`. Raises FastStyleError for anything else."""
    try:
        width, height = (int(side) for side in text.lower().split("x"))
        if min(width, height) < 1:
            raise ValueError
    except ValueError:
        raise FastStyleError(f"--sizes {text}: it takes WIDTHxHEIGHT in px, as in 1280x720") from None
    return width, height


def prepare(case: Case) -> tuple[Callable[[], NDArray[Any]], dict[str, float]]:
    """The call to time, which returns the picture, (1, 3, H, W) or, of frames, (H, W, 3); and what else is known."""
    if case.engine == PEAK:
        return peak.prepare(case.precision, case.device)
    return _plain(case) if case.engine == PLAIN else _ours(case)


def _ours(case: Case) -> tuple[Callable[[], NDArray[Any]], dict[str, float]]:
    malloc.tune()
    runtime = RuntimeOptions(case.device, case.engine, case.precision)  # type: ignore[arg-type]
    engine, frame = open_engine(Path(case.model), runtime), case.pixels()
    image = images.unit(frame)
    if case.frame:
        return lambda: paint_frame(engine, frame), {}
    if case.device == "cpu":
        return lambda: engine(image), {}
    import torch

    from ..engines.torch_engine import COMPILE_AFTER_CALLS

    there = torch.from_numpy(image).to(case.device)
    for _ in range(COMPILE_AFTER_CALLS):  # a film's first frames: from the next on the network is compiled
        engine(there)
    return _synchronized(lambda: engine(there), case.device), {}


def _plain(case: Case) -> tuple[Callable[[], NDArray[Any]], dict[str, float]]:
    import torch

    from ..models.checkpoint import load

    network = load(Path(case.model)).network().to(case.device)
    frame = case.pixels()
    known = {"flops": float(_flops(network, case.width, case.height))}

    @torch.no_grad()
    def floats(x: "torch.Tensor") -> "torch.Tensor":
        return network(x).clamp(0, 1)

    def frames() -> NDArray[Any]:
        x = torch.from_numpy(frame.copy()).to(case.device).permute(2, 0, 1)[None].float() / 255
        pixels: NDArray[Any] = (floats(x)[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        return pixels

    if case.frame:
        return frames, known
    image = torch.from_numpy(images.unit(frame)).to(case.device)
    return _synchronized(lambda: floats(image), case.device), known


def _synchronized(run: Callable[[], "torch.Tensor"], device: str) -> Callable[[], NDArray[Any]]:
    """The same, ended when the device has done it; the result stays there until it is asked for."""
    import torch

    def wait() -> Any:
        result = run()
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        return result if device != "cpu" else result.numpy()

    return wait


def _flops(network: "torch.nn.Module", width: int, height: int) -> int:
    """Of one pass by the network's definition, a multiplication and an addition counted apart."""
    import copy

    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        copy.deepcopy(network).to("meta")(torch.empty(1, 3, height, width, device="meta"))
    return counter.get_total_flops()
