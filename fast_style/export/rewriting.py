"""Rewrite the exported graph: the same function by cheaper operators, in three exact steps.

Doubling and then a padded 3x3 convolution becomes a 2x2 convolution that makes the four pixels of each doubled one:
4/9 of the arithmetic, and the doubled picture is never written. The output convolution, whose 3 channels leave most
of a vector unit idle, makes blocks of 2x2 pixels; a 5x5 behind a doubling makes them from 3x3 pixels not doubled.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

# Acts on each value alone, so that it may change places with what only moves values.
POINTWISE = ("Tanh", "Mul", "Add", "Clip")
# Row a of the doubled pair takes its three taps from these two low-resolution pixels: [a][pixel][tap].
TAPS = np.array([[[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]], np.float64)
# The same of five taps and three pixels.
FIVE_TAPS = np.array(
    [[[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]], [[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]]],
    np.float64,
)


def rewrite(model: ModelProto) -> None:
    """Rewrite in place every pattern that the graph has."""
    graph = Graph(model.graph)
    ups = [conv for conv in graph.nodes("Conv") if graph.source(graph.source(conv), "Resize")]
    for conv in ups:
        _double_by_phases(graph, conv)
        _output_of_doubled(graph, conv)
    if ups:  # only after a doubling are both sides even, as blocks need them
        for conv in graph.nodes("Conv"):
            _output_by_blocks(graph, conv)
    graph.finish()


class Graph:
    """An ONNX graph with its nodes by the values that they make."""

    def __init__(self, proto: GraphProto) -> None:
        self.proto = proto
        self.order = list(proto.node)
        self.makers = {name: node for node in self.order for name in node.output}
        self.constants = {tensor.name: tensor for tensor in proto.initializer}

    def nodes(self, kind: str) -> list[NodeProto]:
        """Return the nodes of that kind, in order."""
        return [node for node in self.order if node.op_type == kind]

    def source(self, node: NodeProto | None, kind: str = "") -> NodeProto | None:
        """What makes the first input of `node`, if it is of that kind."""
        maker = self.makers.get(node.input[0]) if node is not None else None
        return maker if maker is not None and kind in ("", maker.op_type) else None

    def after(self, node: NodeProto) -> Iterator[NodeProto]:
        """The chain of nodes that each have the last one's result as their first input."""
        following = [user for user in self.order if user.input and user.input[0] == node.output[0]]
        if len(following) == 1:
            yield following[0]
            yield from self.after(following[0])

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


