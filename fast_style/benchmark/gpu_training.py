"""Measure training steps for the GPU benchmark: crops per second, and which kernels take the time."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch

from ..data.styles import find_styles
from ..options import TrainOptions
from ..training.initialization import initialize
from ..training.objective import Objective
from ..training.state import TrainingState
from .gpu_machine import WARM_UP, Setup
from .training import TrainCase, options_for

STEPS, PROFILED_STEPS = 20, 3
KERNELS = 25
"""Kernels that a profile lists, those that take longest."""

Padding = Literal["replicate", "zeros"]


def eager(setup: Setup, padding: Padding, profiles: bool) -> Iterator[str]:
    """Yield the rate of steps without torch.compile, with that padding of VGG19, and their profile if wanted."""
    yield from _measure(setup, _objective(setup, padding, "off"), profiles)


def compiled(setup: Setup) -> Iterator[str]:
    """Yield the seconds that compiling takes, the rate of compiled steps and their profile."""
    objective = _objective(setup, "replicate", "on")
    data = objective.options.data
    seconds = setup.elapsed_s(lambda: objective.prepare(data.batch_size, data.image_size), 1)
    yield f"compiled in {seconds:.1f} s"
    yield from _measure(setup, objective, profiles=True)


def _objective(setup: Setup, padding: Padding, compiles: Literal["on", "off"]) -> Objective:
    with tempfile.TemporaryDirectory() as folder:
        options = _options(setup, padding, compiles, Path(folder))
        pictures = find_styles(options.style)
        return Objective(options, initialize(options, [picture.describe() for picture in pictures]), pictures)


def _options(setup: Setup, padding: Padding, compiles: Literal["on", "off"], folder: Path) -> TrainOptions:
    batch, side_px = (1, 64) if setup.small else (16, 256)
    options = options_for(TrainCase("ours", str(setup.device), batch, side_px), folder)
    weights = setup.vgg_weights or options.loss.vgg_weights
    options = replace(options, loss=replace(options.loss, vgg_padding=padding, vgg_weights=weights), compile=compiles)
    if not setup.small:
        return options
    return replace(options, style=replace(options.style, style_size=(side_px,)), width=4, blocks=1)


def _measure(setup: Setup, objective: Objective, profiles: bool) -> Iterator[str]:
    step, data = _step(objective), objective.options.data
    setup.elapsed_s(step, 1 if setup.small else WARM_UP)
    steps = setup.passes if setup.small else STEPS
    seconds, count = setup.elapsed_s(step, steps) / steps, data.batch_size
    kind = str(objective.dtype).removeprefix("torch.")
    what = f"{count} crops of {data.image_size} px, {kind}"
    yield f"{count / seconds:.1f} crops/s, {1e3 * seconds:.2f} ms a step ({what}, crops on the device)"
    if profiles:
        yield from _profile(setup, step, seconds)


def _step(objective: Objective) -> Callable[[], None]:
    """Return a call that takes the step of `training.trainer` on random crops that lie on the device."""
    options = objective.options
    state = TrainingState.begin(objective.network, objective.optimizer(), [])
    count, side_px = options.data.batch_size, options.data.image_size
    photo = torch.rand(count, 3, side_px, side_px, device=objective.device).to(memory_format=torch.channels_last)
    shown, style = photo.clone(), torch.zeros(count, dtype=torch.long, device=objective.device)

    def step() -> None:
        objective((photo, shown), style)["total"].backward()
        torch.nn.utils.clip_grad_norm_(objective.network.parameters(), options.clip)
        state.optimizer.step()
        state.optimizer.zero_grad()
        state.average_weights(options.ema)
        state.step += 1

    return step


def _profile(setup: Setup, step: Callable[[], None], step_s: float) -> Iterator[str]:
    """Yield how busy the device is in a step, and its longest kernels; on a CPU its longest operators.

    step_s: the time of a step that is not profiled, because profiling takes time too.
    """
    activity = torch.profiler.ProfilerActivity
    with torch.profiler.profile(activities=[activity.CUDA if setup.on_gpu else activity.CPU]) as recorded:
        setup.elapsed_s(step, PROFILED_STEPS)
    field = "self_device_time_total" if setup.on_gpu else "self_cpu_time_total"

    def ms(event: Any) -> float:
        # What launches kernels on the host, and annotations, span kernels that are counted by themselves.
        on_host = event.device_type == torch.autograd.DeviceType.CPU
        if setup.on_gpu and (on_host or event.is_user_annotation):
            return 0.0
        return float(getattr(event, field)) / 1e3 / PROFILED_STEPS

    events = sorted((event for event in recorded.key_averages() if ms(event)), key=ms, reverse=True)
    busy_ms, kind = sum(map(ms, events)), "kernels" if setup.on_gpu else "operators"
    yield f"{kind} take {busy_ms:.2f} ms of a step of {1e3 * step_s:.2f} ms: busy for {busy_ms / step_s / 1e3:.0%}"
    for event in events[:KERNELS]:
        yield f"{ms(event):8.3f} ms {event.count / PROFILED_STEPS:6.1f} calls  {event.key[:90]}"
