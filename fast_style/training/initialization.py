"""Initialize the network to train: random weights, or those of a checkpoint with rows added for new styles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from .. import images
from ..data.photos import PhotoCrops, list_photos
from ..data.styles import Style, find_styles
from ..errors import FastStyleError
from ..inference.style_weights import predictor_input
from ..models import checkpoint
from ..models.architectures import build
from ..models.checkpoint_file import no_predictor
from ..models.johnson import TransformerNetwork
from ..models.pruning import pruned
from ..models.structure import PREDICTOR_PREFIX
from ..models.vgg import VGG19
from ..models.vgg_encoder import VggEncoderNetwork
from ..options import PREDICTED_ROWS, DataOptions, NetworkOptions, TrainOptions

PRUNING_CROPS = 16
"""Crops over which the importance of channels is measured."""


@dataclass(frozen=True)
class InitialNetwork:
    """Hold the network to train and the styles that it has."""

    network: TransformerNetwork
    styles: list[dict[str, Any]]
    """Entries of the checkpoint, in the order of the network's style rows."""
    first_trained: int = 0
    """Row of the first style that is trained; those before it are frozen."""
    steps_before: int = 0
    """Steps of earlier trainings, as far as the initial checkpoint tells."""
    predicts: bool = False
    """Whether it has learned to predict styles before."""


def initialize(options: TrainOptions, styles: Sequence[dict[str, Any]]) -> InitialNetwork:
    """Build the network that the options ask for, with a row of norm parameters for each of `styles`.

    From `--init` the convolutions are copied, and the rows of styles of the same name; other styles start at the mean
    of its rows, or, of a network for any painting, at what it predicts for their first pictures. With
    `--freeze-network` all its styles are kept and only the rows of new ones have gradients. Raises FastStyleError for
    an unreadable file, and for frozen networks without a file or with a style already there.
    """
    if not options.init:
        for name, used in (("freeze_network", options.freeze_network), ("keep", options.keep < 1)):
            if used:
                raise FastStyleError(f"`{name}` needs a trained network: name one with `init`")
        return InitialNetwork(_random_network(options, len(styles)), list(styles))
    loaded = _with_attention(checkpoint.load(checkpoint.find(options.init)), options)
    if options.any_style:
        if loaded.model.styles > PREDICTED_ROWS:
            raise FastStyleError(
                f"`init` {options.init} has {loaded.model.styles} styles; take one of {PREDICTED_ROWS}"
            )
        network = with_predictor(loaded, options.data.seed).train()
        return InitialNetwork(network, list(styles), 0, _steps_of(loaded), loaded.model.predictor)
    if loaded.model.predictor:
        if options.freeze_network:
            raise FastStyleError(f"`freeze_network`: {options.init} has no styles of its own to keep")
        loaded = predicted(loaded, find_styles(options.style))
    frozen = loaded.styles if options.freeze_network else []
    duplicates = {style["name"] for style in frozen} & {style["name"] for style in styles}
    if duplicates:
        names = ", ".join(sorted(duplicates))
        raise FastStyleError(f"{options.init} has a style named {names}; choose another `style_name`")
    all_styles = [*frozen, *styles]
    network = with_styles(loaded, [style["name"] for style in all_styles])
    if options.keep < 1:
        network = pruned(network, options.keep, _first_crops(options.data))
    if options.freeze_network:
        network.requires_grad_(False)
        for name in network.style_parameters():
            network.get_parameter(name).requires_grad_(True)
    return InitialNetwork(network.train(), all_styles, len(frozen), _steps_of(loaded))


def _steps_of(loaded: checkpoint.Checkpoint) -> int:
    steps: int = loaded.training.get("steps_in_all", loaded.training.get("steps", 0))
    return steps


def _random_network(options: TrainOptions, styles: int) -> TransformerNetwork:
    torch.manual_seed(options.data.seed)
    network = build(options.network(styles))
    if isinstance(network, VggEncoderNetwork):
        network.vgg.load_state_dict(VGG19.load(network.vgg.layers[-1], options.loss.vgg_weights).state_dict())
    return network


