"""Quantize exported networks to 8-bit integers after training, by NNCF, calibrated on photographs."""

import contextlib
import io
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..system import signal_stack
from .formats import read_ir

if TYPE_CHECKING:
    from onnx import ModelProto

# What stays in float, as positions among the convolutions that the picture goes through; the first recipe, and the
# quickest, quantizes all. The output convolution's errors are seen as they are, the first's by every later layer.
RECIPES: tuple[tuple[int, ...], ...] = ((), (-1,), (0, -1))


def quantize(
    model: "ModelProto", suffix: str, photos: Sequence[NDArray[np.float32]], spared: tuple[int, ...] = ()
) -> Any:
    """Quantize the convolutions to 8 bits for the format of that suffix: each runtime has its own kind of int8.

    photos: (1, 3, H, W) in [0, 1] each, from which the activations' ranges are taken; of several styles each takes
    another. spared: positions of convolutions that stay in float. Returns what `write` takes.
    """
    try:
        import nncf
    except ImportError as error:
        raise FastStyleError('int8 takes NNCF: pip install "fast_style[export]"') from error
    nncf.set_log_level(logging.ERROR)
    pictured, others = _convolutions(model)
    ignored = [*others, *(pictured[place] for place in spared)]
    # OpenVINO's name of a convolution whose bias has become an addition.
    ignored += [f"{name}/WithoutBiases" for name in ignored]
    # Its bars know nothing of ours.
    with contextlib.redirect_stdout(io.StringIO()), signal_stack.kept():
        return nncf.quantize(
            read_ir(model) if suffix == ".xml" else model,
            nncf.Dataset(_inputs(model, photos)),
            subset_size=len(photos),
            preset=nncf.QuantizationPreset.MIXED,
            ignored_scope=nncf.IgnoredScope(names=ignored, validate=False) if ignored else None,
        )


def _inputs(model: "ModelProto", photos: Sequence[NDArray[np.float32]]) -> list[dict[str, NDArray[np.float32]]]:
    styles = [value.type.tensor_type.shape.dim[1].dim_value for value in model.graph.input if value.name == "blend"]
    if not styles:
        return [{"image": photo} for photo in photos]
    each = np.eye(styles[0], dtype=np.float32)
    return [{"image": photo, "blend": each[i % styles[0]][None]} for i, photo in enumerate(photos)]


def _convolutions(model: "ModelProto") -> tuple[list[str], list[str]]:
    """Names of those that the picture goes through, and of those that mix the styles' scales and shifts."""
    of_picture = {"image"}
    pictured: list[str] = []
    others: list[str] = []
    for node in model.graph.node:
        if node.op_type != "Shape" and of_picture & set(node.input):
            of_picture |= set(node.output)
        if node.op_type == "Conv":
            (pictured if node.output[0] in of_picture else others).append(node.name)
    return pictured, others
