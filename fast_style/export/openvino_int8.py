"""Let networks compute in 8-bit integers in OpenVINO, without photographs to calibrate with.

The norms say what comes out of them: a channel lies around its shift, within some multiples of its scale. Each channel
has a step of its own, which the weights of the convolution behind it take over (as Xiao et al. 2023 do), so that all
channels of its input are integers of one unit, as processors multiply them.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.structure import PREDICTOR_PREFIX
from ..options import NetworkOptions
from ..options.network import Arch

Rows = NDArray[np.float64]
# Measured: of `lite` 6 clips edges that stand out (42 instead of 46 dB), 12 wastes steps (44 dB); of `johnson` 8 gives
# 37 to 40 dB, 12 to 14 42 to 44, 20 39 to 41.
DEVIATIONS: dict[Arch, float] = {"johnson": 12.0, "lite": 8.0, "nano": 8.0}
# Later ones repair little of what the first block gets wrong: with it a black-and-white facade came to 35 dB, not 41.
# Nor of what is wrong before: with that and the convolutions that make pictures smaller, `wave` came to 36 dB, not 40.
BLOCKS_IN_FLOAT = 1
# What doubles the features behind the blocks, and what comes last before them.
DECODERS: dict[Arch, tuple[str, ...]] = {"johnson": ("up1", "up2"), "lite": ("up",), "nano": ("up",)}
ENCODERS_END: dict[Arch, str] = {"johnson": "down3", "lite": "stem", "nano": "stem"}
# Processors without instructions for them add pairs of products in 16 bits, which 7-bit weights do not exceed.
LARGEST_WEIGHT, LARGEST_WITHOUT_VNNI = 127, 63
SMALLEST_STEP = 1e-6


def fits(options: NetworkOptions) -> bool:
    """Return whether that network can be quantized so: without attention, which has no norm, nor a part of VGG19."""
    return options.arch in DEVIATIONS and not options.attention


def quantize(graph: Any, options: NetworkOptions, weights: Mapping[str, NDArray[Any]], has_vnni: bool = True) -> None:
    """Quantize the convolutions behind the first block, in place.

    graph: the OpenVINO model of a network that `fits`, from `image`; weights: its checkpoint's, by name.
    """
    own = {name: value.astype(np.float64) for name, value in weights.items() if not name.startswith(PREDICTOR_PREFIX)}
    convs = {node.get_friendly_name().removesuffix("/WithoutBiases"): node for node in _convolutions(graph)}
    largest = LARGEST_WEIGHT if has_vnni else LARGEST_WITHOUT_VNNI
    deviations, decoders = DEVIATIONS[options.arch], DECODERS[options.arch]

    def rows(name: str) -> tuple[Rows, Rows]:
        """Shifts and scales of a norm, (S, C) each."""
        return own[f"{name}.norm.bias"], np.abs(own[f"{name}.norm.weight"])

    def behind_relu(name: str) -> Rows:
        shift, scale = rows(name)
        return (shift + deviations * scale).max(0) / 255

    def around(mean: Rows, variance: Rows) -> Rows:
        """The step of each channel that lies around a mean, of the styles the largest."""
        step: Rows = (np.abs(mean) + deviations * np.sqrt(variance)).max(0) / 127
        return step

    mean, variance = _rectified(*rows(ENCODERS_END[options.arch]))
    for i in range(options.blocks):
        if i >= BLOCKS_IN_FLOAT:
            _signed(convs[f"blocks.{i}.first"], around(mean, variance), largest)
            _positive(convs[f"blocks.{i}.second"], behind_relu(f"blocks.{i}.first"), largest)
        shift, scale = rows(f"blocks.{i}.second")
        mean, variance = mean + shift, variance + scale**2
    _signed(convs[decoders[0]], around(mean, variance), largest)
    for before, name in pairwise((*decoders, "out")):
        _positive(convs[name], behind_relu(before), largest)
    graph.validate_nodes_and_infer_types()


def _convolutions(graph: Any) -> list[Any]:
    return [node for node in graph.get_ops() if node.get_type_name() == "Convolution"]


def _rectified(mean: Rows, deviation: Rows) -> tuple[Rows, Rows]:
    """Mean and variance of the positive part of a normal distribution."""
    z = mean / np.maximum(deviation, SMALLEST_STEP)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    share = 0.5 * (1 + np.vectorize(math.erf)(z / math.sqrt(2)))
    first = mean * share + deviation * density
    second = (mean**2 + deviation**2) * share + mean * deviation * density
    return first, np.maximum(second - first**2, 0)


def _signed(conv: Any, step: Rows, largest: int) -> None:
    _quantize(conv, step, (-128, 127), largest)


def _positive(conv: Any, step: Rows, largest: int) -> None:
    _quantize(conv, step, (0, 255), largest)


def _quantize(conv: Any, step: Rows, levels: tuple[int, int], largest: int) -> None:
    """Quantize the input of a convolution, before it is padded, and its weights. step: of each channel of the input."""
    from openvino import opset13 as ops

    step = np.maximum(step, SMALLEST_STEP).reshape(1, -1, 1, 1)
    target = conv.input(0)
    while target.get_source_output().get_node().get_type_name() == "Pad":
        target = target.get_source_output().get_node().input(0)
    real, whole = ([np.float32(level * unit) for level in levels] for unit in (step, 1.0))
    target.replace_source_output(ops.fake_quantize(target.get_source_output(), *real, *whole, 256).output(0))
    weight = (conv.input_value(1).get_node().data * step).astype(np.float32)
    most = np.maximum(np.abs(weight).max((1, 2, 3), keepdims=True), np.float32(SMALLEST_STEP))
    quantized = ops.fake_quantize(ops.constant(weight), -most, most, -most, most, 2 * largest + 1)
    conv.input(1).replace_source_output(quantized.output(0))
