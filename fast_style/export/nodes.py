"""Collect the nodes and constants of an ONNX graph, each by a call that returns the name of its value."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .onnx_format import OPSET, Model, Node, tensor

Array = NDArray[np.float32]
Shape = tuple[int | str, ...]
"""Lengths of the dimensions of a tensor, or names of those that may be any."""
HEIGHT_AND_WIDTH = (2, 3)
"""Axes of pictures and activations (N, C, H, W)."""


class Weights:
    """Hand out the tensors of a checkpoint as float32, each with the shape that the architecture gives it."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays, self._left = arrays, set(arrays)

    def __call__(self, name: str, *shape: int) -> Array:
        """Return a tensor. Raises KeyError where there is none, ValueError for one of another shape."""
        value = self._arrays[name]
        if value.shape != shape:
            raise ValueError(f"{name} is {value.shape} and should be {shape}")
        self._left.discard(name)
        return value.astype(np.float32)

    def check_all_used(self) -> None:
        """Raise ValueError for tensors that were not asked for: they belong to another network."""
        if self._left:
            raise ValueError(f"{min(self._left)} is no part of the network")


class Graph:
    """Collect the nodes and constants of an ONNX graph."""

    def __init__(self, styles: int, weights: Weights, tiles: bool = False, per_pixel: bool = False) -> None:
        self.styles, self.weights, self.tiles, self.per_pixel = styles, weights, tiles, per_pixel
        self._model = Model([], {}, {})
        self.style_rows: list[Array] = []
        """Scales and shifts of each norm so far, (S, C) each."""
        self.measured: list[str] = []
        """Statistics of each norm so far, (2, C)."""
        self.channels = 0
        """Channels of the norms so far."""
        self.blend = ""
        """The weights of the styles as a picture of one pixel, (N, S, 1, 1)."""
        if styles > 1 and not per_pixel:
            self.blend = self.node("Unsqueeze", "blend", self.ints(*HEIGHT_AND_WIDTH))

    @property
    def kinds(self) -> set[str]:
        """Return the operators that the graph uses."""
        return {node.kind for node in self._model.nodes}

    def node(self, kind: str, *inputs: str, name: str = "", outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; return the name of its output, or of each where it has several."""
        name = name or f"{kind}_{len(self._model.nodes)}"
        made = [name] if outputs == 1 else [f"{name}_{i}" for i in range(outputs)]
        self._model.nodes.append(Node.make(kind, list(inputs), made, name, **attributes))
        return made[0] if outputs == 1 else made

    def constant(self, value: NDArray[Any]) -> str:
        """Add a constant; return its name."""
        name = f"constant_{len(self._model.constants)}"
        self._model.constants[name] = tensor(name, value)
        return name

    def ints(self, *values: int) -> str:
        """Add a constant of int64 values (K,), such as a shape or axes."""
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        """Add a float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def pad(self, x: str, before: int, after: int, mode: str) -> str:
        """Pad height and width: `constant` (zeros), `reflect`, or `edge`, which repeats the outermost pixels."""
        made: str = self.node("Pad", x, self.ints(0, 0, before, before, 0, 0, after, after), mode=mode)
        return made

    def conv(self, name: str, x: str, weight: NDArray[Any], bias: Any = None, stride: int = 1) -> str:
        """Convolve with a kernel (outputs, inputs, K, K), without padding."""
        constants = [self.constant(value) for value in (weight, bias) if value is not None]
        made: str = self.node(
            "Conv", x, *constants, name=name, kernel_shape=list(weight.shape[2:]), strides=[stride, stride]
        )
        return made

    def model(self, name: str) -> Model:
        """Return the model of that name; a node `stylized` makes its output, (N, 3, H, W)."""
        picture: Shape = ("batch", 3, "height", "width")
        inputs, outputs = {"image": picture}, {"stylized": picture}
        if self.per_pixel:
            inputs["blend"] = ("batch", self.styles, "height", "width")
        elif self.styles > 1:
            inputs["blend"] = ("batch", self.styles)
        if self.tiles:
            inputs["statistics"] = outputs["measured"] = (2, self.channels)
            self.node("Concat", *self.measured, name="measured", axis=1)
        return self.finished(name, inputs, outputs)

    def finished(self, name: str, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> Model:
        """Return the model of that name with these inputs and outputs, which nodes of the same names make."""
        model = self._model
        model.set_name(name)
        model.set_opset(OPSET)
        for given, shape in inputs.items():
            model.add_input(given, *shape)
        for made, shape in outputs.items():
            model.add_output(made, *shape)
        return model
