"""Keep kernels in 8 bits with a scale for each output channel: half the size of float16, and the same pictures.

As in Krishnamoorthi 2018 (https://arxiv.org/abs/1806.08342), symmetric and per channel. A file holds `NAME` as int8 and
`NAME:scale` as float32, one for each output channel; biases, norms and scales stay floats. Readers get floats.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError

SUFFIX = ":scale"
MOST = 127
# Low bits of a float32 scale that are zero: its products with whole numbers up to 127 are exact then, so that weights
# that were read and written again stay the same.
_ZERO_BITS = 8

# Above it weights would not be finite.
LARGEST = float(np.finfo(np.float32).max) / (MOST + 1)


def quantize(weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the weights with each kernel (output channels, ...) as int8 and its scales beside it.

    No weight moves by more than half a scale, which is a 127th of the largest weight of its output channel.
    """
    result: dict[str, NDArray[Any]] = {}
    for name, value in weights.items():
        if value.ndim < 3:
            result[name] = value
            continue
        kernel = value.astype(np.float32)
        scale = _scale(np.abs(kernel).max(axis=tuple(range(1, kernel.ndim)), keepdims=True) / np.float32(MOST))
        result[name] = np.rint(kernel / scale).clip(-MOST, MOST).astype(np.int8)
        result[name + SUFFIX] = scale.ravel()
    return result


def _scale(exact: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round scales up to the bits that are kept; those of zeros are 1."""
    step = np.uint32(1 << _ZERO_BITS)
    bits = exact.astype(np.float32).view(np.uint32)
    rounded = ((bits + (step - np.uint32(1))) // step * step).view(np.float32)
    return np.where(rounded > 0, rounded, np.float32(1)).astype(np.float32)


def dequantize(weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return what `quantize` was given, within half a scale, kernels as float32.

    Raises FastStyleError for kernels without a scale for each output channel, and for weights that are not finite.
    """
    result: dict[str, NDArray[Any]] = {}
    for name, value in weights.items():
        if value.dtype == np.int8:
            scale = weights.get(name + SUFFIX)
            if scale is None or scale.dtype != np.float32 or value.ndim < 3 or scale.shape != value.shape[:1]:
                raise FastStyleError(f"{name} has no scale for each channel: damaged checkpoint?")
            if not (np.abs(scale) <= LARGEST).all():
                raise FastStyleError(f"{name}: weights that are not finite: damaged checkpoint?")
            value = value * scale.reshape(-1, *(1,) * (value.ndim - 1))
        elif name.endswith(SUFFIX) and name.removesuffix(SUFFIX) in weights:
            continue
        result[name] = value
    return result
