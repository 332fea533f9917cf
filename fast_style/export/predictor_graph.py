"""Build the ONNX graph of the network that predicts, from a painting, the weights of the style rows."""

from pathlib import Path

import numpy as np

from ..models import checkpoint_file
from ..models.structure import PREDICTOR_CONVS, PREDICTOR_PREFIX, PREDICTOR_WIDTHS
from ..models.vgg_layers import CHANNELS, MEAN, STD
from .nodes import HEIGHT_AND_WIDTH, Array, Graph, Weights

SUFFIX = ".predictor.onnx"
"""Ends the name of the file beside an exported model, in the place of the model's own suffix."""


def predictor_file(model: Path) -> Path:
    """Return where the predictor of an exported model lies."""
    return model.with_name(model.stem + SUFFIX)


def predictor_bytes(checkpoint: Path) -> bytes:
    """Return the predictor of a checkpoint as an ONNX model.

    Input `image`: a painting, RGB (N, 3, H, W) float32 in [0, 1], short side PREDICTOR_PX. Output `blend`: (N, rows)
    float32, the input `blend` of the checkpoint's network. Raises FastStyleError where there is none.
    """
    file = checkpoint_file.read(checkpoint)
    if not file.model.predictor:
        raise checkpoint_file.no_predictor()
    own = {
        name.removeprefix(PREDICTOR_PREFIX): value
        for name, value in file.weights.items()
        if name.startswith(PREDICTOR_PREFIX)
    }
    try:
        graph = _build(Graph(1, Weights(own)), file.model.styles)
    except (KeyError, ValueError) as error:
        raise checkpoint_file.misfit(file.model) from error
    picture = ("batch", 3, "height", "width")
    return graph.finished("style predictor", {"image": picture}, {"blend": ("batch", file.model.styles)}).encode()


def _build(graph: Graph, rows: int) -> Graph:
    mean, std = (graph.constant(_channels(values)) for values in (MEAN, STD))
    x = graph.node("Div", graph.node("Sub", "image", mean), std)
    found, inputs = [], 3
    for i, (width, count, channels) in enumerate(zip(PREDICTOR_WIDTHS, PREDICTOR_CONVS, CHANNELS, strict=False)):
        x = graph.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]) if i else x
        for j in range(count):
            x = _conv(graph, f"blocks.{i}.{j}", graph.pad(x, 1, 1, "constant"), inputs, width, 3)
            inputs = width
            if not j:
                found.append(_root_mean_square(graph, _conv(graph, f"maps.{i}", x, width, channels, 1)))
    count = sum(CHANNELS[: len(found)])
    center, scale = (graph.constant(graph.weights(name, count)) for name in ("center", "scale"))
    features = graph.node("Mul", graph.node("Sub", graph.node("Concat", *found, axis=1), center), scale)
    weight = graph.constant(graph.weights("head.weight", rows, count).T.copy())
    bias = graph.constant(graph.weights("head.bias", rows))
    graph.node("Add", graph.node("MatMul", features, weight), bias, name="blend")
    graph.weights.check_all_used()
    return graph


def _channels(values: tuple[float, ...]) -> Array:
    return np.array(values, np.float32).reshape(1, -1, 1, 1)


def _conv(graph: Graph, layer: str, x: str, inputs: int, outputs: int, side: int) -> str:
    weight = graph.weights(f"{layer}.weight", outputs, inputs, side, side)
    made: str = graph.node("Relu", graph.conv(layer, x, weight, graph.weights(f"{layer}.bias", outputs)))
    return made


def _root_mean_square(graph: Graph, x: str) -> str:
    """Of each channel: (N, C)."""
    axes = graph.ints(*HEIGHT_AND_WIDTH)
    made: str = graph.node("Squeeze", graph.node("Sqrt", graph.node("ReduceMean", graph.node("Mul", x, x), axes)), axes)
    return made
