"""Collect the nodes and constants of an ONNX graph, each by a call that returns the name of its value."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .opsets import HEIGHT_AND_WIDTH, IR_VERSIONS, OPSET

if TYPE_CHECKING:
    from onnx import ModelProto


class Graph:
    """Collect the nodes and constants of an ONNX graph."""

    def __init__(self, styles: int, tiles: bool) -> None:
        self.styles, self.tiles = styles, tiles
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.measured: list[str] = []
        """Statistics of each norm so far, (2, C)."""
        self.channels = 0
        """Channels of the norms so far."""
        self.blend = ""
        """The weights of the styles as a picture of one pixel, (N, S, 1, 1)."""
        if styles > 1:
            self.blend = self.node("Unsqueeze", "blend", self.ints(*HEIGHT_AND_WIDTH))

    def node(self, kind: str, *inputs: str, name: str = "", outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; return the name of its output, or of each where it has several."""
        from onnx import helper

        name = name or f"{kind}_{len(self.nodes)}"
        made = [name] if outputs == 1 else [f"{name}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, made, name, **attributes))
        return made[0] if outputs == 1 else made

    def constant(self, value: NDArray[Any] | Tensor) -> str:
        """Add a constant; return its name."""
        from onnx import numpy_helper

        array = value.detach().cpu().float().numpy() if isinstance(value, Tensor) else value
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), f"constant_{len(self.constants)}"))
        return str(self.constants[-1].name)

    def ints(self, *values: int) -> str:
        """Add a constant of int64 values (K,), such as a shape or axes."""
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        """Add a float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def pad(self, x: str, before: int, after: int, mode: str) -> str:
        """Pad height and width: `reflect`, or `edge`, which repeats the outermost pixels."""
        made: str = self.node("Pad", x, self.ints(0, 0, before, before, 0, 0, after, after), mode=mode)
        return made

    def conv(self, name: str, x: str, weight: NDArray[Any] | Tensor, bias: Any = None, stride: int = 1) -> str:
        """Convolve with a kernel (outputs, inputs, K, K), without padding."""
        constants = [self.constant(value) for value in (weight, bias) if value is not None]
        made: str = self.node(
            "Conv", x, *constants, name=name, kernel_shape=list(weight.shape[2:]), strides=[stride, stride]
        )
        return made

    def model(self, name: str) -> "ModelProto":
        """Return the model of that name; a node `stylized` makes its output, (N, 3, H, W)."""
        from onnx import TensorProto, helper

        def value(name: str, *shape: int | str) -> Any:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        inputs, outputs = (
            [value("image", "batch", 3, "height", "width")],
            [value("stylized", "batch", 3, "height", "width")],
        )
        if self.styles > 1:
            inputs.append(value("blend", "batch", self.styles))
        if self.tiles:
            inputs.append(value("statistics", 2, self.channels))
            outputs.append(value("measured", 2, self.channels))
            self.nodes.append(helper.make_node("Concat", self.measured, ["measured"], axis=1))
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        return helper.make_model(graph, ir_version=IR_VERSIONS[OPSET], opset_imports=[helper.make_opsetid("", OPSET)])
