"""Write a network as ExecuTorch (.pte), for Android and iOS: an ONNX graph of one size, operator by operator.

The method `forward` takes RGB float32 (1, 3, H, W) in [0, 1] and, where there are several styles, their weights,
(1, S); it returns the same as the first. The method `fast_style` returns the checkpoint's description. Operators are
written in forms that XNNPACK takes: the others would run in reference kernels, many times slower.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from onnx import ModelProto, NodeProto, numpy_helper

from ..errors import FastStyleError
from .metadata import KEY
from .onnx_graph import attributes, checked_inputs

Values = Mapping[str, Any]


def to_executorch(model: ModelProto) -> bytes:
    """Return the content of a .pte file.

    model: of one size (`opsets.at_size`). Raises FastStyleError for networks with attention, for graphs whose shapes
    are not fixed, and when the package executorch is missing.
    """
    sizes = checked_inputs(model, _OPERATORS, "ExecuTorch")
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower
    except ImportError as error:
        raise FastStyleError('ExecuTorch files need a package: pip install "fast_style[executorch]"') from error
    import torch

    program = torch.export.export(_network(model), tuple(torch.zeros(shape) for shape in sizes.values()))
    (description,) = [entry.value for entry in model.metadata_props if entry.key == KEY]
    lowered = to_edge_transform_and_lower(
        program, partitioner=[XnnpackPartitioner()], constant_methods={KEY: description}
    )
    return bytes(lowered.to_executorch().buffer)


def _network(model: ModelProto) -> Any:
    """Return the graph as a module of PyTorch, whose inputs are those of the graph in order."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
            weights = {name: array for name, array in constants.items() if array.ndim and array.dtype.kind == "f"}
            self.numbers = {name: array.tolist() for name, array in constants.items() if name not in weights}
            self.places = {name: f"weight_{place}" for place, name in enumerate(weights)}
            for name, place in self.places.items():  # not in a table: they would be written twice
                self.register_buffer(place, torch.tensor(weights[name]))

        def forward(self, *inputs: Any) -> Any:
            names = [value.name for value in model.graph.input]
            values = {name: getattr(self, place) for name, place in self.places.items()}
            values |= {**self.numbers, **dict(zip(names, inputs, strict=True))}
            for node in model.graph.node:
                values[node.output[0]] = _OPERATORS[node.op_type](node, values)
            return values["stylized"]

    return Network().eval()


def _plain(compute: Callable[..., Any]) -> Callable[[NodeProto, Values], Any]:
    """Return what computes an operator without attributes."""
    return lambda node, values: compute(*(values[name] for name in node.input))


def _conv(node: NodeProto, values: Values) -> Any:
    from torch.nn.functional import conv2d

    x, weight, bias = [*(values[name] for name in node.input), None][:3]
    return conv2d(x, weight, bias, stride=attributes(node)["strides"])


def _norm(node: NodeProto, values: Values) -> Any:
    """Instance norm as a scale and a shift of each channel: XNNPACK has no norms."""
    x, weight, bias = (values[name] for name in node.input)
    center = x.mean((2, 3), keepdim=True)
    centered = x - center
    variance = (centered * centered).mean((2, 3), keepdim=True)
    scale = (variance + attributes(node).get("epsilon", 1e-5)).rsqrt() * weight.reshape(1, -1, 1, 1)
    return centered * scale + bias.reshape(1, -1, 1, 1)


def _pad(node: NodeProto, values: Values) -> Any:
    """Put slices of one pixel around the picture: XNNPACK pads with constants alone."""
    import torch

    x, pads = values[node.input[0]], values[node.input[1]]
    reflects = attributes(node)["mode"] == b"reflect"
    for axis in (2, 3):
        last = x.shape[axis] - 1
        before = [x.narrow(axis, i if reflects else 0, 1) for i in range(pads[axis], 0, -1)]
        after = [x.narrow(axis, last - i if reflects else last, 1) for i in range(1, pads[4 + axis] + 1)]
        x = torch.cat([*before, x, *after], axis)
    return x


def _slice(node: NodeProto, values: Values) -> Any:
    x = values[node.input[0]]
    for start, stop, axis in zip(*(values[name] for name in node.input[1:4]), strict=True):
        end = min(stop, x.shape[axis]) if stop >= 0 else x.shape[axis] + stop
        x = x.narrow(axis, start, end - start)
    return x


def _blocks(node: NodeProto, values: Values) -> Any:
    x, block = values[node.input[0]], attributes(node)["blocksize"]
    _, channels, height, width = x.shape
    split = x.reshape(1, block, block, channels // block**2, height, width).permute(0, 3, 4, 1, 5, 2)
    return split.reshape(1, channels // block**2, height * block, width * block)


def _clip(node: NodeProto, values: Values) -> Any:
    x, low, high = (values[name] for name in node.input)
    return x.clamp(low, high)


def _pool(node: NodeProto, values: Values) -> Any:
    from torch.nn.functional import max_pool2d

    return max_pool2d(values[node.input[0]], 2)


def _expand(node: NodeProto, values: Values) -> Any:
    x, axes = values[node.input[0]], values[node.input[1]]
    for axis in sorted(axes):
        x = x.unsqueeze(axis)
    return x


_OPERATORS: dict[str, Callable[[NodeProto, Values], Any]] = {
    "Add": _plain(operator.add),
    "Clip": _clip,
    "Conv": _conv,
    "DepthToSpace": _blocks,
    "Div": _plain(operator.truediv),
    "InstanceNormalization": _norm,
    "MaxPool": _pool,
    "Mul": _plain(operator.mul),
    "Pad": _pad,
    "Relu": _plain(operator.methodcaller("relu")),
    "Slice": _slice,
    "Sub": _plain(operator.sub),
    "Tanh": _plain(operator.methodcaller("tanh")),
    "Unsqueeze": _expand,
}
