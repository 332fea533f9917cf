"""Convert checkpoints of pytorch/examples' fast_neural_style to our format, with the same output, and rename ours."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import FastStyleError
from ..options import NetworkOptions
from ..system.file_digest import sha256
from .architectures import build
from .checkpoint import Checkpoint, of_file
from .checkpoint_file import checked, is_checkpoint
from .tensor_files import as_arrays, load_tensors

# Their module names and ours; the same network (https://github.com/pytorch/examples, fast_neural_style).
STAGES = {
    "conv1.conv2d": "down1.conv",
    "conv2.conv2d": "down2.conv",
    "conv3.conv2d": "down3.conv",
    "in1": "down1.norm",
    "in2": "down2.norm",
    "in3": "down3.norm",
    "deconv1.conv2d": "up1.conv",
    "deconv2.conv2d": "up2.conv",
    "in4": "up1.norm",
    "in5": "up2.norm",
    "deconv3.conv2d": "out",
}
BLOCK_PARTS = {"conv1.conv2d": "first.conv", "in1": "first.norm", "conv2.conv2d": "second.conv", "in2": "second.norm"}


def convert(path: Path, name: str | None = None) -> Checkpoint:
    """Convert a pytorch/examples `TransformerNet` state dict of any width to a checkpoint for pictures in [0, 1].

    A checkpoint of ours is returned as it is, but for the name of its style. `module.` prefixes (DataParallel) and
    `running_*` keys (before PyTorch 0.4) are dropped. Raises FastStyleError for a file that holds another network.
    """
    content = load_tensors(path)
    if is_checkpoint(content):
        return _renamed(of_file(checked(path, as_arrays(content))), name)
    state = _state_dict(path, content)
    weights: dict[str, Tensor] = {}
    for key, value in state.items():
        ours = _our_key(key)
        if ours is None:
            raise FastStyleError(f"{path}: {key} is not a part of pytorch/examples' TransformerNet")
        weights[ours] = value.float()
    if not {"down1.conv.weight", "out.weight", "out.bias"} <= weights.keys():
        raise FastStyleError(f"{path}: not a pytorch/examples fast_neural_style checkpoint")
    blocks = {match[1] for key in weights if (match := re.match(r"blocks\.(\d+)\.", key))}
    model = NetworkOptions(width=len(weights["down1.conv.weight"]), blocks=len(blocks), output="linear")
    checkpoint = Checkpoint(
        model,
        [{"name": name or path.stem}],
        {"converted_from": "pytorch/examples fast_neural_style", "sha256": sha256(path)},
        _rescaled(weights, build(model).style_parameters()),
    )
    checkpoint.network()  # raises when a weight is missing or has another shape
    return checkpoint


def _renamed(checkpoint: Checkpoint, name: str | None) -> Checkpoint:
    if name is None:
        return checkpoint
    if len(checkpoint.styles) != 1:
        raise FastStyleError(f"`name` is for one style; this checkpoint has {len(checkpoint.styles)}")
    return replace(checkpoint, styles=[{**checkpoint.styles[0], "name": name}])


def _state_dict(path: Path, content: Any) -> Mapping[str, Tensor]:
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise FastStyleError(f"{path}: not a pytorch/examples fast_neural_style checkpoint")
    keys = {key: str(key).removeprefix("module.") for key in content}
    # The bias of a convolution before an instance norm is taken out again by the norm's mean.
    dropped = re.compile(r"running_|num_batches_tracked|(?<!deconv3\.)conv2d\.bias$")
    return {short: content[key] for key, short in keys.items() if not dropped.search(short)}


def _our_key(key: str) -> str | None:
    stage, _, kind = key.rpartition(".")
    if match := re.fullmatch(r"res(\d+)\.(.+)", stage):
        part = BLOCK_PARTS.get(match[2])
        return f"blocks.{int(match[1]) - 1}.{part}.{kind}" if part else None
    return f"{STAGES[stage]}.{kind}" if stage in STAGES else None


def _rescaled(weights: dict[str, Tensor], style_parameters: Collection[str]) -> dict[str, Tensor]:
    """Rescale from pictures in 0 to 255 to pictures in 0 to 1; norm parameters (C,) become rows of a style, (1, C)."""
    scales = {"down1.conv.weight": 255.0, "out.weight": 1 / 255, "out.bias": 1 / 255}
    scaled = {key: value * scales.get(key, 1.0) for key, value in weights.items()}
    return {key: value[None] if key in style_parameters else value for key, value in scaled.items()}
