"""Build the ONNX nodes of windowed self-attention, as `models.attention` computes it, for any height and width."""

import math
from typing import Any

from ..models.attention import HEADS, MAX_SCALE, WINDOW, WindowAttention
from .nodes import Graph

CELLS = WINDOW**2


def attend(graph: Graph, name: str, layer: WindowAttention, x: str) -> str:
    """Add the layer for activations (N, C, H, W); return what it adds to them."""
    inner = layer.merge.weight.shape[1]
    size = graph.node("Shape", x, start=2)
    counted = graph.node("Add", size, graph.ints(*[layer.shift + WINDOW - 1] * 2))
    windows = graph.node("Div", counted, graph.ints(WINDOW, WINDOW))
    whole = graph.node("Mul", windows, graph.ints(WINDOW, WINDOW))
    after = graph.node("Sub", graph.node("Sub", whole, size), graph.ints(layer.shift, layer.shift))
    pads = graph.node("Concat", graph.ints(0, 0, layer.shift, layer.shift, 0, 0), after, axis=0)

    projected = graph.node("Pad", graph.conv(f"{name}.project", x, layer.project.weight), pads)
    parts = graph.node("Split", _windows(graph, projected, windows, 3 * inner), outputs=3, axis=-1, num_outputs=3)
    # (N, windows, HEADS, cells, channels of a head)
    split = graph.ints(0, 0, 0, HEADS, inner // HEADS)
    query, key, value = (
        graph.node("Transpose", graph.node("Reshape", part, split), perm=[0, 1, 3, 2, 4]) for part in parts
    )
    scale = layer.log_scale.detach().clamp(max=math.log(MAX_SCALE)).exp()
    query = graph.node("Mul", _direction(graph, query), graph.constant(scale))
    key = graph.node("Transpose", _direction(graph, key), perm=[0, 1, 2, 4, 3])
    scores = graph.node("Add", graph.node("MatMul", query, key), _bias(graph, layer, size, pads, windows))
    mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)

    joined = graph.node("Transpose", mixed, perm=[0, 1, 3, 2, 4])
    shape = graph.node("Concat", graph.ints(0), windows, graph.ints(WINDOW, WINDOW, inner), axis=0)
    spread = graph.node("Transpose", graph.node("Reshape", joined, shape), perm=[0, 5, 1, 3, 2, 4])
    picture = graph.node("Reshape", spread, graph.node("Concat", graph.ints(0, inner), whole, axis=0))
    merged = graph.conv(f"{name}.merge", picture, layer.merge.weight)
    start = graph.ints(layer.shift, layer.shift)
    return str(graph.node("Slice", merged, start, graph.node("Add", start, size), graph.ints(2, 3)))


def _windows(graph: Graph, x: str, windows: str, channels: int) -> str:
    """Cut (N, C, rows * WINDOW, columns * WINDOW) into windows (N, rows * columns, CELLS, C)."""
    rows, columns = graph.node("Split", windows, outputs=2, axis=0, num_outputs=2)
    shape = graph.node("Concat", graph.ints(0, channels), rows, graph.ints(WINDOW), columns, graph.ints(WINDOW), axis=0)
    cut = graph.node("Transpose", graph.node("Reshape", x, shape), perm=[0, 2, 4, 3, 5, 1])
    return str(graph.node("Reshape", cut, graph.ints(0, -1, CELLS, channels)))


def _direction(graph: Graph, x: str) -> str:
    length = graph.node("ReduceL2", x, graph.ints(-1))
    return str(graph.node("Div", x, graph.node("Max", length, graph.number(1e-12))))


def _bias(graph: Graph, layer: WindowAttention, *padding: Any) -> str:
    """Add the bias of pairs of cells by their offset, and against cells outside: (windows, HEADS, cells, cells)."""
    size, pads, windows = padding
    zeros = graph.node("ConstantOfShape", graph.node("Concat", graph.ints(1, 1), size, axis=0))
    outside = _windows(graph, graph.node("Pad", zeros, pads, graph.number(1)), windows, 1)  # (1, windows, cells, 1)
    against = graph.node("Reshape", outside, graph.ints(-1, 1, 1, CELLS))
    position = layer.position.detach()[:, layer.index]  # (HEADS, cells, cells)
    return str(graph.node("Sub", graph.constant(position), graph.node("Mul", against, graph.number(1e4))))
