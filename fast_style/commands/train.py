"""Train a network, with a progress bar, TensorBoard curves and preview pictures: `train.py`."""

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from tqdm import tqdm

from ..errors import FastStyleError
from ..options import WITHOUT_EFFECT, TrainOptions
from ..options.recipes import recipe_of
from ..options.training import WARM_STEPS
from ..system import malloc
from ..system.atomic import atomic_path
from ..system.launch import Launch, launched
from .console.help import Help
from .console.parsing import parse
from .console.signals import stop_on_signal

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..training import Event, Trainer

LISTED_BAD_FILES = 20
SHOWN_TERMS = ("content", "style", "cycle", "adversarial", "discriminator")
TIMED_STEPS = 3
"""Steps after the first one, which is slow, from which the time left is known well enough to be told."""
LEAST_STEPS = WARM_STEPS // 5
"""Steps below which a network has hardly begun to learn a style."""
EXIT_CODES_OF_TRAINING = (
    "exit codes: 0 trained, or stopped by Ctrl-C and saved, 1 something could not be done, 2 wrong flags,\n"
    "130 interrupted by Ctrl-C before the training began, or by a second one"
)
HELP = Help(
    exit_codes=EXIT_CODES_OF_TRAINING,
    first="style dataset output minutes steps init from_scratch style_size style_weight vgg_weights resume device",
    examples=(
        "--style wave.jpg --dataset coco/val2017                           from the nearest shipped network",
        "--style wave.jpg --dataset coco/val2017 --init scream --minutes 5",
        "--style wave.jpg --dataset coco/val2017 --from-scratch            from a random network, 8000 steps",
        "--config checkpoints/wave.yaml --dataset coco/val2017 --output mine.pth",
    ),
)
RECIPE_HEADER = "# Written by train.py; use it with --config.\n"


def main(arguments: Sequence[str] | None = None, prog: str = "train.py") -> int:
    """Train as the arguments say; return the exit code."""
    options = parse(TrainOptions, arguments or [], prog, HELP)
    from ..training.trainer import alone  # takes a second to import, which the help does without

    first = (launched() or Launch(0, 1)).rank == 0
    if first and options.output and _names_folder(options.output, arguments or []):
        options.output.mkdir(parents=True, exist_ok=True)
    with alone(options):
        return train(_with_nearest(options), prog)


def _names_folder(path: Path, arguments: Sequence[str]) -> bool:
    """Return whether the path was given with a separator at its end, which `Path` drops: a folder, there or not."""
    given = [argument.partition("=")[2] or argument for argument in arguments]
    return any(text.endswith(("/", os.sep)) and Path(text) == path for text in given)


def _with_nearest(options: TrainOptions) -> TrainOptions:
    """Return the options with the network to start from, where none is named and none of another shape is asked for."""
    from ..data.photos import list_photos
    from ..data.styles import find_styles
    from ..training.files import RESUME_SUFFIX, companion
    from ..training.nearest import starts_from_nearest, with_nearest
    from ..training.processes import continues
    from ..training.trainer import output_of

    if not starts_from_nearest(options):
        return options
    find_styles(options.style)  # refused before the search, which takes long
    output = output_of(options)
    resume_file, launch = companion(output, RESUME_SUFFIX), launched()
    if continues(options, launch, resume_file):
        return with_nearest(options, resume_file)
    if output.exists() and not options.overwrite:
        return options  # which the trainer refuses
    list_photos(options.data.dataset, options.data.hold_out)
    first = launch is None or launch.rank == 0
    if first:
        print("comparing the painting with the shipped styles by VGG19, to start from the nearest ...", flush=True)
    found = with_nearest(options)
    if found.init and first:
        print(f"starting from {found.init}, the shipped network nearest in style; --from-scratch takes a random one")
    return found


