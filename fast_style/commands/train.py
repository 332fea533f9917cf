"""`train.py`: train a network, with a progress bar, TensorBoard curves and preview pictures."""

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from tqdm import tqdm

from ..options import WITHOUT_EFFECT, TrainOptions
from ..system import malloc
from ..system.atomic import atomic_path
from ..system.launch import Launch, launched
from .console.help import Help
from .console.parsing import parse
from .console.recipes import recipe_of
from .console.signals import stop_on_signal

if TYPE_CHECKING:
    from ..training import Event, Trainer

LISTED_BAD_FILES = 20
HELP = Help(
    first="style dataset output minutes steps init style_size style_weight vgg_weights resume device",
    examples=(
        "--style wave.jpg --dataset coco/val2017",
        "--style wave.jpg --dataset coco/val2017 --init scream --minutes 5",
        "--config checkpoints/wave.yaml --dataset coco/val2017 --output mine.pth",
    ),
)
RECIPE_HEADER = "# Written by train.py; use it with --config.\n"


def main(arguments: Sequence[str] | None = None, prog: str = "train.py") -> int:
    """Train as the arguments say; return the exit code."""
    options = parse(TrainOptions, arguments or [], prog, HELP)
    first = (launched() or Launch(0, 1)).rank == 0
    if first and options.output and _names_folder(options.output, arguments or []):
        options.output.mkdir(parents=True, exist_ok=True)
    return train(options)


def _names_folder(path: Path, arguments: Sequence[str]) -> bool:
    """Return whether the path was given with a separator at its end, which `Path` drops: a folder, there or not."""
    given = [argument.partition("=")[2] or argument for argument in arguments]
    return any(text.endswith(("/", os.sep)) and Path(text) == path for text in given)


def train(options: TrainOptions) -> int:
    """Train as the options say, showing progress on the terminal; return the exit code.

    Of several processes that torchrun started the first one reports for all.
    """
    malloc.tune()
    from ..system.distributed import ReportedElsewhere
    from ..training import Trainer

    try:
        trainer = Trainer(options)
        return _train_and_report(trainer) if trainer.group.is_first else _train_silently(trainer)
    except ReportedElsewhere:
        return 1


def _train_and_report(trainer: "Trainer") -> int:
    from ..data.photos import PREVIEW_SUFFIX
    from ..training.callbacks import TensorBoard
    from ..training.files import companion

    log_dir = trainer.options.log_dir or companion(trainer.output, ".runs")
    bar = ProgressBar(companion(trainer.output, PREVIEW_SUFFIX))
    trainer.callbacks = [bar, TensorBoard(log_dir)]
    print(f"training {trainer.output}; previews in {bar.preview}; curves: tensorboard --logdir {log_dir}")
    with stop_on_signal(second_ends=trainer.group.launch is None) as stopped, closing(bar.bar):
        trainer.run(stopped)
    _write_recipe(trainer.options, companion(trainer.output, ".yaml"))
    _say_how_it_ended(trainer.output, bar.last)
    return 0


def _train_silently(trainer: "Trainer") -> int:
    from ..training import TrainingDiverged

    with stop_on_signal(second_ends=False) as stopped:
        try:
            trainer.run(stopped)
        except TrainingDiverged:  # which the first process reports
            return 1
    return 0


class ProgressBar:
    """A listener of the training: shows losses, speed and time left in one line, and writes the preview picture."""

    def __init__(self, preview: Path) -> None:
        self.preview = preview
        self.last: Event | None = None
        self.bar = tqdm(total=1.0, bar_format="{percentage:3.0f}% |{bar}| {desc}", dynamic_ncols=True)

    def __call__(self, event: "Event") -> None:
        self.last = event
        if event.kind == "compiling":
            self.bar.set_description_str("compiling, a minute or so, once for each size of crops")
        if event.terms:
            shown = "  ".join(f"{name} {event.terms[name]:.3f}" for name in ("content", "style") if name in event.terms)
            left = tqdm.format_interval(event.seconds_left)
            self.bar.set_description_str(
                f"step {event.step}  {shown}  {event.images_per_s:.1f} img/s  {left} left", refresh=False
            )
            self.bar.update(event.progress - self.bar.n)
        if event.previews:
            from ..training.callbacks import write_preview

            try:
                write_preview(self.preview, *event.previews)
            except OSError as error:  # a viewer may hold the file on Windows; the training goes on
                self.bar.write(f"note: no preview written: {error}")


def _write_recipe(options: TrainOptions, path: Path) -> None:
    """Write what `--config` needs for the same result, unless somebody's own recipe lies there."""
    if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(RECIPE_HEADER):
        return
    recipe = yaml.safe_dump(recipe_of(options, without=WITHOUT_EFFECT), sort_keys=False, allow_unicode=True)
    with atomic_path(path) as temporary:
        temporary.write_text(RECIPE_HEADER + recipe, encoding="utf-8")


def _say_how_it_ended(output: Path, last: "Event | None") -> None:
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
        print(f"{output}: trained for {steps} steps; use it with stylize.py --model {output} PICTURE")
