"""Define the options of `fast-style bench`."""

from dataclasses import dataclass
from pathlib import Path

from .checks import check_at_least, check_types


@dataclass(frozen=True)
class BenchmarkOptions:
    """Measure speed against plain PyTorch: eager, float32, contiguous, default memory allocation."""

    sizes: tuple[str, ...] = ("512x512", "1280x720")
    """Sizes of the pictures, WIDTHxHEIGHT in px."""

    engines: tuple[str, ...] = ()
    """Engines to measure: torch, openvino, onnx; by default every one that is installed."""

    precisions: tuple[str, ...] = ()
    """Precisions to measure: fp32, bf16, fp16, int8; by default every one of each engine, without fp16 on a CPU."""

    baseline: str | None = None
    """Checkpoint for plain PyTorch; by default the first of the models."""

    runs: int = 15
    """Timed passes of each case, in turn, after two that are not timed."""

    photo: Path | None = None
    """Photograph to stylize; by default the sample."""

    frame: bool = False
    """Time from an 8-bit frame to an 8-bit frame instead of from float to float."""

    train: bool = False
    """Time training steps of batch 4 at 256 px instead, with random weights for VGG19."""

    profile: bool = False
    """Time each kind of operation of OpenVINO's graph instead, of --precisions or auto, on one core of the CPU."""

    process: bool = False
    """Time whole processes instead: a second run of `stylize.py` against a plain script."""

    device: str = "auto"
    """cpu, cuda, cuda:1, mps or auto."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "runs")
