"""Measure speed: every engine against plain PyTorch, in turn, each in a process of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..options import BenchmarkOptions
from .parity import psnr

if TYPE_CHECKING:
    from .cases import Case
    from .processes import Timing

__all__ = ["Row", "choose_device", "measure", "measure_training"]

OnPass = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """Hold one line of the benchmark's table."""

    model: str
    engine: str
    precision: str
    size: str
    p50_ms: float
    p95_ms: float
    p99_ms: float
    per_s: float
    """Frames, or training photographs, per second, by the median time."""
    peak_mb: float
    """Peak resident memory of the process; on a GPU, peak memory of the device."""
    ratio: float
    """Median time of plain PyTorch (eager float32) divided by that of this row."""
    psnr_db: float | None = None
    """PSNR to the picture of plain PyTorch with the same model."""
    share: float | None = None
    """Arithmetic rate as a share of the convolution peak: the best rate of any engine in that precision. The operations
    are counted as the network is defined."""


def choose_device(name: str) -> str:
    """Return the device by name; `auto` imports torch only where there may be a GPU."""
    from ..engines.registry import on_cpu

    if on_cpu(name):
        return "cpu"
    from ..system.hardware import pick_device

    return str(pick_device(name))


def measure(models: Sequence[str], options: BenchmarkOptions, on_pass: OnPass = lambda what: None) -> list[Row]:
    """Return a row for every engine, precision and size.

    on_pass: called with a short description after each pass. Raises FastStyleError for models that do not exist and
    when plain PyTorch does not run.
    """
    from .cases import PLAIN, list_cases
    from .processes import interleave, require

    groups = list_cases(models, options, choose_device(options.device))
    rows: list[Row] = []
    for cases in groups:
        size = f"{cases[0].width}x{cases[0].height}"
        timings = interleave("fast_style.benchmark.worker", cases, options.runs, partial(on_pass, size))
        timed = [(case, timing) for case, timing in zip(cases, timings, strict=True) if timing]
        plain = require(timings[0], f"{PLAIN} PyTorch")
        peaks = peak_rates([(case.precision, timing) for case, timing in timed if case.peak])
        rows += [_row(case, timing, cases[0], plain, peaks) for case, timing in timed if not case.peak]
    return rows


def peak_rates(timings: Sequence[tuple[str, "Timing"]]) -> dict[str, float]:
    """Return the best rate of the convolution peaks for each precision, in operations per second.

    timings: precision and timing of each peak case, several engines for a precision.
    """
    rates: dict[str, float] = {}
    for precision, timing in timings:
        rates[precision] = max(rates.get(precision, 0.0), timing.flops / min(timing.seconds))
    return rates


def measure_training(options: BenchmarkOptions, on_pass: OnPass = lambda what: None, size_px: int = 256) -> list[Row]:
    """Return a row for the plain training step and one for ours, on four crops of size_px.

    on_pass: called with a short description after each step.
    """
    from .processes import interleave, require
    from .training import TrainCase

    device = choose_device(options.device)
    cases = [TrainCase(kind, device, size_px=size_px) for kind in ("plain", "ours")]
    timings = interleave("fast_style.benchmark.training", cases, options.runs, lambda: on_pass("training"))
    plain, ours = (require(timing, f"the {case.kind} step") for timing, case in zip(timings, cases, strict=True))
    size = f"{cases[0].batch}x{cases[0].size_px}x{cases[0].size_px}"
    return [
        Row("train", kind, precision, size, **_figures(timing, plain, cases[0].batch))
        for kind, precision, timing in (("plain", "fp32", plain), ("ours", "auto", ours))
    ]


def _row(case: "Case", timing: "Timing", first: "Case", plain: "Timing", peaks: dict[str, float]) -> Row:
    """Return the row of a case; `first` is plain PyTorch's, `plain` its timing."""
    psnr_db = share = None
    if case.model == first.model and case is not first and timing.result is not None and plain.result is not None:
        psnr_db = psnr(_unit(timing.result) - _unit(plain.result))
    if case.model == first.model and case.precision in peaks:
        share = plain.flops / float(np.median(timing.seconds)) / peaks[case.precision]
    size = f"{case.width}x{case.height}"
    name = Path(case.model).name.removesuffix(".pth")
    return Row(name, case.engine, case.precision, size, **_figures(timing, plain), psnr_db=psnr_db, share=share)


def _figures(timing: "Timing", plain: "Timing", photographs: int = 1) -> dict[str, float]:
    p50, p95, p99 = (float(np.percentile(timing.seconds, p)) for p in (50, 95, 99))
    return {
        "p50_ms": 1e3 * p50,
        "p95_ms": 1e3 * p95,
        "p99_ms": 1e3 * p99,
        "per_s": photographs / p50,
        "peak_mb": timing.peak_bytes / 1e6,
        "ratio": float(np.median(plain.seconds)) / p50,
    }


def _unit(result: NDArray[Any]) -> NDArray[np.float32]:
    scale = np.float32(255 if result.dtype == np.uint8 else 1)
    return result.astype(np.float32) / scale
