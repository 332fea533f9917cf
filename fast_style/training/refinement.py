"""Refine what a network for any painting makes of one painting, until it is a style of its own."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..models.bundled import SAMPLES
from ..options import DataOptions, LossOptions, StyleOptions, TrainOptions
from .callbacks import Callback
from .files import RESUME_SUFFIX, companion
from .trainer import train

LEARNING_RATE = 6e-4
"""Peak, for a network that paints much like the painting already."""
BATCH_SIZE = 1
"""Crops a step: in a minute many steps get further than good gradients."""


def refine(
    model: Path,
    painting: Path,
    photos: Sequence[Path],
    seconds: float,
    output: Path,
    loss: LossOptions = LossOptions(),
    callbacks: Sequence[Callback] = (),
    should_stop: Callable[[], bool] = lambda: False,
    overwrite: bool = False,
) -> Path:
    """Train a network of one style for that long, from what a network for any painting predicts; return its path.

    model: checkpoint of the network for any painting. photos: pictures to train on, beside the project's samples: those
    that are to be stylized. output: checkpoint to write, which is not there where `should_stop` came before the first
    step. Raises FastStyleError for files that cannot be used, and as `train` does.
    """
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder)
        for i, photo in enumerate((*SAMPLES, *photos)):
            shutil.copy(photo, dataset / f"{i:05d}{photo.suffix}")
        options = TrainOptions(
            StyleOptions((painting,)),
            DataOptions(dataset, batch_size=BATCH_SIZE, workers=0, finish_share=0.0),
            loss,
            output=output,
            minutes=seconds / 60,
            learning_rate=LEARNING_RATE,
            init=str(model),
            overwrite=overwrite,
        )
        made = train(options, callbacks, should_stop)
        companion(made, RESUME_SUFFIX).unlink(missing_ok=True)  # of photographs that are gone
        return made
