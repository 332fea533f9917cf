"""VGG19 features: pretrained, frozen, layers by name, normalization inside."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import FastStyleError
from .padding import PaddedConv
from .tensor_files import load_tensors

# Convolutions per block and channels per block: configuration E of Simonyan & Zisserman 2014.
DEPTHS = (2, 2, 4, 4, 4)
CHANNELS = (64, 128, 256, 512, 512)
LAYERS = tuple(f"relu{block}_{depth}" for block, count in enumerate(DEPTHS, 1) for depth in range(1, count + 1))

# torchvision's input convention: RGB in [0, 1], ImageNet statistics.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

Padding = Literal["zeros", "reflect", "replicate"]


def _torchvision_indices() -> dict[str, int]:
    """Index of each layer's convolution in torchvision's `vgg19().features`."""
    indices, index = {}, 0
    for layer in LAYERS:
        block, depth = int(layer[4]), int(layer[6])
        indices[layer] = index
        index += 3 if depth == DEPTHS[block - 1] else 2  # conv, relu, and the pool that ends a block
    return indices


INDICES = _torchvision_indices()


def deepest(layers: Iterable[str]) -> str:
    """The deepest of `layers`; raises FastStyleError for a name that VGG19 does not have."""
    for layer in layers:
        if layer not in LAYERS:
            raise FastStyleError(f"VGG19 has no layer {layer!r}; choose from {', '.join(LAYERS)}")
    return max(layers, key=LAYERS.index)


class VGG19(nn.Module):
    """Frozen VGG19 convolutions up to and including `last`.

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
        """VGG19 up to `last` from a state dict in torchvision's names, or from torchvision's own download.

        Raises FastStyleError when the file is not such a state dict or ends above `last`, or the download fails.
        """
        state = read_state(weights) if weights else download_state()
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
        """Activations after the ReLUs named in `layers`: {name: (N, C, H / 2^(block - 1), W / 2^(block - 1))}."""
        wanted = set(layers)
        features: dict[str, Tensor] = {}
        if not wanted:
            return features
        x = ((image - self.mean) / self.std).to(next(self.convs.parameters()).dtype)
        for layer, conv in self.convs.items():
            if layer.endswith("_1") and layer != LAYERS[0]:
                x = F.max_pool2d(x, 2)
            x = F.relu(conv(x))
            if layer in wanted:
                features[layer] = x
                wanted.discard(layer)
            if not wanted:
                break
        return features


def _too_short(weights: Path | None, first_missing: str, last: str) -> str:
    position = LAYERS.index(first_missing)
    if position == 0:
        return f"{weights}: not a VGG19 state dict in torchvision's names (features.0.weight, ...)"
    return (
        f"layer {last} is asked for, but {weights} reaches only {LAYERS[position - 1]}; "
        "choose layers up to that one, or leave --vgg-weights out to download the complete file"
    )


def read_state(path: Path) -> Mapping[str, Tensor]:
    """A state dict from a file, read without running code. Raises FastStyleError when there is none in it."""
    state = load_tensors(path)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise FastStyleError(f"{path}: not a VGG19 state dict in torchvision's names (features.0.weight, ...)")
    return state


def download_state() -> Mapping[str, Tensor]:
    """torchvision's IMAGENET1K_V1 weights, downloaded once (548 MB, hash checked) to torch's cache folder."""
    from torchvision.models import VGG19_Weights

    weights = VGG19_Weights.IMAGENET1K_V1
    try:
        return weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise FastStyleError(
            f"could not download VGG19 ({error}); fetch {weights.url} elsewhere and pass it with --vgg-weights FILE"
        ) from error
