"""Write a network as LiteRT (.tflite), for Android: an ONNX graph of one size, operator by operator, in channels-last.

The file is a flatbuffer (https://ai.google.dev/edge/litert) whose schema the runtime's package carries: no converter
and no TensorFlow is needed. Input `image` and output `stylized` are RGB float32 (1, H, W, 3) in [0, 1]; where
there are several styles their weights are an input `blend`, (1, S).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, numpy_helper, shape_inference

from ..errors import FastStyleError
from .metadata import KEY
from .onnx_graph import attributes, checked_inputs, shapes

# By which readers know the file.
IDENTIFIER = b"TFL3"
CHANNELS_LAST = (0, 2, 3, 1)


def to_litert(model: ModelProto) -> bytes:
    """Return the content of a .tflite file.

    model: of one size (`opsets.at_size`). Raises FastStyleError for networks with attention, for graphs whose shapes
    are not fixed, and when the package is missing.
    """
    checked_inputs(model, _OPERATORS, "LiteRT")
    writer = _Writer(model)
    for node in model.graph.node:
        _OPERATORS[node.op_type](writer, node)
    return writer.finish()


class _Writer:
    """Collect tensors and operators; tensors of four dimensions are turned to channels-last as they enter."""

    def __init__(self, model: ModelProto) -> None:
        try:
            from ai_edge_litert import schema_py_generated as schema
        except ImportError as error:
            raise FastStyleError('LiteRT files need a package: pip install "fast_style[mobile]"') from error
        self.schema, self.model = schema, model
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        inferred = shape_inference.infer_shapes(model).graph
        values = (*inferred.input, *inferred.value_info, *inferred.output)
        self.shapes = shapes(values)
        self.buffers = [schema.BufferT()]  # the first is that of tensors without content
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.codes: list[int] = []
        self.places: dict[str, int] = {}

    def operator(self, kind: str, inputs: Sequence[int], output: int, **options: Any) -> int:
        """Add an operator; return the place of its output."""
        schema = self.schema
        code = getattr(schema.BuiltinOperator, kind)
        if code not in self.codes:
            self.codes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = self.codes.index(code), list(inputs), [output]
        if options:
            name = options.pop("options")
            made.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            made.builtinOptions = getattr(schema, f"{name}T")()
            vars(made.builtinOptions).update(options)
        self.operators.append(made)
        return output

    def tensor(self, name: str, shape: Sequence[int], value: Any = None) -> int:
        """Add a tensor, of float32 or, for constants, int32; return its place."""
        schema, made = self.schema, self.schema.TensorT()
        made.name, made.shape, made.buffer = name, list(shape), 0
        made.type = (
            schema.TensorType.INT32 if value is not None and value.dtype == np.int32 else schema.TensorType.FLOAT32
        )
        if value is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
            self.buffers.append(buffer)
            made.buffer = len(self.buffers) - 1
        self.tensors.append(made)
        return len(self.tensors) - 1

    def constant(self, value: Any) -> int:
        """Add a constant: floats as float32, integers as int32."""
        array = np.asarray(value)
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.int32)
        return self.tensor(f"constant_{len(self.tensors)}", array.shape, array)

    def place(self, name: str) -> int:
        """Return the place of a value of the ONNX graph, which enters with its first use."""
        if name not in self.places:
            if name in self.constants:
                value = self.constants[name]
                self.places[name] = self.constant(value.transpose(CHANNELS_LAST) if value.ndim == 4 else value)
            else:
                self.places[name] = self.tensor(name, self.shape(name))
        return self.places[name]

    def shape(self, name: str) -> list[int]:
        """Return the shape of a value, channels last."""
        shape = self.shapes[name]
        return [shape[axis] for axis in CHANNELS_LAST] if len(shape) == 4 else shape

    def between(self, kind: str, inputs: Sequence[int], shape: Sequence[int], **options: Any) -> int:
        """Add an operator whose output is no value of the ONNX graph; return its place."""
        return self.operator(kind, inputs, self.tensor(f"{kind}_{len(self.tensors)}", shape), **options)

    def finish(self) -> bytes:
        """Return the file."""
        import flatbuffers

        schema = self.schema
        graph, names = schema.SubGraphT(), [value.name for value in self.model.graph.input]
        graph.name, graph.tensors, graph.operators = self.model.graph.name, self.tensors, self.operators
        graph.inputs, graph.outputs = [self.place(name) for name in names], [self.place("stylized")]
        model = schema.ModelT()
        model.version, model.description, model.subgraphs = 3, "fast_style", [graph]
        model.signatureDefs = [self._signature(names)]
        model.metadata = [self._metadata()]
        model.operatorCodes, model.buffers = [self._code(code) for code in self.codes], self.buffers
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())

    def _code(self, code: int) -> Any:
        made = self.schema.OperatorCodeT()
        made.builtinCode, made.deprecatedBuiltinCode, made.version = code, min(code, 127), 1
        return made

    def _signature(self, inputs: Sequence[str]) -> Any:
        signature = self.schema.SignatureDefT()
        signature.signatureKey = "serving_default"
        signature.inputs, signature.outputs = (
            [self._named(name) for name in names] for names in (inputs, ["stylized"])
        )
        return signature

    def _named(self, name: str) -> Any:
        entry = self.schema.TensorMapT()
        entry.name, entry.tensorIndex = name, self.place(name)
        return entry

    def _metadata(self) -> Any:
        """The description of the checkpoint, under the name that it has in ONNX files."""
        entry, buffer = self.schema.MetadataT(), self.schema.BufferT()
        texts = [each.value for each in self.model.metadata_props if each.key == KEY]
        buffer.data = np.frombuffer("".join(texts).encode(), np.uint8)
        self.buffers.append(buffer)
        entry.name, entry.buffer = KEY, len(self.buffers) - 1
        return entry


def _plain(kind: str) -> Callable[[_Writer, NodeProto], None]:
    """Return what writes an operator that takes the same and has no options."""

    def write(writer: _Writer, node: NodeProto) -> None:
        writer.operator(kind, [writer.place(name) for name in node.input], writer.place(node.output[0]))

    return write


def _conv(writer: _Writer, node: NodeProto) -> None:
    x, weight = node.input[0], writer.constants[node.input[1]]
    bias = writer.constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight), np.float32)
    inputs = [writer.place(x), writer.constant(weight.transpose(CHANNELS_LAST)), writer.constant(bias)]
    stride = attributes(node)["strides"][0]
    padding = writer.schema.Padding.VALID
    output = writer.place(node.output[0])
    writer.operator("CONV_2D", inputs, output, options="Conv2DOptions", padding=padding, strideW=stride, strideH=stride)


def _norm(writer: _Writer, node: NodeProto) -> None:
    """Instance norm as a scale and a shift of each channel, from its mean and the mean square of what is left."""
    x, shape = writer.place(node.input[0]), writer.shape(node.input[0])
    row = [1, 1, 1, shape[3]]
    axes = writer.constant([1, 2])
    weight, bias = (writer.constant(writer.constants[name].reshape(row)) for name in node.input[1:])

    def mean(of: int) -> int:
        return writer.between("MEAN", [of, axes], row, options="ReducerOptions", keepDims=True)

    center = mean(x)
    variance = mean(writer.between("SQUARED_DIFFERENCE", [x, center], shape))
    epsilon = writer.constant(np.float32(attributes(node).get("epsilon", 1e-5)))
    inverse = writer.between("RSQRT", [writer.between("ADD", [variance, epsilon], row)], row)
    scale = writer.between("MUL", [inverse, weight], row)
    shift = writer.between("SUB", [bias, writer.between("MUL", [center, scale], row)], row)
    writer.operator("ADD", [writer.between("MUL", [x, scale], shape), shift], writer.place(node.output[0]))


def _pad(writer: _Writer, node: NodeProto) -> None:
    """Put slices of one pixel around the picture: with MIRROR_PAD all took three times as long."""
    pads, reflects = writer.constants[node.input[1]], attributes(node)["mode"] == b"reflect"
    x, shape = writer.place(node.input[0]), writer.shape(node.input[0])
    for axis in (1, 2):
        last = shape[axis] - 1
        before = [i if reflects else 0 for i in range(int(pads[1 + axis]), 0, -1)]
        after = [last - i if reflects else last for i in range(1, int(pads[5 + axis]) + 1)]
        parts = [_slice_of(writer, x, shape, axis, place) for place in before]
        parts += [x, *(_slice_of(writer, x, shape, axis, place) for place in after)]
        shape = [size + (len(parts) - 1) * (i == axis) for i, size in enumerate(shape)]
        output = writer.place(node.output[0]) if axis == 2 else writer.tensor(f"{node.output[0]}_rows", shape)
        x = writer.operator("CONCATENATION", parts, output, options="ConcatenationOptions", axis=axis)


def _slice_of(writer: _Writer, x: int, shape: Sequence[int], axis: int, place: int) -> int:
    """A slice of one pixel."""
    begin = [place if i == axis else 0 for i in range(4)]
    size = [1 if i == axis else length for i, length in enumerate(shape)]
    return writer.between("SLICE", [x, writer.constant(begin), writer.constant(size)], size)


def _slice(writer: _Writer, node: NodeProto) -> None:
    starts, _, axes = (writer.constants[name].tolist() for name in node.input[1:4])
    begin = [dict(zip(axes, starts, strict=True)).get(axis, 0) for axis in CHANNELS_LAST]
    output = node.output[0]
    inputs = [writer.place(node.input[0]), writer.constant(begin), writer.constant(writer.shape(output))]
    writer.operator("SLICE", inputs, writer.place(output))


def _blocks(writer: _Writer, node: NodeProto) -> None:
    size = attributes(node)["blocksize"]
    inputs, output = [writer.place(node.input[0])], writer.place(node.output[0])
    writer.operator("DEPTH_TO_SPACE", inputs, output, options="DepthToSpaceOptions", blockSize=size)


def _clip(writer: _Writer, node: NodeProto) -> None:
    x, low, high = (writer.place(name) for name in node.input)
    least = writer.between("MAXIMUM", [x, low], writer.shape(node.input[0]))
    writer.operator("MINIMUM", [least, high], writer.place(node.output[0]))


def _pool(writer: _Writer, node: NodeProto) -> None:
    inputs, output, valid = [writer.place(node.input[0])], writer.place(node.output[0]), writer.schema.Padding.VALID
    sides = {"strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2}
    writer.operator("MAX_POOL_2D", inputs, output, options="Pool2DOptions", padding=valid, **sides)


def _reshape(writer: _Writer, node: NodeProto) -> None:
    shape = writer.constant(writer.shape(node.output[0]))
    writer.operator("RESHAPE", [writer.place(node.input[0]), shape], writer.place(node.output[0]))


_OPERATORS: dict[str, Callable[[_Writer, NodeProto], None]] = {
    "Add": _plain("ADD"),
    "Clip": _clip,
    "Conv": _conv,
    "DepthToSpace": _blocks,
    "Div": _plain("DIV"),
    "InstanceNormalization": _norm,
    "MaxPool": _pool,
    "Mul": _plain("MUL"),
    "Pad": _pad,
    "Relu": _plain("RELU"),
    "Slice": _slice,
    "Sub": _plain("SUB"),
    "Tanh": _plain("TANH"),
    "Unsqueeze": _reshape,
}
