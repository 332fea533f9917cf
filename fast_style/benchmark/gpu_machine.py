"""Describe the machine of the GPU benchmark, time calls on it and measure its peak rates."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional as F

from ..system.hardware import DTYPES
from . import convolution_peak

WARM_UP = 5

Size = tuple[int, int]
"""Width and height in px."""


@dataclass
class Setup:
    """Hold what to measure and where, and what later parts need of earlier ones."""

    device: torch.device
    small: bool = False
    """Tiny pictures and few passes, which tests the benchmark and measures nothing."""
    model: str = "wave"
    vgg_weights: Path | None = None
    compiles: bool = True
    peak_flops: float = 0.0
    """Best rate of convolutions in operations per second; 0 until it is measured."""
    fastest: dict[Size, "Form"] = field(default_factory=dict)
    """Fastest form of painting at each size."""

    @property
    def on_gpu(self) -> bool:
        """Return whether there are CUDA graphs, streams and a profile of kernels."""
        return self.device.type == "cuda"

    @property
    def sizes(self) -> list[Size]:
        """Return the sizes of frames."""
        return [(128, 72), (128, 96)] if self.small else [(1920, 1080), (3840, 2160)]

    @property
    def passes(self) -> int:
        """Return how many passes of a call are timed."""
        return 2 if self.small else 50

    @property
    def queued_chains(self) -> int:
        """Return how many chains of convolutions a pass queues before it waits, which takes time of its own."""
        return 1 if self.small else 8

    def wait(self) -> None:
        """Wait until the device has finished."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def elapsed_s(self, call: Callable[[], object], passes: int) -> float:
        """Return the seconds that passes in a row take until the device has finished them."""
        self.wait()
        start = time.perf_counter()
        for _ in range(passes):
            call()
        self.wait()
        return time.perf_counter() - start

    def pass_seconds(self, call: Callable[[], object]) -> list[float]:
        """Return the seconds of each of `passes` passes, each waited for, after some that warm up."""
        self.elapsed_s(call, 1 if self.small else WARM_UP)
        return [self.elapsed_s(call, 1) for _ in range(self.passes)]


@dataclass(frozen=True)
class Form:
    """Describe one way to paint a frame."""

    name: str
    seconds: float
    """Median time of a pass."""
    paint: Callable[[Tensor], Tensor]
    """Paint a frame (1, 3, H, W) float32 in [0, 1], to the same; eager or compiled."""
    in_graph: bool = False
    """Whether the time is that of a CUDA graph of `paint`."""


def describe(setup: Setup) -> Iterator[str]:
    """Yield the versions and the name of the card."""
    yield f"torch {torch.__version__}, CUDA {torch.version.cuda}"
    if not setup.on_gpu:
        yield f"CPU {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads: no CUDA graphs"
        return
    card = torch.cuda.get_device_properties(setup.device)
    yield f"{card.name}, {card.total_memory / 2**30:.0f} GiB, {card.multi_processor_count} multiprocessors"
    columns = "driver_version,clocks.max.sm,power.limit"
    command = ["nvidia-smi", f"--query-gpu={columns}", "--format=csv,noheader"]
    yield f"{columns}: {subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()}"


def matrix_product(setup: Setup) -> Iterator[str]:
    """Yield the rate of a large product of matrices in bf16."""
    side = 256 if setup.small else 8192
    matrix = torch.randn(side, side, device=setup.device, dtype=torch.bfloat16)
    rate = 2 * side**3 / median(setup.pass_seconds(lambda: matrix @ matrix))
    yield f"{side}x{side} in bf16: {rate / 1e12:.3g} TFLOP/s (median of {setup.passes})"


@torch.no_grad()
def convolutions(setup: Setup) -> Iterator[str]:
    """Yield the rates of the chain of convolutions in each precision, and keep the best as the peak."""
    for precision in ("bf16", "fp16"):
        for width, height in setup.sizes:
            shape = (convolution_peak.SHAPE[0], height // 4, width // 4)
            flops = setup.queued_chains * convolution_peak.chain_flops(shape)
            rate = flops / median(setup.pass_seconds(_chains(setup, precision, shape)))
            setup.peak_flops = max(setup.peak_flops, rate)
            yield f"3x3, {shape[0]} channels, {shape[2]}x{shape[1]} px, {precision}: {rate / 1e12:.3g} TFLOP/s"


def _chains(setup: Setup, precision: str, shape: tuple[int, int, int]) -> Callable[[], None]:
    """Return a call that queues the chains, without ReLU, which PyTorch would run as kernels of their own."""
    features = torch.rand(1, *shape, device=setup.device, dtype=DTYPES[precision])
    weights = torch.from_numpy(convolution_peak.weights()).to(features)
    first, kernel = (tensor.contiguous(memory_format=torch.channels_last) for tensor in (features, weights))

    def run() -> None:
        for _ in range(setup.queued_chains):
            x = first
            for _ in range(convolution_peak.LAYERS):
                x = F.conv2d(x, kernel, padding=1)

    return run
