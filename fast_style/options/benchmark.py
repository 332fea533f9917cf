"""Options of benchmarks: what to measure, and how often."""

from dataclasses import dataclass
from pathlib import Path

from .checks import check_at_least, check_types


@dataclass(frozen=True)
class BenchmarkOptions:
    """Measure speed against plain PyTorch: eager, float32, contiguous, memory allocation untouched."""

    sizes: tuple[str, ...] = ("512x512", "1280x720")
    """Widths and heights in px."""

    engines: tuple[str, ...] = ()
    """Engines to measure: torch, openvino, onnx; by default every one that is installed."""

    precisions: tuple[str, ...] = ()
    """Precisions to measure; by default every one that the engines know, without fp16 on a CPU."""

    baseline: str | None = None
    """Checkpoint that plain PyTorch runs; by default the first of the models."""

    runs: int = 15
    """Timed passes of each, in turn, after two that are not timed."""

    photo: Path | None = None
    """Photograph to work on; by default the sample."""

    frame: bool = False
    """Time from an 8-bit frame to an 8-bit frame instead of from float to float."""

    train: bool = False
    """Measure training steps of batch 4 at 256 px instead; VGG19's weights are random here."""

    process: bool = False
    """Measure whole processes instead: `stylize.py` a second time against a plain script."""

    device: str = "auto"
    """cpu, cuda, cuda:1, mps or auto."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "runs")
