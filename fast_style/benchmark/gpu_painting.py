"""Measure painting for the GPU benchmark: single frames on the device, and frames that come from and go to the host."""

import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..models import checkpoint
from ..models.bundled import SAMPLE, find
from ..system.hardware import DTYPES
from .cases import Case, count_flops
from .gpu_machine import Form, Setup, Size

SLOTS = 3
"""Frames on their way: one is copied to the device, one is painted, one is copied back."""


def eager(setup: Setup, size: Size, precision: str) -> Iterator[str]:
    """Yield the speed of the network as it stands."""
    paint = _painter(setup, precision)
    yield _speed(setup, size, f"eager {precision}", paint)


def compiled(setup: Setup, size: Size, precision: str) -> Iterator[str]:
    """Yield the speed of the network after torch.compile, then of a CUDA graph of that."""
    paint = torch.compile(_painter(setup, precision), dynamic=False)
    frame = _frame(setup, size)
    yield f"compiled in {setup.elapsed_s(lambda: paint(frame), 1):.1f} s"
    yield _speed(setup, size, f"compiled {precision}", paint)
    if setup.on_gpu:
        yield _speed(setup, size, f"compiled {precision} in a CUDA graph", paint, in_graph=True)
    else:
        yield "no CUDA graph on a CPU"


def host_to_host(setup: Setup, size: Size) -> Iterator[str]:
    """Yield the rate of 8-bit frames from and to pinned host memory, copied while others are painted."""
    form = setup.fastest[size]
    slots = [_Slot(setup, size, form)]
    slots += [_Slot(setup, size, form, slots[0]) for _ in range(SLOTS - 1)]
    frames = 2 * SLOTS if setup.small else 200 if size[0] < 3000 else 50
    run = _on_streams if setup.on_gpu else _in_turn
    run(setup, slots, SLOTS)
    start = time.perf_counter()
    run(setup, slots, frames)
    per_s = frames / (time.perf_counter() - start)
    error = min(_psnr(slot.received.permute(2, 0, 1)[None] / 255, setup, size) for slot in slots)
    how = "three streams" if setup.on_gpu else "one after the other, without streams on a CPU"
    yield f"{per_s:.1f} frames/s over {frames} frames ({form.name}, {how}), {error:.1f} dB to fp32"


def _painter(setup: Setup, precision: str) -> Callable[[Tensor], Tensor]:
    """Return the network as the torch engine runs it: (1, 3, H, W) float32 in [0, 1] to the same."""
    network = checkpoint.load(find(setup.model)).network().requires_grad_(False)
    network.to(setup.device).to(memory_format=torch.channels_last)
    dtype = DTYPES[precision]

    @torch.no_grad()
    def paint(frame: Tensor) -> Tensor:
        # A graph must not use casts of weights that were cached outside of it.
        with torch.autocast(setup.device.type, dtype, enabled=dtype != torch.float32, cache_enabled=False):
            painted: Tensor = network(frame)
        return painted.clamp(0, 1)

    return paint


def _pixels(size: Size) -> Tensor:
    """Return the sample picture at that size: (H, W, 3) uint8."""
    pixels = Case("", "torch", "fp32", *size, str(SAMPLE)).pixels()
    return torch.from_numpy(pixels.copy())


def _frame(setup: Setup, size: Size) -> Tensor:
    frame = _pixels(size).to(setup.device).permute(2, 0, 1)[None] / 255
    return frame.contiguous(memory_format=torch.channels_last)


