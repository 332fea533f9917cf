"""The loop itself: sample, step, guard, report, save."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.func import functional_call

from ..data.photos import CropStream, list_photos
from ..data.styles import find_styles, teacher_styles
from ..errors import FastStyleError
from ..models import checkpoint
from ..options import TrainOptions
from .callbacks import Callback, Event, preview_photos
from .initialization import initialize
from .metadata import resume_settings, training_metadata
from .objective import Objective
from .schedule import Schedule
from .sharpening import sharpened
from .state import TrainingState

# On a GPU the loss is fetched only so often, because fetching waits for the device.
CHECK_EVERY_ON_GPU = 25
# Steps whose mean loss is reported and kept in the checkpoint.
WINDOW = 100


class TrainingDiverged(FastStyleError):
    """A loss term or the gradient became NaN or infinite; what was saved before is untouched."""


def train(
    options: TrainOptions, callbacks: Sequence[Callback] = (), should_stop: Callable[[], bool] = lambda: False
) -> Path:
    """Train as `options` say and write the checkpoint, whose path is returned; the resume file lies beside it.

    Ends early, with everything saved, when `should_stop` says so after a step. Raises FastStyleError for inputs that
    cannot be used and TrainingDiverged (naming step and term) when the arithmetic breaks down.
    """
    trainer = Trainer(options, callbacks)
    trainer.run(should_stop)
    return trainer.output


class Trainer:
    """A training run: options and state, and the steps that lead from one state to the next."""

    def __init__(self, options: TrainOptions, callbacks: Sequence[Callback] = ()) -> None:
        self.options, self.callbacks, self.schedule = options, callbacks, Schedule(options)
        pictures = find_styles(options.style)
        self.styles = teacher_styles(options.teacher) if options.teacher else [style.describe() for style in pictures]
        self.initial = initialize(options, self.styles)
        self.output = options.output or Path(f"{self.styles[0]['name']}.pth")
        self.resume_file = self.output.with_suffix(".resume")
        if self.output.exists() and not (options.resume or options.overwrite):
            raise FastStyleError(f"{self.output} exists; choose another --output, --resume it or --overwrite it")
        self.photos, others = list_photos(options.data.dataset, options.data.hold_out)
        self.previews = preview_photos(list_photos(options.data.dataset)[0][::-1])
        self.objective = Objective(options, self.initial, pictures)
        self.crops = CropStream(self.photos, options.data, for_gpu=self.objective.device.type == "cuda")
        self.state = TrainingState.begin(self.objective.network, options, [str(path) for path in others])
        self.state.before = self.initial.steps_before
        if options.resume:
            self.state.load(self.resume_file, resume_settings(self.options, self.photos))
        self._unchecked: list[tuple[int, Tensor]] = []
        self._names: list[str] = []
        self._started = 0.0

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Steps until the budget is spent or `should_stop`; saves after the first step, at intervals and at the end."""
        self._started = time.monotonic() - self.state.elapsed_s
        self._first_sample, self._first_s = self.state.samples, self.state.elapsed_s
        self._report("start")
        try:
            self._loop(should_stop)
        except TrainingDiverged:
            if self._on_cpu():  # the step was not taken yet: the state is the last good one
                self.save()
            raise
        finally:
            self.crops.close()
        self._report("end")

    def _loop(self, should_stop: Callable[[], bool]) -> None:
        shown = saved = -float("inf")
        while self._progress() < 1 and not should_stop():
            self._step(*self._next_batch())
            now = self.state.elapsed_s = time.monotonic() - self._started
            if now - shown > self.options.preview_seconds:
                self._preview()
                shown = now
            if now - saved > 60 * self.options.save_minutes:
                self.save()
                saved = now
        if self.state.samples > self._first_sample:
            self._preview()
            self.save()

    def save(self) -> None:
        """Write checkpoint (averaged weights) and resume file, if everything since the last check was finite."""
        self._check()
        self.checkpoint().save(self.output)
        self.state.save(self.resume_file, resume_settings(self.options, self.photos))

    def checkpoint(self) -> checkpoint.Checkpoint:
        """The averaged network as it stands, with its story."""
        weights = sharpened(self.state.average, self.options.sharpen)
        return checkpoint.Checkpoint(
            self.objective.network.options,
            self.initial.styles,
            training_metadata(self.options, self.state),
            weights,
        )

    def _next_batch(self) -> tuple[Tensor, list[str]]:
        """The next crops, at the size that the schedule wants by now."""
        crop = self.schedule.crop(self._progress())
        if self.objective.compiles and crop != self.crops.crop:
            self._compile(*crop)
        return self.crops(crop, self.state.samples)

    def _compile(self, side_px: int, count: int) -> None:
        """Before the first of such batches; takes none of the time to train."""
        self._report("compiling")
        began = time.monotonic()
        self.objective.prepare(count, side_px)
        self._started += time.monotonic() - began

    def _on_cpu(self) -> bool:
        return self.objective.device.type == "cpu"

    def _progress(self) -> float:
        return self.schedule.progress(self.state.step, self.state.elapsed_s)

    def _step(self, crops: Tensor, bad: list[str]) -> None:
        state, device = self.state, self.objective.device
        state.bad_files = list(dict.fromkeys([*state.bad_files, *bad]))
        photo = crops.to(device, non_blocking=True, memory_format=torch.channels_last)
        style = (torch.arange(len(photo), device=device) + state.samples) % len(self.styles)
        for group in state.optimizer.param_groups:
            group["lr"] = self.schedule.learning_rate(self._progress())
        terms = self.objective(photo, style, state.samples)
        terms["total"].backward()
        terms["gradient"] = torch.nn.utils.clip_grad_norm_(state.network.parameters(), self.options.clip)
        self._names = list(terms)
        self._unchecked.append((state.step + 1, torch.stack([term.detach() for term in terms.values()])))
        if self._on_cpu() or len(self._unchecked) == CHECK_EVERY_ON_GPU:
            self._check()
        state.optimizer.step()
        state.optimizer.zero_grad()
        state.average_weights(self.options.ema)
        state.step += 1
        state.samples += len(photo)

    def _check(self) -> None:
        """Look at the losses since the last look; raise TrainingDiverged at the first that is not finite."""
        if not self._unchecked:
            return
        steps, rows = zip(*self._unchecked, strict=True)
        pending, self._unchecked = torch.stack(rows), []
        finite = pending.isfinite()
        if not finite.all():
            row, column = (~finite).nonzero()[0].tolist()
            raise TrainingDiverged(
                f"{self._names[column]} is {pending[row, column].item()} at step {steps[row]}; {self.resume_file} "
                "holds the last good state: --resume it, or start again with a lower --learning-rate"
            )
        recent = [dict(zip(self._names, row, strict=True)) for row in pending.tolist()]
        self.state.recent = [*self.state.recent, *recent][-WINDOW:]
        self._report("step", step=steps[-1], terms=recent[-1])

    @torch.no_grad()
    def _preview(self) -> None:
        style = torch.arange(len(self.previews), device=self.objective.device) % len(self.styles)
        inputs = (self.previews.to(self.objective.device), self.objective.blend(style))
        stylized = functional_call(self.objective.network, self.state.average, inputs)
        self._report("preview", previews=(self.previews, stylized.clamp(0, 1).cpu()))

    def _report(self, kind: Literal["start", "compiling", "step", "preview", "end"], **more: Any) -> None:
        state, progress = self.state, self._progress()
        spent = max(1e-9, state.elapsed_s - self._first_s)
        left = state.elapsed_s * (1 - progress) / progress if progress else 0.0
        event = Event(
            kind,
            state.step,
            progress,
            left,
            (state.samples - self._first_sample) / spent,
            self.schedule.learning_rate(progress),
            bad_files=tuple(state.bad_files),
        )
        for callback in self.callbacks:
            callback(replace(event, **more))
