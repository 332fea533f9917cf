"""Run the training loop: sample, step, check, report, save."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import count as counted
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ..data.photos import PhotoCrops, list_photos
from ..data.styles import as_one, find_styles, teacher_styles
from ..errors import FastStyleError
from ..models import checkpoint
from ..options import TrainOptions
from ..system import distributed
from ..system.atomic import remove_stale
from ..system.hardware import deterministic
from ..system.launch import launched
from .any_style_objective import AnyStyleObjective
from .base_objective import BaseObjective
from .callbacks import Callback, Event, preview_photos
from .cycle import CycleObjective
from .files import RESUME_SUFFIX, being_written, checkpoint_path, companion, training_on, way_back
from .initialization import initialize
from .metadata import resume_settings, training_metadata
from .objective import Objective
from .processes import check_inputs, check_shares, continues, share_state
from .schedule import Schedule
from .state import TrainingState

CHECK_INTERVAL_ON_GPU = 25
"""Steps between two looks at the loss on a GPU: fetching it waits for the device."""
SNAPSHOT_INTERVAL = 25
"""Least number of steps between two copies of the state in memory, to return to after a divergence."""
WINDOW = 100
"""Steps whose mean loss is kept in the checkpoint."""


class TrainingDiverged(FastStyleError):
    """Report that a loss term, the gradient or a weight became NaN or infinite."""


def train(
    options: TrainOptions, callbacks: Sequence[Callback] = (), should_stop: Callable[[], bool] = lambda: False
) -> Path:
    """Train as `options` say, write the checkpoint and return its path; the resume file lies beside it.

    Ends early, with everything saved, when `should_stop` returns True after a step. Raises FastStyleError for inputs
    that cannot be used and where another process trains to the same output, and TrainingDiverged, which says how to go
    on, when the arithmetic breaks down.
    """
    with alone(options):
        trainer = Trainer(options, callbacks)
        trainer.run(should_stop)
    return trainer.output


def output_of(options: TrainOptions) -> Path:
    """Return the checkpoint that a training writes. Raises FastStyleError where it is named by a style that is none."""
    if options.output and not options.output.is_dir():
        return options.output
    if options.any_style:
        return checkpoint_path(options, _name_of_any(options))
    if options.teacher:
        return checkpoint_path(options, str(teacher_styles(options.teacher)[0]["name"]))
    return checkpoint_path(options, find_styles(options.style)[0].name)


def _name_of_any(options: TrainOptions) -> str:
    return (options.style.style_name or ("any",))[0]


def _objective_of(options: TrainOptions) -> type[CycleObjective | Objective]:
    """Return what these options train against."""
    if options.gan.adversarial:
        return CycleObjective
    return AnyStyleObjective if options.any_style else Objective


@contextmanager
def alone(options: TrainOptions) -> Iterator[None]:
    """Keep other processes from training to the same output during the block; of several, the first one does it.

    Raises FastStyleError where one does so already.
    """
    launch = launched()
    with nullcontext() if launch and launch.rank else being_written(output_of(options)):
        yield


class _Stopped(FastStyleError):
    """End a training that was asked to stop while it prepares, on all processes."""


class Trainer:
    """Run a training: hold its options and state, and take the steps from one state to the next."""

    def __init__(
        self, options: TrainOptions, callbacks: Sequence[Callback] = (), group: distributed.Group | None = None
    ) -> None:
        """Read what the options name. group: the processes that train together; by default those torchrun started."""
        self.group = group or distributed.join(options.device)
        with self.group.agreeing():
            self._prepare(options, callbacks)
        with self.group.agreeing():
            self._read_resume_file()
        if self.group.count > 1:
            check_inputs(self.settings, self.group)
            share_state(self.state, self.group)

    def _prepare(self, options: TrainOptions, callbacks: Sequence[Callback]) -> None:
        self.options, self.callbacks, self.schedule = options, callbacks, Schedule(options)
        check_shares(self.schedule, self.group)
        pictures = find_styles(options.style)
        if options.any_style:
            pictures = [as_one(pictures, _name_of_any(options))]
        self.styles = teacher_styles(options.teacher) if options.teacher else [style.describe() for style in pictures]
        self.output = output_of(options)
        self.outputs = [self.output, way_back(self.output)] if options.gan.adversarial else [self.output]
        self.resume_file = companion(self.output, RESUME_SUFFIX)
        self.resumes = self.group.is_first and self._goes_on()
        self.photos, others = list_photos(options.data.dataset, options.data.hold_out)
        self.initial = initialize(options, self.styles)
        self.settings = resume_settings(options, self.styles, self.photos)
        shown = () if options.gan.adversarial else pictures  # whose previews have rows of paintings
        self.paintings = [next(style.paintings(options.style)) for style in shown]
        self.previews = preview_photos(list_photos(options.data.dataset)[0][::-1])
        with deterministic(options.deterministic):
            kind = _objective_of(options)
            self.objective: BaseObjective = kind(options, self.initial, pictures, self.group)
        on_cpu = self.objective.device.type == "cpu"
        self.check_interval = 1 if on_cpu else CHECK_INTERVAL_ON_GPU
        self.crops = self.objective.stream(self.photos, self.group.share)
        bad_files = [str(path) for path in others]
        self.state = TrainingState.begin(self.objective.network, self.objective.optimizer(), bad_files)
        self.state.before = self.initial.steps_before
        self._unchecked: list[tuple[int, Tensor]] = []
        self._names: list[str] = []
        self._started = 0.0
        self._wrote_checkpoint = False

    def _goes_on(self) -> bool:
        """Return whether to continue from the resume file. Raises FastStyleError where files would be lost."""
        if continues(self.options, self.group.launch, self.resume_file):
            return True
        for path in (*self.outputs, self.resume_file):
            if path.exists() and not self.options.overwrite:
                raise FastStyleError(f"{path} exists; choose another `output`, `resume` it or `overwrite` it")
        return False

    def _read_resume_file(self) -> None:
        if not self.resumes:
            return
        try:
            further = training_on(self.options, self.output)
            self.state.load(self.resume_file, self.settings, further and f"to train further without it: {further}")
        except FastStyleError as error:
            if self.options.resume:
                raise
            raise FastStyleError(f"{error}; or choose another `output`, or `overwrite` it") from error

    @property
    def finished(self) -> bool:
        """Return whether the budget is spent, as it is where a training that had come to its end is resumed."""
        return self._progress() >= 1

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Train until the budget is spent or `should_stop`; save before and after the first step, then at intervals.

        A run that is killed at any instant leaves a state that `--resume` accepts.
        """
        self._started = time.monotonic() - self.state.elapsed_s
        self._first_sample, self._first_s = self.state.samples, self.state.elapsed_s
        self._snapshots = deque([self.state.snapshot()], maxlen=2)
        if self.group.is_first:
            remove_stale(self.output.parent)  # also where this process has written there before
            if self.resumes:
                self._restore_checkpoint()
            else:  # replaces the state of a run that is overwritten
                self.state.save(self.resume_file, self.settings)
        self._report("start")
        try:
            with deterministic(self.options.deterministic):
                if self.options.any_style:
                    self._look_at_paintings(should_stop)
                self._loop(should_stop)
        except _Stopped:  # before the first step: there is nothing to save yet
            pass
        except TrainingDiverged as error:
            raise TrainingDiverged(f"{error}; {self._go_back()}") from error
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            # torch's signal handler raises it anywhere, in the middle of a step too: what was saved last is whole.
            raise FastStyleError("a process that decodes photographs was killed; `resume` goes on") from error
        except FastStyleError:  # the photographs are gone, or another process died: the state is whole
            self.save()
            raise
        finally:
            self.crops.close()
        self._report("end")
        self.group.close()

    def _loop(self, should_stop: Callable[[], bool]) -> None:
        shown = saved = -float("inf")
        while not self.finished and not self.group.any(should_stop()):
            self._step(*self._next_batch())
            # The first process's clock says for all of them when to save, to show and to end.
            now = self.state.elapsed_s = self.group.of_first(time.monotonic() - self._started)
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
        """Write the resume file, then the checkpoint (averaged weights), which can be restored from it.

        Raises TrainingDiverged, and writes nothing, when a loss or a weight is not finite.
        """
        self._check()
        if not self.state.is_finite():
            raise TrainingDiverged(f"weights are not finite in half precision at step {self.state.step}")
        self._write()

    def _write(self, diverged: bool = False) -> None:
        if not self.group.is_first:
            return
        self.state.save(self.resume_file, self.settings, diverged)
        if self.state.step or self._wrote_checkpoint:
            for ours, path in zip(self.checkpoints(), self.outputs, strict=True):
                ours.save(path)
            self._wrote_checkpoint = True

    def _restore_checkpoint(self) -> None:
        """Write the checkpoint of the resumed state where a killed run left none, or an older one."""
        for ours, path in zip(self.checkpoints(), self.outputs, strict=True):
            if self.state.step and not (path.exists() and ours.equals(path)):
                ours.save(path)

    def _go_back(self) -> str:
        """Return to the last state known to be good and save it; the message says how to go on."""
        self.state.restore(self._snapshots[0])
        self._unchecked.clear()
        self._write(diverged=True)
        rate = self.options.peak_learning_rate
        message = (
            f"{self.resume_file} holds the last good state, after step {self.state.step}: go on from there with "
            f"`resume` and a lower `learning_rate`, such as {rate / 4:g} (it was {rate:g}), or a lower `clip` "
            f"(it was {self.options.clip:g})"
        )
        return message + (", or `precision` fp32" if self.objective.dtype != torch.float32 else "")

    def checkpoints(self) -> list[checkpoint.Checkpoint]:
        """Return the averaged networks as they stand, with their metadata, in the order of `outputs`."""
        return self.objective.checkpoints(self.state.average, training_metadata(self.options, self.state))

    def _next_batch(self) -> tuple[Tensor, list[str]]:
        """Return this process's share of the next crops, at the current size of the schedule, and bad files met."""
        crop = self.schedule.crop(self._progress())
        if self.objective.compiles and crop != self.crops.crop:
            self._compile(*crop)
        with self.group.agreeing():
            self.objective.advance(self.state.step)
            crops, bad = self.crops(crop, self.state.samples)
        return crops, self.group.union(bad)

    def _compile(self, side_px: int, count: int) -> None:
        """Compile before the first batch of a size, outside the time budget."""
        self._report("compiling")
        began = time.monotonic()
        self.objective.prepare(count, side_px)
        self._started += time.monotonic() - began

    def _look_at_paintings(self, should_stop: Callable[[], bool]) -> None:
        """Prepare what a network for any style learns from, outside the time budget."""
        self._report("preparing")
        began = time.monotonic()
        if not self._is_prepared():
            with self.group.agreeing():
                self._pretrain(should_stop)
            if self.group.count > 1:  # which may have rounded differently
                share_state(self.state, self.group)
            if self.group.is_first:  # it took an hour, which a kill or a divergence must not cost again
                self.state.save(self.resume_file, self.settings)
            self._snapshots = deque([self.state.snapshot()], maxlen=2)
        with self.group.agreeing():
            self.objective.advance(self.state.step)
        self._started += time.monotonic() - began

    def _is_prepared(self) -> bool:
        """Return whether the network predicts styles, as it does from another such one or from an interrupted run."""
        assert isinstance(self.objective, AnyStyleObjective)  # as the options say
        return self.initial.predicts or bool(self.objective.predictor.center.any())

    def _pretrain(self, should_stop: Callable[[], bool]) -> None:
        assert isinstance(self.objective, AnyStyleObjective)  # as the options say

        def progress(share: float) -> None:
            if should_stop():
                raise _Stopped("stopped before the first step")
            self._report("preparing", prepared=share)

        self.objective.pretrain(self._endless_crops, progress)
        for name, weight in self.state.network.named_parameters():
            self.state.average[name].copy_(weight.detach())

    def _endless_crops(self, size_px: int) -> Iterator[Tensor]:
        crops = PhotoCrops(self.photos, self.options.data.seed, size_px, (size_px, 4 * size_px))
        return (crops[i][0][0] for i in counted())

    def _progress(self) -> float:
        return self.schedule.progress(self.state.step, self.state.elapsed_s)

    def _step(self, crops: Tensor, bad: list[str]) -> None:
        state, device = self.state, self.objective.device
        state.bad_files = list(dict.fromkeys([*state.bad_files, *bad]))
        pictures = [each.to(device, non_blocking=True, memory_format=torch.channels_last) for each in crops]
        count = self.crops.crop[1]
        positions = torch.tensor(self.group.share(count), device=device)
        style = (positions + state.samples) % self.objective.style_count
        for group in state.optimizer.param_groups:
            group["lr"] = self.schedule.learning_rate(self._progress())
        terms = self.objective(pictures, style, state.samples, count)
        terms["total"].backward()
        terms = {name: term.detach() for name, term in terms.items()}
        gradients = [weight.grad for weight in state.network.parameters() if weight.grad is not None]
        self.group.average_([*gradients, *terms.values()], self.group.weight(count))
        terms["gradient"] = self._clip()
        self._names = list(terms)
        self._unchecked.append((state.step + 1, torch.stack(list(terms.values()))))
        if len(self._unchecked) >= self.check_interval:
            self._check()
            self._keep_snapshot()
        state.optimizer.step()
        state.optimizer.zero_grad()
        state.average_weights(self.options.ema)
        state.step += 1
        state.samples += count

    def _clip(self) -> Tensor:
        """Clip the gradients of each group of parameters; return the largest norm of before."""
        clip, groups = torch.nn.utils.clip_grad_norm_, self.state.optimizer.param_groups
        return torch.stack([clip(group["params"], self.options.clip) for group in groups]).max()

    def _check(self) -> None:
        """Fetch and report the losses since the last check; raise TrainingDiverged at the first that is not finite."""
        if not self._unchecked:
            return
        steps, rows = zip(*self._unchecked, strict=True)
        pending, self._unchecked = torch.stack(rows), []
        finite = pending.isfinite()
        if not finite.all():
            row, column = (~finite).nonzero()[0].tolist()
            raise TrainingDiverged(f"{self._names[column]} is {pending[row, column].item()} at step {steps[row]}")
        recent = [dict(zip(self._names, row, strict=True)) for row in pending.tolist()]
        self.state.recent = [*self.state.recent, *recent][-WINDOW:]
        self._report("step", step=steps[-1], terms=recent[-1])

    def _keep_snapshot(self) -> None:
        """Copy the state, whose loss and gradient have just been found finite; the older of two copies is returned to.

        Weights that lead to NaN are often finite for some steps before.
        """
        if self.state.step >= self._snapshots[-1]["counters"][0] + SNAPSHOT_INTERVAL:
            # The last terms are of the step that has not been taken yet.
            self._snapshots.append({**self.state.snapshot(), "recent": self.state.recent[:-1]})

    def _preview(self) -> None:
        if self.group.is_first and self.callbacks:
            self._report("preview", previews=self.objective.preview(self.previews, self.state.average))

    def _report(self, kind: Literal["start", "preparing", "compiling", "step", "preview", "end"], **more: Any) -> None:
        if not self.group.is_first:
            return
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