def _speed(setup: Setup, size: Size, name: str, paint: Callable[[Tensor], Tensor], in_graph: bool = False) -> str:
    """Time a form of painting, remember it if it is the fastest, and describe its speed."""
    call: Callable[[], Any] = partial(paint, _frame(setup, size))
    if in_graph:
        graph, painted = _captured(call)
        call = graph.replay
    seconds = setup.pass_seconds(call)
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
    if size not in setup.fastest or p50 < setup.fastest[size].seconds:
        setup.fastest[size] = Form(name, p50, paint, in_graph)
    rate = _flops(setup.model, size) / p50
    share = f"{rate / setup.peak_flops:.1%} of the convolution peak" if setup.peak_flops else "peak not measured"
    error = _psnr(painted if in_graph else call(), setup, size)
    return (
        f"{'CUDA graph: ' if in_graph else ''}p50 {1e3 * p50:.3f} ms, p95 {1e3 * p95:.3f} ms, p99 {1e3 * p99:.3f} ms, "
        f"{1 / p50:.1f} frames/s, {rate / 1e12:.3g} TFLOP/s, {share}, {error:.1f} dB to fp32"
    )


@cache
def _flops(model: str, size: Size) -> int:
    return count_flops(checkpoint.load(find(model)).network(), *size)


def _psnr(painted: Tensor, setup: Setup, size: Size) -> float:
    """Return the PSNR in dB to the picture of eager float32, which tells a fast form that paints something else."""
    expected = _painter(setup, "fp32")(_frame(setup, size))
    return float(-10 * (painted.to(expected) - expected).square().mean().clamp_min(1e-12).log10())


def _captured(call: Callable[[], Any], pool: Any = None) -> tuple[torch.cuda.CUDAGraph, Any]:
    """Return a CUDA graph of a call, and the call's result, which each replay writes anew.

    pool: the memory of another graph to work in, for graphs that never run at once.
    """
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # libraries prepare themselves and choose algorithms before the capture
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool):
        result = call()
    return graph, result


class _Slot:
    """Hold the memory and the events of one frame on its way."""

    def __init__(self, setup: Setup, size: Size, form: Form, first: "_Slot | None" = None) -> None:
        """first: a slot whose graph's memory this one's may use, because they are never painted at once."""
        self.sent, self.frame = _pixels(size), _frame(setup, size)
        self.received = torch.empty_like(self.sent)
        self.pixels, self.painted = (torch.empty_like(self.sent, device=setup.device) for _ in range(2))
        self.form, self.pool = form, None
        self.paint: Callable[[], object] = self._paint
        if setup.on_gpu:
            self.sent, self.received = self.sent.pin_memory(), self.received.pin_memory()
            self.uploaded, self.ready, self.downloaded = (torch.cuda.Event() for _ in range(3))
        if form.in_graph:
            graph, _ = _captured(self._paint, first.pool if first else None)
            self.pool, self.paint = graph.pool(), graph.replay

    def _paint(self) -> None:
        """Convert, paint and round on the device: `pixels` to `painted`, both (H, W, 3) uint8."""
        torch.mul(self.pixels.permute(2, 0, 1)[None], 1 / 255, out=self.frame)
        painted = self.form.paint(self.frame)
        self.painted.copy_((painted[0] * 255 + 0.5).permute(1, 2, 0))


def _on_streams(setup: Setup, slots: list[_Slot], frames: int) -> None:
    """Send frames through the slots in turn, with a stream for each way and one that paints."""
    up, work, down = (torch.cuda.Stream(setup.device) for _ in range(3))
    setup.wait()
    for index in range(frames):
        slot = slots[index % len(slots)]
        slot.downloaded.synchronize()  # the frame before in this slot has left it
        with torch.cuda.stream(up):
            slot.pixels.copy_(slot.sent, non_blocking=True)
            slot.uploaded.record()
        with torch.cuda.stream(work):
            work.wait_event(slot.uploaded)
            slot.paint()
            slot.ready.record()
        with torch.cuda.stream(down):
            down.wait_event(slot.ready)
            slot.received.copy_(slot.painted, non_blocking=True)
            slot.downloaded.record()
    setup.wait()


def _in_turn(setup: Setup, slots: list[_Slot], frames: int) -> None:
    for index in range(frames):
        slot = slots[index % len(slots)]
        slot.pixels.copy_(slot.sent)
        slot.paint()
        slot.received.copy_(slot.painted)
