"""Networks to start from: a random one, or a trained one that is handed the styles it is to have."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..data.photos import PhotoCrops, list_photos
from ..errors import FastStyleError
from ..models import checkpoint
from ..models.architectures import build
from ..models.pruning import pruned
from ..models.transformer import TransformerNetwork
from ..models.vgg import VGG19
from ..models.vgg_encoder import VggEncoderNetwork
from ..options import DataOptions, NetworkOptions, TrainOptions

CROPS_TO_PRUNE_ON = 16


@dataclass(frozen=True)
class Start:
    """The network to train and the styles that it holds."""

    network: TransformerNetwork
    styles: list[dict[str, Any]]
    """What the checkpoint says of each style, in the order of the network's rows."""
    first: int = 0
    """Row of the first style that is trained; those before it stay as they are."""
    steps: int = 0
    """Steps that it was trained for before, as far as its file tells."""


def start(options: TrainOptions, styles: list[dict[str, Any]]) -> Start:
    """The network that the options ask for, with a row of scales and shifts for each of `styles`.

    From `--init` the convolutions are taken over; so is the row of a style of the same name; other styles start at the
    mean of its rows. With `--freeze-network` all its styles are kept and only the rows of new ones have gradients.
    Raises FastStyleError for an unreadable file, and for frozen networks without a file or with a style already there.
    """
    if not options.init:
        for flag, used in (("--freeze-network", options.freeze_network), ("--keep", options.keep < 1)):
            if used:
                raise FastStyleError(f"{flag} needs a trained network: name one with --init")
        return Start(_random(options, len(styles)), styles)
    loaded = _with_options(checkpoint.load(checkpoint.find(options.init)), options)
    kept = loaded.styles if options.freeze_network else []
    there = {style["name"] for style in kept} & {style["name"] for style in styles}
    if there:
        names = ", ".join(sorted(there))
        raise FastStyleError(f"{options.init} has a style named {names}; choose another --style-name")
    together = [*kept, *styles]
    network = with_styles(loaded, [style["name"] for style in together])
    if options.keep < 1:
        network = pruned(network, options.keep, _some_photos(options.data))
    if options.freeze_network:
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(is_style_row(name))
    steps = loaded.training.get("steps_in_all", loaded.training.get("steps", 0))
    return Start(network.train(), together, len(kept), steps)


def _random(options: TrainOptions, styles: int) -> TransformerNetwork:
    torch.manual_seed(options.data.seed)
    network = build(options.network(styles))
    if isinstance(network, VggEncoderNetwork):
        network.vgg.load_state_dict(VGG19.load(network.vgg.layers[-1], options.loss.vgg_weights).state_dict())
    return network


def _some_photos(data: DataOptions) -> Tensor:
    """The first crops of the training: (CROPS_TO_PRUNE_ON, 3, H, W)."""
    photos, _ = list_photos(data.dataset, data.hold_out)
    crops = PhotoCrops(photos, data.seed, data.finish_size, data.photo_size)
    return torch.stack([crops[i][0] for i in range(CROPS_TO_PRUNE_ON)])


def _with_options(loaded: checkpoint.Checkpoint, options: TrainOptions) -> checkpoint.Checkpoint:
    """With the attention that the options ask for added to it: so that it changes nothing yet."""
    if options.arch not in (NetworkOptions.arch, loaded.model.arch):
        raise FastStyleError(f"--init {options.init} is a {loaded.model.arch} network; leave --arch out")
    if not options.attention or loaded.model.attention:
        return loaded
    torch.manual_seed(options.data.seed)
    model = replace(loaded.model, attention=True)
    return replace(loaded, model=model, weights={**build(model).state_dict(), **loaded.weights})


def with_styles(loaded: checkpoint.Checkpoint, names: list[str]) -> TransformerNetwork:
    """The checkpoint's network with one row per name: its own of that name, else the mean of all its rows."""
    own = [style["name"] for style in loaded.styles]

    def rows(weight: Tensor) -> Tensor:
        mean = weight.float().mean(0)
        return torch.stack([weight[own.index(name)].float() if name in own else mean for name in names])

    weights = {key: rows(value) if is_style_row(key) else value for key, value in loaded.weights.items()}
    return replace(loaded, model=replace(loaded.model, styles=len(names)), weights=weights).network()


def is_style_row(parameter: str) -> bool:
    """Whether a parameter of that name holds one row per style."""
    return ".norm." in parameter
