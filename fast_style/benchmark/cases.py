"""Define the cases of the benchmark, and the call that each of them times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..engines import open_engine, paint_frame
from ..engines.registry import ENGINES, is_exported
from ..errors import FastStyleError
from ..export import openvino_int8
from ..models import checkpoint_file
from ..models.bundled import SAMPLE, find
from ..options import BenchmarkOptions, RuntimeOptions
from ..system import malloc
from . import convolution_peak

if TYPE_CHECKING:
    import torch

# Name of the engine that all others are compared with: eager float32 PyTorch, as one writes it first.
PLAIN = "plain"


@dataclass(frozen=True)
class Case:
    """Describe one call to time, in a process of its own."""

    model: str
    engine: str
    """torch, openvino, onnx or plain."""
    precision: str
    width: int
    height: int
    photo: str
    device: str = "cpu"
    frame: bool = False
    """Time from an 8-bit frame to an 8-bit frame, not from float to float."""
    peak: bool = False
    """Time a chain of convolutions in that engine instead of the model."""

    def pixels(self) -> NDArray[np.uint8]:
        """Return the photograph at the size of the case: (H, W, 3)."""
        picture = images.read(Path(self.photo)).rgb
        return np.asarray(picture.resize((self.width, self.height)))


def list_cases(models: Sequence[str], options: BenchmarkOptions, device: str) -> list[list[Case]]:
    """Return the cases for each size: plain PyTorch first, the convolution peaks last.

    Raises FastStyleError for models that do not exist and for sizes that are not WIDTHxHEIGHT.
    """
    groups = []
    for width, height in (parse_size(text) for text in options.sizes):
        photo = str(options.photo or SAMPLE)
        plain = find(options.baseline or models[0])
        first = Case(str(plain), PLAIN, "fp32", width, height, photo, device, options.frame)
        group = [first]
        for model in models:
            group += [
                replace(first, model=str(find(model)), engine=engine, precision=precision)
                for engine in _engines(model, options, device)
                for precision in _precisions(model, engine, device, options)
            ]
        group += [
            replace(first, model=str(find(models[0])), engine=engine, precision=precision, peak=True)
            for precision in sorted({case.precision for case in group} - {"auto", "int8"})
            for engine in convolution_peak.engines_for(precision, device)
        ]
        groups.append(group)
    return groups


def _engines(model: str, options: BenchmarkOptions, device: str) -> list[str]:
    """Return the engines asked for that are installed, read the model and run on the device, which torch has found."""
    able = [entry for entry in ENGINES.values() if entry.reads(find(model)) and entry.is_installed]
    names = [entry.name for entry in able if entry.name == "torch" or entry.finds(device)]
    return [name for name in options.engines or names if name in names]


def _precisions(model: str, engine: str, device: str, options: BenchmarkOptions) -> list[str]:
    if is_exported(find(model)):
        return ["auto"]  # an exported file has its own
    every = [p for p in ENGINES[engine].precisions if p != "auto" and not (p == "fp16" and device == "cpu")]
    if not openvino_int8.fits(checkpoint_file.read(find(model)).model):
        every = [p for p in every if p != "int8"]
    return [p for p in every if not options.precisions or p in options.precisions]


def parse_size(text: str) -> tuple[int, int]:
    """Return width and height of a text such as `1280x720`. Raises FastStyleError for anything else."""
    try:
        width, height = (int(side) for side in text.lower().split("x"))
        if min(width, height) < 1:
            raise ValueError
    except ValueError:
        raise FastStyleError(f"`sizes` {text}: it takes WIDTHxHEIGHT in px, as in 1280x720") from None
    return width, height


def prepare(case: Case) -> tuple[Callable[[], NDArray[Any]], float]:
    """Return the call to time, and its floating-point operations (0 where they are not counted).

    The call returns the picture, (1, 3, H, W) float32 in [0, 1] or, of frames, (H, W, 3) uint8. The operations are
    counted for plain PyTorch and for convolution peaks.
    """
    if case.peak:
        return convolution_peak.prepare(case.engine, case.precision, case.device), convolution_peak.FLOPS
    return _prepare_plain(case) if case.engine == PLAIN else (_prepare_engine(case), 0.0)


def _prepare_engine(case: Case) -> Callable[[], NDArray[Any]]:
    malloc.tune()
    runtime = RuntimeOptions(case.device, case.engine, case.precision)  # type: ignore[arg-type]
    engine, frame = open_engine(Path(case.model), runtime), case.pixels()
    image = images.unit(frame)
    if case.frame:
        return lambda: paint_frame(engine, frame)
    if case.device == "cpu":
        return lambda: engine(image)
    import torch

    from ..engines.torch_engine import COMPILE_AFTER_CALLS

    tensor = torch.from_numpy(image).to(case.device)
    for _ in range(COMPILE_AFTER_CALLS):  # as a film's first frames; afterwards the network is compiled
        engine(tensor)
    return _synchronized(lambda: engine(tensor), case.device)


def _prepare_plain(case: Case) -> tuple[Callable[[], NDArray[Any]], float]:
    import torch

    from ..models.checkpoint import load

    network = load(Path(case.model)).network().to(case.device)
    frame = case.pixels()
    flops = float(count_flops(network, case.width, case.height))

    @torch.no_grad()
    def stylize(x: "torch.Tensor") -> "torch.Tensor":
        return network(x).clamp(0, 1)

    def stylize_frame() -> NDArray[Any]:
        x = torch.from_numpy(frame.copy()).to(case.device).permute(2, 0, 1)[None].float() / 255
        pixels: NDArray[Any] = (stylize(x)[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        return pixels

    if case.frame:
        return stylize_frame, flops
    tensor = torch.from_numpy(images.unit(frame)).to(case.device)
    return _synchronized(lambda: stylize(tensor), case.device), flops


def _synchronized(run: Callable[[], "torch.Tensor"], device: str) -> Callable[[], NDArray[Any]]:
    """Return a call that waits until the device has finished; results of a GPU stay there."""
    import torch

    def wait() -> Any:
        result = run()
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        return result if device != "cpu" else result.numpy()

    return wait


def count_flops(network: "torch.nn.Module", width: int, height: int) -> int:
    """Count the operations of one pass as the network is defined; a multiplication and an addition count as two."""
    import copy

    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        copy.deepcopy(network).to("meta")(torch.empty(1, 3, height, width, device="meta"))
    return counter.get_total_flops()
