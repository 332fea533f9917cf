"""Build the ONNX nodes of windowed self-attention, as `models.attention` computes it, for any height and width."""

import math
from typing import Any

import numpy as np

from ..models.structure import HEADS, MAX_SCALE, WINDOW, attention_channels, window_offsets
from .nodes import Graph

CELLS = WINDOW**2


def attend(graph: Graph, name: str, channels: int, x: str, shifted: bool) -> str:
    """Add the layer for activations (N, C, H, W); return what it adds to them."""
    inner, shift = attention_channels(channels), WINDOW // 2 if shifted else 0
    size = graph.node("Shape", x, start=2)
    counted = graph.node("Add", size, graph.ints(*[shift + WINDOW - 1] * 2))
    windows = graph.node("Div", counted, graph.ints(WINDOW, WINDOW))
    whole = graph.node("Mul", windows, graph.ints(WINDOW, WINDOW))
    after = graph.node("Sub", graph.node("Sub", whole, size), graph.ints(shift, shift))
    pads = graph.node("Concat", graph.ints(0, 0, shift, shift, 0, 0), after, axis=0)

    projected = graph.node("Pad", _pointwise(graph, f"{name}.project", x, 3 * inner, channels), pads)
    parts = graph.node("Split", _windows(graph, projected, windows, 3 * inner), outputs=3, axis=-1, num_outputs=3)
    # (N, windows, HEADS, cells, channels of a head)
    split = graph.ints(0, 0, 0, HEADS, inner // HEADS)
    query, key, value = (
        graph.node("Transpose", graph.node("Reshape", part, split), perm=[0, 1, 3, 2, 4]) for part in parts
    )
    scale = np.exp(np.minimum(graph.weights(f"{name}.log_scale", HEADS, 1, 1), np.float32(math.log(MAX_SCALE))))
    query = graph.node("Mul", _direction(graph, query), graph.constant(scale))
    key = graph.node("Transpose", _direction(graph, key), perm=[0, 1, 2, 4, 3])
    scores = graph.node("Add", graph.node("MatMul", query, key), _bias(graph, name, size, pads, windows))
    mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)

    joined = graph.node("Transpose", mixed, perm=[0, 1, 3, 2, 4])
    shape = graph.node("Concat", graph.ints(0), windows, graph.ints(WINDOW, WINDOW, inner), axis=0)
    spread = graph.node("Transpose", graph.node("Reshape", joined, shape), perm=[0, 5, 1, 3, 2, 4])
    picture = graph.node("Reshape", spread, graph.node("Concat", graph.ints(0, inner), whole, axis=0))
    merged = _pointwise(graph, f"{name}.merge", picture, channels, inner)
    start = graph.ints(shift, shift)
    return str(graph.node("Slice", merged, start, graph.node("Add", start, size), graph.ints(2, 3)))


def _pointwise(graph: Graph, name: str, x: str, outputs: int, inputs: int) -> str:
    """Add a convolution of single pixels."""
    return graph.conv(name, x, graph.weights(f"{name}.weight", outputs, inputs, 1, 1))


def _windows(graph: Graph, x: str, windows: str, channels: int) -> str:
    """Cut (N, C, rows * WINDOW, columns * WINDOW) into windows (N, rows * columns, CELLS, C)."""
    rows, columns = graph.node("Split", windows, outputs=2, axis=0, num_outputs=2)
    shape = graph.node("Concat", graph.ints(0, channels), rows, graph.ints(WINDOW), columns, graph.ints(WINDOW), axis=0)
    cut = graph.node("Transpose", graph.node("Reshape", x, shape), perm=[0, 2, 4, 3, 5, 1])
    return str(graph.node("Reshape", cut, graph.ints(0, -1, CELLS, channels)))


def _direction(graph: Graph, x: str) -> str:
    length = graph.node("ReduceL2", x, graph.ints(-1))
    return str(graph.node("Div", x, graph.node("Max", length, graph.number(1e-12))))


def _bias(graph: Graph, name: str, *padding: Any) -> str:
    """Add the bias of pairs of cells by their offset, and against cells outside: (windows, HEADS, cells, cells)."""
    size, pads, windows = padding
    zeros = graph.node("ConstantOfShape", graph.node("Concat", graph.ints(1, 1), size, axis=0))
    outside = _windows(graph, graph.node("Pad", zeros, pads, graph.number(1)), windows, 1)  # (1, windows, cells, 1)
    against = graph.node("Reshape", outside, graph.ints(-1, 1, 1, CELLS))
    rows = graph.weights(f"{name}.position", HEADS, (2 * WINDOW - 1) ** 2)
    position = rows[:, window_offsets()]  # (HEADS, cells, cells)
    return str(graph.node("Sub", graph.constant(position), graph.node("Mul", against, graph.number(1e4))))