def train(options: TrainOptions, prog: str = "train.py") -> int:
    """Train as the options say, showing progress on the terminal; return the exit code.

    prog: how the command was called, as which the others are named that use the network.

    Of several processes that torchrun started the first one reports for all.
    """
    malloc.tune()
    from ..system.distributed import ReportedElsewhere
    from ..training import Trainer

    if (launched() or Launch(0, 1)).rank == 0:
        print("loading VGG19, which judges the painting, and looking through the photographs ...", flush=True)
    try:
        trainer = Trainer(options)
        return _train_and_report(trainer, prog) if trainer.group.is_first else _train_silently(trainer)
    except ReportedElsewhere:
        return 1


def _train_and_report(trainer: "Trainer", prog: str) -> int:
    from ..data.photos import PREVIEW_SUFFIX
    from ..training.callbacks import TensorBoard
    from ..training.files import companion

    if trainer.finished:
        trainer.run()  # which restores a checkpoint that is gone
        _write_recipe(trainer.options, companion(trainer.output, ".yaml"))
        _say_that_it_was_over(trainer)
        return 0
    log_dir = trainer.options.log_dir or companion(trainer.output, ".runs")
    preview, curves = companion(trainer.output, PREVIEW_SUFFIX), TensorBoard(log_dir)
    print(_plan(trainer))
    print(f"previews in {preview}; curves: tensorboard --logdir {log_dir}")
    bar = ProgressBar(preview, trainer.paintings)
    trainer.callbacks = [bar, curves]
    with _stoppable(trainer) as stopped, closing(bar.bar):
        trainer.run(stopped)
    _write_recipe(trainer.options, companion(trainer.output, ".yaml"))
    _say_how_it_ended(trainer, bar.last, prog)
    return 0


def _stoppable(trainer: "Trainer") -> AbstractContextManager[Callable[[], bool]]:
    """Stop on a signal, which is answered at once: the step that runs and the saving may take a minute."""
    alone = trainer.group.launch is None
    again = "; once more ends it without saving" if alone else ""
    return stop_on_signal(second_ends=alone, answer=f"\nsaving, once this step is done ...{again}\n")


def _train_silently(trainer: "Trainer") -> int:
    from ..training import TrainingDiverged

    with stop_on_signal(second_ends=False) as stopped:
        try:
            trainer.run(stopped)
        except TrainingDiverged:  # which the first process reports
            return 1
    return 0


def _plan(trainer: "Trainer") -> str:
    """What the training will do, in a line."""
    options, network = trainer.options, trainer.initial.network
    millions = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    start = f"from {options.init}" if options.init else "from scratch"
    data = options.data
    crops = f"{data.batch_size} crops of {data.image_size} px, at the end of {data.finish_size} px"
    return (
        f"training {trainer.output}: {network.options.arch}, {millions:.2f} M parameters, {start}; "
        f"{_budget(options)} of {crops}, from {len(trainer.photos)} photographs, on {trainer.objective.device}"
    )


def _budget(options: TrainOptions) -> str:
    return f"{options.total_steps} steps" if options.minutes is None else f"{options.minutes:g} minutes"


