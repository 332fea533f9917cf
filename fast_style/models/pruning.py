"""Prune the least important channels of every layer of a trained network (structured pruning)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import FastStyleError
from .architectures import build
from .johnson import TransformerNetwork
from .realtime import RealtimeNetwork
from .vgg_encoder import VggEncoderNetwork


@dataclass(frozen=True)
class Group:
    """Name the layers whose channels must be pruned together: producers are summed and read by the consumers."""

    producers: tuple[str, ...]
    """Names of `ConvNorm` units."""
    consumers: tuple[str, ...]
    """Names of convolutions."""
    per_width: int
    """Channels for each unit of the network's width."""


def pruned(network: TransformerNetwork, keep: float, photos: Tensor) -> TransformerNetwork:
    """Return the network at `keep` of its width, 0 to 1, each layer with its most important channels in their order.

    Importance is measured over photos, (N, 3, H, W) in [0, 1]: a channel's variance times the energy of the weights
    that read it, which is its contribution to the next layers, whose norms remove a constant (after He et al. 2017).
    Raises FastStyleError for a network with attention or VGG19 in it.
    """
    if network.options.attention or isinstance(network, VggEncoderNetwork):
        raise FastStyleError("a network with attention or VGG19 in it cannot be pruned")
    width = max(1, round(keep * network.options.width))
    energies = _energies(network, photos)
    weights, style_rows = network.state_dict(), network.style_parameters()
    for group in groups(network):
        importance = torch.stack([energies[consumer] for consumer in group.consumers]).sum(0)
        kept = importance.topk(width * group.per_width).indices.sort().values
        for name in group.producers:
            rows = {key: 1 for key in style_rows if key.startswith(f"{name}.")}
            _select(weights, kept, {f"{name}.conv.weight": 0, **rows})
        for name in group.consumers:
            _select(weights, kept, {f"{name}.weight": 1})
    small = build(replace(network.options, width=width))
    small.load_state_dict(weights)
    return small


def groups(network: TransformerNetwork) -> Iterator[Group]:
    """Yield the groups of all channels between input and output whose number depends on the width."""
    blocks = [f"blocks.{i}" for i in range(network.options.blocks)]
    first, after = ("stem", "up") if isinstance(network, RealtimeNetwork) else ("down3", "up1")
    added = (first, *(f"{block}.second" for block in blocks))
    yield Group(added, (*(f"{block}.first.conv" for block in blocks), f"{after}.conv"), 4)
    for block in blocks:
        yield Group((f"{block}.first",), (f"{block}.second.conv",), 4)
    if first == "down3":
        yield Group(("down1",), ("down2.conv",), 1)
        yield Group(("down2",), ("down3.conv",), 2)
        yield Group(("up1",), ("up2.conv",), 2)
        yield Group(("up2",), ("out",), 1)


@torch.no_grad()
def _energies(network: TransformerNetwork, photos: Tensor) -> dict[str, Tensor]:
    """Measure what each input channel adds to the output of each convolution: {name: (inputs,)}."""
    energies: dict[str, Tensor] = {}

    def register(name: str, conv: nn.Conv2d) -> None:
        def measure(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            variance = inputs[0].float().var((0, 2, 3), correction=0)
            energies[name] = variance * conv.weight.square().sum((0, 2, 3))

        handles.append(conv.register_forward_pre_hook(measure))

    handles: list[torch.utils.hooks.RemovableHandle] = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            register(name, module)
    styles = network.options.styles
    network(photos, F.one_hot(torch.arange(len(photos)) % styles, styles).float())  # each style in turn
    for handle in handles:
        handle.remove()
    return energies


def _select(weights: dict[str, Tensor], kept: Tensor, dims: dict[str, int]) -> None:
    for name, dim in dims.items():
        weights[name] = weights[name].index_select(dim, kept)
