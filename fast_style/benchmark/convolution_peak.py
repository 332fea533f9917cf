"""Measure the peak rate of an engine: a chain of the convolutions that hold most of the network's arithmetic.

A network's share of the peak is relative to the best rate that any engine reaches on the machine.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engines.registry import ENGINES
from ..system import signal_stack

# (channels, height, width): the residual blocks of the full network at 1280x720.
SHAPE = (128, 180, 320)
LAYERS = 4


def chain_flops(shape: tuple[int, int, int]) -> float:
    """Count the operations of one pass of the chain; a multiplication and an addition count as two."""
    channels, height, width = shape
    return float(LAYERS * 2 * 9 * channels * channels * height * width)


FLOPS = chain_flops(SHAPE)

Pass = Callable[[], NDArray[Any]]


def engines_for(precision: str, device: str) -> list[str]:
    """Return the installed engines that compute in that precision on the device."""
    able = [entry for entry in ENGINES.values() if precision in entry.precisions and entry.is_installed]
    return [entry.name for entry in able if device == "cpu" or entry.name == "torch"]


def prepare(engine: str, precision: str, device: str) -> Pass:
    """Return a call that makes one pass of the chain (FLOPS operations) and waits for its end."""
    if engine == "openvino":
        return _in_openvino(precision)
    return _in_onnx_runtime() if engine == "onnx" else _in_torch(precision, device)


def weights() -> NDArray[np.float32]:
    """Return the weights of one convolution: (channels, channels, 3, 3)."""
    return np.random.default_rng(0).uniform(-0.025, 0.025, (SHAPE[0], SHAPE[0], 3, 3)).astype(np.float32)


def _in_openvino(precision: str) -> Pass:
    import openvino
    from openvino import opset13 as ops

    # One channel at both ends, so that the time to convert float32 to the precision and back does not count.
    image = ops.parameter([1, 1, *SHAPE[1:]], np.float32)
    x = image
    for kernel in (weights()[:, :1], *[weights()] * LAYERS):
        x = ops.relu(ops.convolution(x, ops.constant(kernel), [1, 1], [1, 1], [1, 1], [1, 1]))
    channel = ops.slice(x, [0], [1], [1], [1])
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16"}
    with signal_stack.kept():
        compiled = openvino.Core().compile_model(openvino.Model([channel], [image]), "CPU", hints)
    features = np.random.default_rng(1).random((1, 1, *SHAPE[1:]), np.float32)
    return lambda: compiled(features)[0]


def _in_onnx_runtime() -> Pass:
    import onnxruntime

    from ..export.onnx_format import Model, Node, tensor

    names = [f"x{layer}" for layer in range(LAYERS + 1)]
    model = Model([], {"weights": tensor("weights", weights())}, {})
    for source, target in pairwise(names):
        model.nodes.append(Node.make("Conv", [source, "weights"], [f"{target}_linear"], pads=[1, 1, 1, 1]))
        model.nodes.append(Node.make("Relu", [f"{target}_linear"], [target]))
    model.set_name("peak")
    model.set_opset(17)
    model.add_input(names[0], 1, *SHAPE)
    model.add_output(names[-1], 1, *SHAPE)
    session = onnxruntime.InferenceSession(model.encode(), providers=["CPUExecutionProvider"])
    features = np.random.default_rng(1).random((1, *SHAPE), np.float32)

    def run() -> NDArray[Any]:
        result: NDArray[Any] = session.run(None, {names[0]: features})[0]
        return result[:, :1]

    return run


def _in_torch(precision: str, device: str) -> Pass:
    import torch
    from torch.nn import functional as F

    from ..system.hardware import DTYPES

    where: dict[str, Any] = {"device": device, "dtype": DTYPES[precision]}
    features = torch.rand(1, *SHAPE, **where).to(memory_format=torch.channels_last)
    kernel = torch.from_numpy(weights()).to(**where).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def run() -> NDArray[Any]:
        x = features
        for _ in range(LAYERS):
            x = F.relu(F.conv2d(x, kernel, padding=1), inplace=True)
        pixel: NDArray[Any] = x[:, :1, :1, :1].float().cpu().numpy()  # waits for the device
        return pixel

    return run
