"""Define VGG19 as a frozen feature extractor: layers by name, normalization inside."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import FastStyleError
from .padding import PaddedConv
from .vgg_layers import CHANNELS, LAYERS, MEAN, STD
from .vgg_weights import INDICES, default_state, read_state

Padding = Literal["zeros", "reflect", "replicate"]


def deepest(layers: Iterable[str]) -> str:
    """Return the deepest of `layers`; raises FastStyleError for a name that VGG19 does not have."""
    for layer in layers:
        if layer not in LAYERS:
            raise FastStyleError(f"VGG19 has no layer {layer!r}; choose from {', '.join(LAYERS)}")
    return max(layers, key=LAYERS.index)


class VGG19(nn.Module):
    """Compute activations of VGG19's frozen convolutions up to and including the layer `last`.

    Input: RGB, float, (N, 3, H, W), range [0, 1]. H and W must survive the poolings in use (16 px for relu5_*).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, last: str = LAYERS[-1], padding: Padding = "zeros") -> None:
        super().__init__()
        self.layers = LAYERS[: LAYERS.index(deepest([last])) + 1]
        channels = [3] + [CHANNELS[int(layer[4]) - 1] for layer in self.layers]
        self.convs = nn.ModuleDict(
            {
                layer: PaddedConv(channels[i], channels[i + 1], 3, padding=1, padding_mode=padding)
                for i, layer in enumerate(self.layers)
            }
        )
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    @classmethod
    def load(cls, last: str, weights: Path | None = None, padding: Padding = "zeros") -> "VGG19":
        """Build VGG19 up to `last` with the weights of a file (see `vgg_weights.read_state`) or the default ones.

        Raises FastStyleError when the file is not such a state dict or ends above `last`, or the download fails.
        """
        state = read_state(weights) if weights else default_state()
        vgg = cls(last, padding)
        missing = [layer for layer in vgg.layers if f"features.{INDICES[layer]}.weight" not in state]
        if missing:
            raise FastStyleError(_too_short(weights, missing[0], last))
        try:
            for layer, conv in vgg.convs.items():
                conv.load_state_dict({k: state[f"features.{INDICES[layer]}.{k}"].float() for k in ("weight", "bias")})
        except (KeyError, RuntimeError) as error:
            raise FastStyleError(f"{weights}: {layer} does not have VGG19's shape") from error
        return vgg.eval()

    def forward(self, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Compute the activations after the ReLUs named in `layers`.

        Returns {name: (N, C, H / 2^(block - 1), W / 2^(block - 1))}; nothing deeper than asked for is computed.
        """
        missing = set(layers)
        features: dict[str, Tensor] = {}
        if not missing:
            return features
        x = ((image - self.mean) / self.std).to(next(self.convs.parameters()).dtype)
        for layer, conv in self.convs.items():
            if layer.endswith("_1") and layer != LAYERS[0]:
                x = F.max_pool2d(x, 2)
            x = F.relu(conv(x))
            if layer in missing:
                features[layer] = x
                missing.discard(layer)
            if not missing:
                break
        return features


def _too_short(weights: Path | None, first_missing: str, last: str) -> str:
    position = LAYERS.index(first_missing)
    if position == 0:
        return f"{weights}: not a VGG19 state dict in torchvision's names (features.0.weight, ...)"
    return (
        f"layer {last} is asked for, but {weights} reaches only {LAYERS[position - 1]}; "
        "choose layers up to that one, or leave `vgg_weights` out to download the complete file"
    )
