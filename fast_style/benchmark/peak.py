"""What the machine can do at most: a chain of the convolutions that most of the network's arithmetic is in."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..system import signal_stack

# (channels, height, width): the residual blocks of the full network at 1280x720.
SHAPE = (128, 180, 320)
LAYERS = 4
FLOPS = float(LAYERS * 2 * 9 * SHAPE[0] * SHAPE[0] * SHAPE[1] * SHAPE[2])


def prepare(precision: str, device: str) -> tuple[Callable[[], NDArray[Any]], dict[str, float]]:
    """A call that does FLOPS operations in that precision: in OpenVINO on the CPU where it is there, else in torch."""
    known = {"flops": FLOPS}
    if device == "cpu":
        try:
            return _in_openvino(precision), known
        except ImportError:
            pass
    return _in_torch(precision, device), known


def _in_openvino(precision: str) -> Callable[[], NDArray[Any]]:
    import openvino
    from openvino import opset13 as ops

    rng, channels = np.random.default_rng(0), SHAPE[0]

    def eight_bit(x: Any, lowest: float) -> Any:
        ends = [ops.constant(np.float32(end)) for end in (lowest, 1)]
        return ops.fake_quantize(x, *ends, *ends, 256 if lowest == 0 else 255)

    image = ops.parameter([1, *SHAPE], np.float32)
    x = image
    for _ in range(LAYERS):
        weight = ops.constant((rng.random((channels, channels, 3, 3), np.float32) - 0.5) / 20)
        if precision == "int8":
            x, weight = eight_bit(x, 0), eight_bit(weight, -1)
        x = ops.relu(ops.convolution(x, weight, [1, 1], [1, 1], [1, 1], [1, 1]))
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16"}
    with signal_stack.kept():
        compiled = openvino.Core().compile_model(openvino.Model([x], [image]), "CPU", hints)
    picture = rng.random((1, *SHAPE), np.float32)
    return lambda: compiled(picture)[0][:, :1]


def _in_torch(precision: str, device: str) -> Callable[[], NDArray[Any]]:
    import torch
    from torch.nn import functional as F

    from ..system.hardware import DTYPES

    dtype = DTYPES[precision]
    x = torch.rand(1, *SHAPE, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    weight = torch.rand(SHAPE[0], SHAPE[0], 3, 3, device=device, dtype=dtype).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def run() -> NDArray[Any]:
        out = x
        for _ in range(LAYERS):
            out = F.conv2d(out, weight, padding=1)
        pixel: NDArray[Any] = out[:, :1, :1, :1].float().cpu().numpy()  # waits for the device
        return pixel

    return run
