"""How fast: every engine against plain PyTorch, in turn, each in a process of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..engines import open_engine
from ..options import BenchmarkOptions, RuntimeOptions
from .parity import psnr

if TYPE_CHECKING:
    from .cases import Case
    from .processes import Timed

__all__ = ["Row", "measure", "measure_training", "pick"]

# Engines that run an exported model.
GRAPHS: tuple[Literal["openvino", "onnx"], ...] = ("openvino", "onnx")

Report = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    model: str
    engine: str
    precision: str
    size: str
    p50_ms: float
    p95_ms: float
    p99_ms: float
    per_s: float
    """Frames, or training photographs, per second, by the median."""
    peak_mb: float
    """Resident memory of the process; on a GPU, the device's."""
    ratio: float
    """To plain eager float32 PyTorch, medians."""
    psnr_db: float | None = None
    """Against plain PyTorch with the same model."""
    share: float | None = None
    """Of the convolution peak of that precision, by the arithmetic of the network's definition."""


def pick(device: str) -> str:
    """The device by name; auto asks torch only where there may be a GPU."""
    from ..engines.registry import on_cpu

    if on_cpu(device):
        return "cpu"
    from ..system.hardware import pick_device

    return str(pick_device(device))


def measure(models: Sequence[str], options: BenchmarkOptions, report: Report = lambda _: None) -> list[Row]:
    """A row for every engine, precision and size; `report` hears of each pass."""
    from .cases import PEAK, list_cases
    from .processes import interleave, need

    rows: list[Row] = []
    groups = list_cases(models, options, pick(options.device))
    used = {(case.model, case.engine) for cases in groups for case in cases}
    for model, engine in [(model, engine) for engine in GRAPHS for model, name in used if name == engine]:
        report("exporting")  # before anything is measured, as in any run but the first
        open_engine(Path(model), RuntimeOptions("cpu", engine))
    for cases in groups:
        size = f"{cases[0].width}x{cases[0].height}"
        timed = interleave("fast_style.benchmark.worker", cases, options.runs, partial(report, size))
        found = list(zip(cases, timed, strict=True))
        plain = need(timed[0], "plain PyTorch")
        peaks = {case.precision: t.known["flops"] / min(t.seconds) for case, t in found if t and case.engine == PEAK}
        for case, told in found:
            if told is not None and case.engine != PEAK:
                rows.append(_row(case, told, cases[0], plain, peaks))
    return rows


def measure_training(options: BenchmarkOptions, report: Report = lambda _: None) -> list[Row]:
    """A row for the plain training step and one for ours."""
    from .processes import interleave, need
    from .training import TrainCase

    device = pick(options.device)
    cases = [TrainCase(kind, device) for kind in ("plain", "ours")]
    timed = interleave("fast_style.benchmark.training", cases, options.runs, lambda: report("training"))
    plain, ours = (need(told, f"the {case.kind} step") for told, case in zip(timed, cases, strict=True))
    return [
        Row(
            "train", kind, precision, f"{case.batch}x{case.size_px}x{case.size_px}", **_figures(told, plain, case.batch)
        )
        for kind, precision, told, case in zip(("plain", "ours"), ("fp32", "auto"), (plain, ours), cases, strict=True)
    ]


def _row(case: "Case", told: "Timed", first: "Case", plain: "Timed", peaks: dict[str, float]) -> Row:
    """First comes the row of plain PyTorch, which ran the first case."""
    close = share = None
    if case.model == first.model and case is not first and told.result is not None and plain.result is not None:
        close = psnr(_unit(told.result) - _unit(plain.result))
    if case.model == first.model and case.precision in peaks:
        share = plain.known["flops"] / float(np.median(told.seconds)) / peaks[case.precision]
    size = f"{case.width}x{case.height}"
    name = Path(case.model).name.removesuffix(".pth")
    return Row(name, case.engine, case.precision, size, **_figures(told, plain), psnr_db=close, share=share)


def _figures(told: "Timed", plain: "Timed", pictures: int = 1) -> dict[str, float]:
    p50, p95, p99 = (float(np.percentile(told.seconds, p)) for p in (50, 95, 99))
    return {
        "p50_ms": 1e3 * p50,
        "p95_ms": 1e3 * p95,
        "p99_ms": 1e3 * p99,
        "per_s": pictures / p50,
        "peak_mb": told.peak_bytes / 1e6,
        "ratio": float(np.median(plain.seconds)) / p50,
    }


def _unit(result: NDArray[Any]) -> NDArray[np.float32]:
    scale = np.float32(255 if result.dtype == np.uint8 else 1)
    return result.astype(np.float32) / scale
