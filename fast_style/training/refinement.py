"""Refine what a network for any painting makes of one painting, until it is a style of its own."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from .. import images
from ..data.styles import find_styles
from ..inference.style_weights import predictor_input
from ..models import checkpoint
from ..models.bundled import SAMPLES
from ..models.checkpoint_file import no_predictor
from ..models.structure import PREDICTOR_PREFIX
from ..options import DataOptions, LossOptions, StyleOptions, TrainOptions
from .callbacks import Callback
from .files import RESUME_SUFFIX, companion
from .trainer import train

LEARNING_RATE = 1e-3
"""Peak, for a network that paints much like the painting already."""


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
    that are to be stylized. output: checkpoint to write. Raises FastStyleError for
    files that cannot be used, and as `train` does.
    """
    with tempfile.TemporaryDirectory() as folder:
        dataset, start = Path(folder) / "photos", Path(folder) / "start.pth"
        dataset.mkdir()
        for i, photo in enumerate((*SAMPLES, *photos)):
            shutil.copy(photo, dataset / f"{i:05d}{photo.suffix}")
        style = StyleOptions((painting,))
        one_style(checkpoint.load(model), painting, style).save(start, dtype=None)
        options = TrainOptions(
            style,
            DataOptions(dataset, workers=0, finish_share=0.0),
            loss,
            output=output,
            minutes=seconds / 60,
            learning_rate=LEARNING_RATE,
            init=str(start),
            overwrite=overwrite,
        )
        made = train(options, callbacks, should_stop)
        companion(made, RESUME_SUFFIX).unlink(missing_ok=True)  # of photographs that are gone
        return made


@torch.no_grad()
def one_style(loaded: checkpoint.Checkpoint, painting: Path, style: StyleOptions) -> checkpoint.Checkpoint:
    """Return the network of one style that a network for any painting predicts for a painting.

    Raises FastStyleError for a network that paints its own styles alone.
    """
    network = loaded.network()
    if network.predictor is None:
        raise no_predictor()
    about = find_styles(style)[0]
    picture = images.to_array(predictor_input(images.read(painting).rgb))
    blend = network.predictor(torch.from_numpy(picture))[0]
    per_style = set(network.style_parameters())
    weights: dict[str, Tensor] = {
        name: (blend @ weight.float())[None] if name in per_style else weight
        for name, weight in network.state_dict().items()
        if not name.startswith(PREDICTOR_PREFIX)
    }
    model = replace(loaded.model, styles=1, predictor=False)
    return replace(loaded, model=model, weights=weights, styles=[about.describe()])
