"""Rewrite the instance norms of an exported graph for tiles: measure a batch as one picture, or fold statistics in.

A part of a picture must be normalized with the statistics of all of it. Once these are known, a norm is a scale and a
shift of each channel, which its convolution takes over: such a graph has no norms and is no slower than the original.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from .onnx_format import Model, Node, array, tensor

Array = NDArray[np.float32]
NORM = "InstanceNormalization"
# From this opset on ReduceMean takes its axes as an input; before, as an attribute.
AXES_ARE_AN_INPUT = 18
# What moves the values between a convolution and its norm, which acts on channels.
MOVES = ("Slice", "DepthToSpace")


def measuring(model: Path | bytes) -> bytes:
    """Return the graph from what the original takes to `measured`, (2, T).

    These are mean and variance of every channel of every norm in order, each over all pictures of the batch, which the
    norms normalize with. Raises FastStyleError for a graph without instance norms.
    """
    graph = _Graph(model)
    means, variances = zip(*[_measure(graph, norm) for norm in _norms(graph)], strict=True)
    graph.order += [
        Node.make("Concat", list(means), ["measured_means"], axis=1),
        Node.make("Concat", list(variances), ["measured_variances"], axis=1),
        Node.make("Concat", ["measured_means", "measured_variances"], ["measured"], axis=0),
    ]
    graph.model.outputs.clear()
    graph.model.add_output("measured", 2, "channels")
    return graph.finish()


def folded(model: Path | bytes, statistics: Array) -> bytes:
    """Return the graph with each norm's statistics as constants, folded into the convolution before it.

    statistics: (2, T), as `measuring` gives them. Raises FastStyleError for a graph without instance norms.
    """
    graph = _Graph(model)
    place = 0
    for norm in _norms(graph):
        weight = graph.value(norm.inputs[1])
        mean, variance = statistics[:, place : place + len(weight)].astype(np.float64)
        place += len(weight)
        scale = weight / np.sqrt(variance + norm.attribute("epsilon", 1e-5))
        _fold(graph, norm, scale, graph.value(norm.inputs[2]) - mean * scale)
    return graph.finish()


class _Graph:
    """Change an ONNX graph whose nodes are known by the values that they make."""

    def __init__(self, model: Path | bytes) -> None:
        self.model = Model.decode(model if isinstance(model, bytes) else model.read_bytes())
        self.order = self.model.nodes
        self.makers = {name: node for node in self.order for name in node.outputs}
        self.constants = self.model.constants

    def nodes(self, kind: str) -> list[Node]:
        """Return the nodes of that kind, in order."""
        return [node for node in self.order if node.kind == kind]

    def value(self, name: str) -> NDArray[Any]:
        """Return the value of a constant."""
        return array(self.constants[name])

    def constant(self, name: str, value: Any) -> str:
        """Enter a constant; return its name."""
        self.constants[name] = tensor(name, value)
        return name

    def replace(self, node: Node, nodes: list[Node]) -> None:
        """Put nodes in the place of one."""
        place = next(i for i, other in enumerate(self.order) if other is node)
        self.order[place : place + 1] = nodes

    def finish(self) -> bytes:
        """Return the file's content, without what nothing uses any more."""
        used = set(self.model.outputs)
        kept = []
        for node in reversed(self.order):
            if used & set(node.outputs):
                kept.append(node)
                used |= set(node.inputs)
        self.model.nodes = kept[::-1]
        self.model.constants = {name: value for name, value in self.constants.items() if name in used}
        return self.model.encode()


def _norms(graph: _Graph) -> list[Node]:
    norms = graph.nodes(NORM)
    if not norms:
        raise FastStyleError("this model has no instance norms; for tiles export it with `tiles`")
    return norms


def _measure(graph: _Graph, norm: Node) -> tuple[str, str]:
    """Put operators in the norm's place that take the whole batch's statistics; return the names of these, (1, C)."""
    x, name = norm.inputs[0], norm.outputs[0]
    all_but_channels = [0, 2, 3]
    is_old = graph.model.opset < AXES_ARE_AN_INPUT
    axes = [] if is_old else [graph.constant("measured_axes", np.array(all_but_channels))]
    old: dict[str, Any] = {"axes": all_but_channels} if is_old else {}
    row, channels = (graph.constant(f"measured_{k}", np.array(v)) for k, v in (("row", [1, -1]), ("c", [1, -1, 1, 1])))
    epsilon = graph.constant(f"{name}_epsilon", np.array(norm.attribute("epsilon", 1e-5), np.float32))
    steps = [
        ("ReduceMean", [x, *axes], "mean"),
        ("Sub", [x, f"{name}_mean"], "centered"),
        ("Mul", [f"{name}_centered", f"{name}_centered"], "squared"),
        ("ReduceMean", [f"{name}_squared", *axes], "variance"),
        ("Add", [f"{name}_variance", epsilon], "positive"),
        ("Sqrt", [f"{name}_positive"], "deviation"),
        ("Reshape", [norm.inputs[1], channels], "weight"),
        ("Div", [f"{name}_weight", f"{name}_deviation"], "scale"),
        ("Mul", [f"{name}_centered", f"{name}_scale"], "scaled"),
        ("Reshape", [norm.inputs[2], channels], "bias"),
        ("Reshape", [f"{name}_mean", row], "means"),
        ("Reshape", [f"{name}_variance", row], "variances"),
    ]
    made = [
        Node.make(kind, inputs, [f"{name}_{output}"], **(old if kind == "ReduceMean" else {}))
        for kind, inputs, output in steps
    ]
    graph.replace(norm, [*made, Node.make("Add", [f"{name}_scaled", f"{name}_bias"], [name])])
    return f"{name}_means", f"{name}_variances"


def _fold(graph: _Graph, norm: Node, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> None:
    """Let the convolution before a norm make what the norm would make of it."""
    last = graph.makers[norm.inputs[0]]
    conv = last
    while conv.kind in MOVES:
        conv = graph.makers[conv.inputs[0]]
    if conv.kind != "Conv" or conv.inputs[1] not in graph.constants:  # weights of int8 are made when it runs
        _scale(graph, norm, scale, shift)
        return
    weight = graph.value(conv.inputs[1]).astype(np.float64)
    copies = len(weight) // len(scale)  # of each channel, where pixels are made in blocks
    scale, shift = np.tile(scale, copies), np.tile(shift, copies)
    before = graph.value(conv.inputs[2]) if len(conv.inputs) > 2 else 0.0
    name = conv.outputs[0]
    folded_weight = graph.constant(f"{name}_folded", (weight * scale[:, None, None, None]).astype(np.float32))
    folded_bias = graph.constant(f"{name}_shift", (before * scale + shift).astype(np.float32))
    del conv.inputs[1:]
    conv.inputs.extend([folded_weight, folded_bias])
    last.outputs[0] = norm.outputs[0]
    graph.makers[norm.outputs[0]] = last
    graph.order = [node for node in graph.order if node is not norm]


def _scale(graph: _Graph, norm: Node, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> None:
    """Put a product and a sum in the place of a norm."""
    name = norm.outputs[0]
    factor, term = (
        graph.constant(f"{name}_{kind}", row[:, None, None].astype(np.float32))
        for kind, row in (("factor", scale), ("term", shift))
    )
    product = Node.make("Mul", [norm.inputs[0], factor], [f"{name}_product"])
    graph.replace(norm, [product, Node.make("Add", [f"{name}_product", term], [name])])