class ProgressBar:
    """Show losses, speed and time left of a training in one line, and write the preview picture, as its callback."""

    def __init__(self, preview: Path, paintings: "Sequence[Image]" = ()) -> None:
        self.preview, self.paintings = preview, paintings
        self.first_step: int | None = None
        self.told = False
        self.last: Event | None = None
        self.bar = tqdm(total=1.0, bar_format="{percentage:3.0f}% |{bar}| {desc}", dynamic_ncols=True)

    def __call__(self, event: "Event") -> None:
        self.last = event
        if event.kind == "preparing":
            learned = f", learning to predict how to paint like them: {event.prepared:.0%}" if event.prepared else ""
            self.bar.set_description_str(f"looking at the paintings{learned}")
        if event.kind == "compiling":
            self.bar.set_description_str("compiling, a minute or so, once for each size of crops")
        if event.terms:
            shown = "  ".join(f"{name} {event.terms[name]:.3f}" for name in SHOWN_TERMS if name in event.terms)
            self.first_step = event.step if self.first_step is None else self.first_step
            pace = f"  {event.images_per_s:.1f} img/s  {tqdm.format_interval(event.seconds_left)} left"
            timed = event.step - self.first_step  # the first step is told of before it has been timed
            self.bar.set_description_str(f"step {event.step}  {shown}{pace if timed else ''}", refresh=False)
            self.bar.update(event.progress - self.bar.n)
            self._say_when(event, timed)
        if event.previews:
            from ..training.callbacks import write_preview

            try:
                write_preview(self.preview, event.previews, self.paintings)
            except OSError as error:  # a viewer may hold the file on Windows; the training goes on
                self.bar.write(f"note: no preview written: {error}")

    def _say_when(self, event: "Event", timed: int) -> None:
        """Say once, when some steps have been timed, when the training will be done on this machine."""
        if not self.told and timed >= TIMED_STEPS and event.progress < 1:
            self.told = True
            at = datetime.now() + timedelta(seconds=event.seconds_left)
            left = tqdm.format_interval(event.seconds_left)
            self.bar.write(f"done in about {left}, at {at:%H:%M}; Ctrl-C saves, --resume goes on", file=sys.stdout)


def _write_recipe(options: TrainOptions, path: Path) -> None:
    """Write what `--config` needs for the same result, unless somebody's own recipe lies there."""
    if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(RECIPE_HEADER):
        return
    recipe = yaml.safe_dump(recipe_of(options, without=WITHOUT_EFFECT), sort_keys=False, allow_unicode=True)
    with atomic_path(path) as temporary:
        temporary.write_text(RECIPE_HEADER + recipe, encoding="utf-8")


def _say_that_it_was_over(trainer: "Trainer") -> None:
    from ..training.files import training_on

    way = FastStyleError(training_on(trainer.options, trainer.output)).with_flags()
    print(f"{trainer.output}: its {_budget(trainer.options)} are over, nothing was trained")
    if way:
        print(f"to go on: leave --resume out, with {way}")


def _say_how_it_ended(trainer: "Trainer", last: "Event | None", prog: str) -> None:
    options, output = trainer.options, trainer.output
    script = prog == "train.py" and Path("stylize.py").is_file()
    stylize = "python stylize.py" if script else "fast-style stylize"
    bad = last.bad_files if last else ()
    if bad:
        print(f"skipped {len(bad)} files that are not readable pictures:")
        print("\n".join(f"  {path}" for path in bad[:LISTED_BAD_FILES]))
        if len(bad) > LISTED_BAD_FILES:
            print(f"  and {len(bad) - LISTED_BAD_FILES} more")
    steps = last.step if last else 0
    if last and last.progress < 1:  # a signal to any of the processes
        print(f"stopped after step {steps}; the same command with --resume continues")
    else:
        print(f"{output}: trained for {steps} steps")
        if options.minutes is not None and steps < LEAST_STEPS:
            print(
                f"only {steps} steps in {options.minutes:g} minutes: hardly trained, a style takes about {WARM_STEPS}; "
                "give it more --minutes, or a smaller --image-size and --finish-size, whose steps are quicker"
            )
        print(f"use it:   {stylize} PICTURE --model {_quoted(output)}")
        for path in trainer.outputs[1:]:
            print(f"and back: {stylize} PAINTING --model {_quoted(path)}")
        if options.style.style:
            where = f"--style {_quoted(options.style.style[0])} --photos {_quoted(options.data.dataset)}"
            print(f"judge it: fast-style evaluate {_quoted(output)} {where}{_vgg(options)}")


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _vgg(options: TrainOptions) -> str:
    weights = options.loss.vgg_weights
    return f" --vgg-weights {_quoted(weights)}" if weights else ""