def _first_crops(data: DataOptions) -> Tensor:
    """Return the first crops of the training: (PRUNING_CROPS, 3, H, W)."""
    photos, _ = list_photos(data.dataset, data.hold_out)
    crops = PhotoCrops(photos, data.seed, data.finish_size, data.photo_size)
    return torch.stack([crops[i][0][0] for i in range(PRUNING_CROPS)])


def _with_attention(loaded: checkpoint.Checkpoint, options: TrainOptions) -> checkpoint.Checkpoint:
    """Add the attention that the options ask for, initialized so that the output stays the same."""
    if options.arch not in (NetworkOptions.arch, loaded.model.arch):
        raise FastStyleError(f"`init` {options.init} is a {loaded.model.arch} network; leave `arch` out")
    if not options.attention or loaded.model.attention:
        return loaded
    torch.manual_seed(options.data.seed)
    model = replace(loaded.model, attention=True)
    return replace(loaded, model=model, weights={**build(model).state_dict(), **loaded.weights})


def with_styles(loaded: checkpoint.Checkpoint, names: Sequence[str]) -> TransformerNetwork:
    """Build the checkpoint's network with one row per name: its row of that name, else the mean of all its rows."""
    own = [style["name"] for style in loaded.styles]

    def rows(weight: Tensor) -> Tensor:
        mean = weight.float().mean(0)
        return torch.stack([weight[own.index(name)].float() if name in own else mean for name in names])

    weights = dict(loaded.weights)
    for name in loaded.network().style_parameters():
        weights[name] = rows(weights[name])
    return replace(loaded, model=replace(loaded.model, styles=len(names)), weights=weights).network()


@torch.no_grad()
def predicted(loaded: checkpoint.Checkpoint, styles: Sequence[Style]) -> checkpoint.Checkpoint:
    """Return the network of these styles that a network for any painting predicts for the first picture of each.

    Raises FastStyleError for a network that paints its own styles alone, and for unreadable pictures.
    """
    network = loaded.network()
    if network.predictor is None:
        raise no_predictor()
    pictures = [images.to_array(predictor_input(images.read(style.pictures[0]).rgb)) for style in styles]
    blends = torch.cat([network.predictor(torch.from_numpy(picture)) for picture in pictures])
    per_style = set(network.style_parameters())
    weights = {
        name: blends @ weight.float() if name in per_style else weight
        for name, weight in network.state_dict().items()
        if not name.startswith(PREDICTOR_PREFIX)
    }
    model = replace(loaded.model, styles=len(styles), predictor=False)
    return replace(loaded, model=model, weights=weights, styles=[style.describe() for style in styles])


def with_predictor(loaded: checkpoint.Checkpoint, seed: int) -> TransformerNetwork:
    """Build the checkpoint's network with PREDICTED_ROWS style rows and a network that predicts their weights.

    The first rows are its own; the others differ from nothing by as much as its own differ from each other, in random
    directions. Weights for a painting begin as the mean of its own. A network that predicts already stays as it is.
    """
    if loaded.model.predictor:
        return loaded.network()
    own, model = loaded.model.styles, replace(loaded.model, styles=PREDICTED_ROWS, predictor=True)
    torch.manual_seed(seed)
    network = build(model)
    weights = {**network.state_dict(), **loaded.weights}
    for name in network.style_parameters():
        rows = weights[name].float()
        spread = rows.std(0, correction=0) if own > 1 else 0.1 * rows.abs().mean(0)
        weights[name] = torch.cat([rows, 0.5 * spread * torch.randn(PREDICTED_ROWS - own, rows.shape[1])])
    weights["predictor.head.weight"] = 0.1 * network.state_dict()["predictor.head.weight"]
    weights["predictor.head.bias"] = (torch.arange(PREDICTED_ROWS) < own) / own
    return replace(loaded, model=model, weights=weights).network()