def _double_by_phases(graph: Graph, conv: NodeProto) -> None:
    """Resize by 2, Pad by 1, Conv 3x3 -> Pad by 1, Conv 2x2, DepthToSpace, a px cut off at each side.

    Each position of the 2x2 kernel lies between pixels and makes the doubled pixels around it. Reflection in the
    doubled picture is repetition of the edge in the small one.
    """
    pad = graph.source(conv)
    resize = graph.source(pad, "Resize")
    weight = graph.value(conv.input[1])  # (outputs, inputs, 3, 3)
    outputs, inputs = weight.shape[:2]
    if weight.shape[2:] != (3, 3) or pad is None or resize is None:
        return
    phases = np.einsum("oiyx,aty,bux->aboitu", weight.astype(np.float64), TAPS, TAPS)
    name = conv.output[0]
    pads = graph.constant(f"{name}_pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    kernel = graph.constant(f"{name}_phases", phases.reshape(4 * outputs, inputs, 2, 2).astype(np.float32))
    ends = [graph.constant(f"{name}_{key}", np.array(v)) for key, v in (("from", [1, 1]), ("to", [-1, -1]))]
    axes = graph.constant(f"{name}_axes", np.array([2, 3]))
    made = [
        helper.make_node("Pad", [resize.input[0], pads], [f"{name}_padded"], mode="edge"),
        helper.make_node("Conv", [f"{name}_padded", kernel], [f"{name}_between"], conv.name, kernel_shape=[2, 2]),
        helper.make_node("DepthToSpace", [f"{name}_between"], [f"{name}_doubled"], blocksize=2, mode="DCR"),
        helper.make_node("Slice", [f"{name}_doubled", *ends, axes], [name]),
    ]
    graph.replace(conv, made)


def _output_of_doubled(graph: Graph, conv: NodeProto) -> None:
    """Resize by 2, Pad by 2, Conv 5x5 to 3 channels, ... -> Pad by 1, Conv 3x3 to 12, ..., DepthToSpace, crop."""
    resize = graph.source(graph.source(conv), "Resize")
    weight = graph.value(conv.input[1])
    if weight.shape[2:] != (5, 5) or resize is None or not _is_output(graph, conv):
        return
    phases = np.einsum("oiyx,aty,bux->aboitu", weight.astype(np.float64), FIVE_TAPS, FIVE_TAPS)
    name = conv.output[0]
    pads = graph.constant(f"{name}_pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    # The doubled picture's last pixel is repeated, not reflected.
    padding = helper.make_node("Pad", [resize.input[0], pads], [f"{name}_padded"], mode="edge")
    _in_blocks(graph, conv, phases.astype(np.float32), padding)


def _output_by_blocks(graph: Graph, conv: NodeProto) -> None:
    """Conv kxk to 3 channels, ... -> Conv (k+1)x(k+1), stride 2, to 12, ..., DepthToSpace, crop."""
    weight = graph.value(conv.input[1])
    if not _is_output(graph, conv):
        return
    size = weight.shape[2] + 1
    blocks = np.zeros((2, 2, 3, weight.shape[1], size, size), np.float32)
    for a, b in np.ndindex(2, 2):
        blocks[a, b, ..., a : a + size - 1, b : b + size - 1] = weight
    _in_blocks(graph, conv, blocks)


def _is_output(graph: Graph, conv: NodeProto) -> bool:
    """Whether it makes 3 channels that become the picture with nothing between that looks around."""
    tail = list(graph.after(conv))
    ends = bool(tail) and tail[-1].output[0] == "stylized"
    pointwise = all(node.op_type in (*POINTWISE, "Slice") for node in tail)
    return ends and pointwise and graph.value(conv.input[1]).shape[0] == 3


def _in_blocks(graph: Graph, conv: NodeProto, blocks: NDArray[Any], padding: NodeProto | None = None) -> None:
    """Put a convolution that makes 2x2 pixels at once, (2, 2, 3, inputs, k, k), in the place of the output's.

    padding: what it reads, made from a picture half as large; without one, it steps over the picture itself by 2.
    """
    tail = list(graph.after(conv))
    name, size = conv.output[0], blocks.shape[-1]
    kernel = graph.constant(f"{name}_blocks", blocks.reshape(12, -1, size, size))
    bias = graph.constant(f"{name}_bias", np.tile(graph.value(conv.input[2]), 4))
    source, stride = (conv.input[0], 2) if padding is None else (padding.output[0], 1)
    made = helper.make_node(
        "Conv", [source, kernel, bias], [name], conv.name, kernel_shape=[size] * 2, strides=[stride] * 2
    )
    to_space = helper.make_node("DepthToSpace", [name], [f"{name}_space"], blocksize=2, mode="DCR")
    pointwise = [node for node in tail if node.op_type in POINTWISE]
    # The last crop of each axis is the tightest: to the size of the input.
    crops = [node for node in tail if node.op_type == "Slice"][-2:]
    chain = [made, *pointwise, to_space, *crops]
    for place, (before, node) in enumerate(itertools.pairwise(chain)):
        before.output[0] = f"{name}_{place}"
        node.input[0] = before.output[0]
    chain[-1].output[0] = "stylized"
    gone = {id(node) for node in (conv, *tail)}
    graph.order = [node for node in graph.order if id(node) not in gone] + ([padding] if padding else []) + chain
