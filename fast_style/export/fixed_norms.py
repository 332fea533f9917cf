"""Rewrite the instance norms of an exported graph for tiles: measure a batch as one picture, or fold statistics in.

A part of a picture must be normalized with the statistics of all of it. Once these are known, a norm is a scale and a
shift of each channel, which its convolution takes over: such a graph has no norms and is no slower than the original.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    helper,
    load_model,
    load_model_from_string,
    numpy_helper,
)

from ..errors import FastStyleError
from .opsets import lowered_node

Array = NDArray[np.float32]
NORM = "InstanceNormalization"
# What moves the values between a convolution and its norm, which acts on channels.
MOVES = ("Slice", "DepthToSpace")


def measuring(model: Path | bytes) -> bytes:
    """Return the graph from what the original takes to `measured`, (2, T).

    These are mean and variance of every channel of every norm in order, each over all pictures of the batch, which the
    norms normalize with. Raises FastStyleError for a graph without instance norms.
    """
    proto = _loaded(model)
    graph = _Graph(proto.graph, proto.opset_import[0].version)
    means, variances = zip(*[_measure(graph, norm) for norm in _norms(graph)], strict=True)
    graph.order += [
        helper.make_node("Concat", list(means), ["measured_means"], axis=1),
        helper.make_node("Concat", list(variances), ["measured_variances"], axis=1),
        helper.make_node("Concat", ["measured_means", "measured_variances"], ["measured"], axis=0),
    ]
    del proto.graph.output[:]
    proto.graph.output.append(helper.make_tensor_value_info("measured", TensorProto.FLOAT, [2, None]))
    graph.finish()
    content: bytes = proto.SerializeToString()
    return content


def folded(model: Path | bytes, statistics: Array) -> bytes:
    """Return the graph with each norm's statistics as constants, folded into the convolution before it.

    statistics: (2, T), as `measuring` gives them. Raises FastStyleError for a graph without instance norms.
    """
    proto = _loaded(model)
    graph = _Graph(proto.graph, proto.opset_import[0].version)
    place = 0
    for norm in _norms(graph):
        weight = graph.value(norm.input[1])
        mean, variance = statistics[:, place : place + len(weight)].astype(np.float64)
        place += len(weight)
        scale = weight / np.sqrt(variance + _epsilon(norm))
        _fold(graph, norm, scale, graph.value(norm.input[2]) - mean * scale)
    graph.finish()
    content: bytes = proto.SerializeToString()
    return content


class _Graph:
    """Change an ONNX graph whose nodes are known by the values that they make."""

    def __init__(self, proto: GraphProto, opset: int) -> None:
        self.proto, self.opset = proto, opset
        self.order = list(proto.node)
        self.makers = {name: node for node in self.order for name in node.output}
        self.constants = {tensor.name: tensor for tensor in proto.initializer}

    def nodes(self, kind: str) -> list[NodeProto]:
        """Return the nodes of that kind, in order."""
        return [node for node in self.order if node.op_type == kind]

    def value(self, name: str) -> NDArray[Any]:
        """Return the value of a constant."""
        return numpy_helper.to_array(self.constants[name])

    def constant(self, name: str, value: Any) -> str:
        """Enter a constant; return its name."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def replace(self, node: NodeProto, nodes: list[NodeProto]) -> None:
        """Put nodes in the place of one."""
        place = next(i for i, other in enumerate(self.order) if other is node)
        self.order[place : place + 1] = nodes

    def finish(self) -> None:
        """Write back, without what nothing uses any more and without the shapes of values that are gone."""
        used = {output.name for output in self.proto.output}
        kept = []
        for node in reversed(self.order):
            if used & set(node.output):
                kept.append(node)
                used |= set(node.input)
        del self.proto.node[:], self.proto.initializer[:], self.proto.value_info[:]
        self.proto.node.extend(reversed(kept))
        self.proto.initializer.extend(tensor for name, tensor in self.constants.items() if name in used)


def _loaded(model: Path | bytes) -> ModelProto:
    return load_model_from_string(model) if isinstance(model, bytes) else load_model(model)


