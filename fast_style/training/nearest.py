"""Find the shipped network that paints most like a new style already: the best one to start its training from."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from .. import images
from ..data.styles import find_styles
from ..losses.perceptual import gram, load_vgg, relative_distance, style_target
from ..models import checkpoint
from ..models.bundled import SAMPLES, checkpoints
from ..models.tensor_files import load_tensors
from ..options import TrainOptions
from .initialization import predicted

# Short side in px of the pictures that the networks paint to be compared.
SIZE_PX = 192


@torch.no_grad()
def nearest_network(options: TrainOptions) -> str | None:
    """Return the name of the shipped network to start from; None where none fits the options.

    It is the one whose paintings of the sample pictures have the least style distance (Gram matrices of VGG19, as in
    the training) to the first style. Networks of one style and of the architecture that is asked for are compared, and
    what a network for any painting predicts for that style. Raises FastStyleError for style pictures and VGG19 weights
    that cannot be used.
    """
    known = dict(candidates(options))
    layers = options.loss.layers_in_use["style"]
    if not known or not layers:
        return None
    vgg = load_vgg(options.loss)
    target = style_target(vgg, list(find_styles(options.style)[0].tensors(options.style))[:1], layers)
    small = [images.to_array(images.resize_short_side(images.read(path).rgb, SIZE_PX)) for path in SAMPLES]

    def distance(name: str) -> float:
        network = known[name].network()
        features = [vgg(network(torch.from_numpy(photo)).clamp(0, 1), layers) for photo in small]
        return sum(float(relative_distance(gram(each[k]), target[k])) for each in features for k in layers)

    return min(known, key=distance)


def candidates(options: TrainOptions) -> Iterator[tuple[str, checkpoint.Checkpoint]]:
    """The shipped networks that have the shape of a new one, by name, each with one style."""
    shape = options.network(1)
    for name, path in checkpoints().items():
        loaded = checkpoint.load(path)
        if loaded.model.predictor:
            loaded = predicted(loaded, find_styles(options.style)[:1])
        steady = loaded.training.get("recipe", {}).get("loss", {}).get("temporal_weight", 0)
        if loaded.model == shape and bool(steady) == bool(options.loss.temporal_weight):
            yield name, loaded


def starts_from_nearest(options: TrainOptions) -> bool:
    """Return whether a training begins with a search for the nearest network: nothing else is said of its start."""
    shaped = (
        options.width is not None
        or options.blocks is not None
        or options.attention
        or options.keep < 1
        or options.any_style
        or options.gan.adversarial
    )
    said = options.init or options.from_scratch or options.teacher or options.freeze_network or shaped
    return not said


def with_nearest(options: TrainOptions, resume_file: Path | None = None) -> TrainOptions:
    """Return the options with `init` set to the nearest network.

    resume_file: of the run that goes on, whose start is taken instead.
    """
    if resume_file and resume_file.exists():
        saved = load_tensors(resume_file)
        recipe = saved.get("recipe", {}) if isinstance(saved, dict) else {}
        return replace(options, init=recipe.get("init"), from_scratch=recipe.get("init") is None)
    return replace(options, init=nearest_network(options))
