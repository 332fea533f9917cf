"""Build the ONNX graph of the network that predicts, from a painting, the weights of the style rows."""

from pathlib import Path

import numpy as np

from ..models import checkpoint_file
from ..models.structure import PREDICTOR_CHANNELS, PREDICTOR_HIDDEN, PREDICTOR_PREFIX
from ..models.vgg_layers import MEAN, STD
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
    for i, outputs in enumerate(PREDICTOR_CHANNELS):
        weight = graph.weights(f"convs.{i}.weight", outputs, inputs, 3, 3)
        padded = graph.node("Pad", x, graph.ints(0, 0, 1, 1, 0, 0, 1, 1), mode="constant")
        x = graph.node("Relu", graph.conv(f"convs.{i}", padded, weight, graph.weights(f"convs.{i}.bias", outputs), 2))
        found += _statistics(graph, x)
        inputs = outputs
    features = graph.node("Concat", *found, axis=1)
    hidden = graph.node("Relu", _linear(graph, "hidden", features, 2 * sum(PREDICTOR_CHANNELS), PREDICTOR_HIDDEN))
    _linear(graph, "head", hidden, PREDICTOR_HIDDEN, rows, name="blend")
    graph.weights.check_all_used()
    return graph


def _channels(values: tuple[float, ...]) -> Array:
    return np.array(values, np.float32).reshape(1, -1, 1, 1)


def _statistics(graph: Graph, x: str) -> list[str]:
    """Mean and standard deviation of each channel, (N, C) each."""
    axes = graph.ints(*HEIGHT_AND_WIDTH)
    mean = graph.node("ReduceMean", x, axes)
    apart = graph.node("Sub", x, mean)
    variance = graph.node("ReduceMean", graph.node("Mul", apart, apart), axes)
    deviation = graph.node("Sqrt", graph.node("Add", variance, graph.number(1e-6)))
    return [graph.node("Squeeze", each, axes) for each in (mean, deviation)]


def _linear(graph: Graph, layer: str, x: str, inputs: int, outputs: int, name: str = "") -> str:
    weight = graph.constant(graph.weights(f"{layer}.weight", outputs, inputs).T.copy())
    bias = graph.constant(graph.weights(f"{layer}.bias", outputs))
    made: str = graph.node("Add", graph.node("MatMul", x, weight), bias, name=name)
    return made