def _norms(graph: _Graph) -> list[NodeProto]:
    norms = graph.nodes(NORM)
    if not norms:
        raise FastStyleError("this model has no instance norms; for tiles export it with `tiles`")
    return norms


def _epsilon(norm: NodeProto) -> float:
    return next((float(each.f) for each in norm.attribute if each.name == "epsilon"), 1e-5)


def _measure(graph: _Graph, norm: NodeProto) -> tuple[str, str]:
    """Put operators in the norm's place that take the whole batch's statistics; return the names of these, (1, C)."""
    x, name = norm.input[0], norm.output[0]
    axes = graph.constant("measured_axes", np.array([0, 2, 3]))
    row, channels = (graph.constant(f"measured_{k}", np.array(v)) for k, v in (("row", [1, -1]), ("c", [1, -1, 1, 1])))
    epsilon = graph.constant(f"{name}_epsilon", np.array(_epsilon(norm), np.float32))
    steps = [
        ("ReduceMean", [x, axes], "mean"),
        ("Sub", [x, f"{name}_mean"], "centered"),
        ("Mul", [f"{name}_centered", f"{name}_centered"], "squared"),
        ("ReduceMean", [f"{name}_squared", axes], "variance"),
        ("Add", [f"{name}_variance", epsilon], "positive"),
        ("Sqrt", [f"{name}_positive"], "deviation"),
        ("Reshape", [norm.input[1], channels], "weight"),
        ("Div", [f"{name}_weight", f"{name}_deviation"], "scale"),
        ("Mul", [f"{name}_centered", f"{name}_scale"], "scaled"),
        ("Reshape", [norm.input[2], channels], "bias"),
        ("Reshape", [f"{name}_mean", row], "means"),
        ("Reshape", [f"{name}_variance", row], "variances"),
    ]
    nodes = [helper.make_node(kind, inputs, [f"{name}_{output}"]) for kind, inputs, output in steps]
    known = {axes: graph.value(axes)}
    made = [lowered for node in nodes for lowered in lowered_node(node, known, graph.opset)]
    graph.replace(norm, [*made, helper.make_node("Add", [f"{name}_scaled", f"{name}_bias"], [name])])
    return f"{name}_means", f"{name}_variances"


def _fold(graph: _Graph, norm: NodeProto, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> None:
    """Let the convolution before a norm make what the norm would make of it."""
    last = graph.makers[norm.input[0]]
    conv = last
    while conv.op_type in MOVES:
        conv = graph.makers[conv.input[0]]
    if conv.op_type != "Conv" or conv.input[1] not in graph.constants:  # weights of int8 are made when it runs
        _scale(graph, norm, scale, shift)
        return
    weight = graph.value(conv.input[1]).astype(np.float64)
    copies = len(weight) // len(scale)  # of each channel, where pixels are made in blocks
    scale, shift = np.tile(scale, copies), np.tile(shift, copies)
    before = graph.value(conv.input[2]) if len(conv.input) > 2 else 0.0
    name = conv.output[0]
    folded_weight = graph.constant(f"{name}_folded", (weight * scale[:, None, None, None]).astype(np.float32))
    folded_bias = graph.constant(f"{name}_shift", (before * scale + shift).astype(np.float32))
    del conv.input[1:]
    conv.input.extend([folded_weight, folded_bias])
    last.output[0] = norm.output[0]
    graph.makers[norm.output[0]] = last
    graph.order = [node for node in graph.order if node is not norm]


def _scale(graph: _Graph, norm: NodeProto, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> None:
    """Put a product and a sum in the place of a norm."""
    name = norm.output[0]
    factor, term = (
        graph.constant(f"{name}_{kind}", row[:, None, None].astype(np.float32))
        for kind, row in (("factor", scale), ("term", shift))
    )
    product = helper.make_node("Mul", [norm.input[0], factor], [f"{name}_product"])
    graph.replace(norm, [product, helper.make_node("Add", [f"{name}_product", term], [name])])
