"""Leave out channels of a trained network, then train it to give the same pictures: `fast-style prune`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from ..errors import FastStyleError
from ..models.bundled import find
from ..options import DataOptions, LossOptions, StyleOptions, TrainOptions
from .console.flags import POSITIONAL
from .console.help import Help
from .console.parsing import parse
from .train import train

STEPS, LEARNING_RATE = 600, 1e-3
HELP = Help(
    first="dataset keep output steps learning_rate style vgg_weights device resume overwrite",
    examples=("wave --dataset coco/val2017 --keep 0.5",),
)


@dataclass(frozen=True)
class PruneCommand:
    """Make a trained network narrower: keep its most important channels, then train what is left.

    It learns to paint what the whole network paints; with --style, from the picture, as the whole network did.
    """

    model: Annotated[str, POSITIONAL]
    """Checkpoint or shipped name."""

    data: DataOptions

    loss: LossOptions = field(default_factory=LossOptions)

    style: StyleOptions = field(default_factory=StyleOptions)

    keep: float = 0.5
    """Share of the channels of every layer to keep."""

    output: Path | None = None
    """Checkpoint to write; by default MODEL_KEEP.pth in the working folder."""

    steps: int = STEPS
    """Steps to train afterwards."""

    learning_rate: float = LEARNING_RATE
    """Peak learning rate."""

    device: str = "auto"
    """cpu, cuda, cuda:1, mps or auto."""

    resume: bool = False
    """Continue the interrupted run of the same --output."""

    overwrite: bool = False
    """Replace an existing --output."""


def main(arguments: Sequence[str], prog: str) -> int:
    """Prune and train; return the exit code."""
    command = parse(PruneCommand, arguments, prog, HELP)
    if not 0 < command.keep < 1:
        raise FastStyleError(f"`keep` is {command.keep:g}; it takes a share between 0 and 1")
    return train(_options(command))


def _options(command: PruneCommand) -> TrainOptions:
    model = find(command.model)
    return TrainOptions(
        command.style,
        command.data,
        command.loss,
        output=command.output or Path(f"{model.stem}_{command.keep:g}.pth"),
        steps=command.steps,
        learning_rate=command.learning_rate,
        init=str(model),
        keep=command.keep,
        teacher=None if command.style.style else str(model),
        device=command.device,
        resume=command.resume,
        overwrite=command.overwrite,
    )
