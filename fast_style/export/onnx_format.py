"""Read and write ONNX graphs without the package `onnx`: the parts that are built and changed here.

An ONNX file is a protocol buffer: fields, each with a number, a wire type and a value; the schema is onnx.proto of
https://github.com/onnx/onnx. What is not changed here passes as it is. The package `onnx` itself takes half a second to
import and 58 MB with what it needs, which an install for inference would have for this alone.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError

OPSET, IR_VERSION = 20, 10

# Wire types of https://protobuf.dev/programming-guides/encoding.
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}
# Numbers of fields, by message.
_MODEL_IR, _MODEL_GRAPH, _MODEL_OPSETS, _MODEL_METADATA = 1, 7, 8, 14
_GRAPH_NODE, _GRAPH_NAME, _GRAPH_CONSTANT, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SHAPES = 1, 2, 5, 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_KIND, _NODE_ATTRIBUTE = 1, 2, 3, 4, 5
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_FLOATS, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 4, 8, 9
# Types of values (TensorProto.DataType).
_TYPES = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8"}
_CODES = {np.dtype(kind): code for code, kind in _TYPES.items()}


@dataclass
class Node:
    """Hold an operator: its kind, and the names of the values that it takes and makes."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    rest: bytes = b""
    """Name and attributes, encoded."""

    @classmethod
    def make(cls, kind: str, inputs: list[str], outputs: list[str], name: str = "", **attributes: Any) -> "Node":
        """Return a node with attributes: an integer, a float, a text, or integers."""
        rest = _field(_NODE_NAME, name) if name else b""
        return cls(kind, inputs, outputs, rest + b"".join(_attribute(*pair) for pair in attributes.items()))

    def attribute(self, name: str, default: float) -> float:
        """Return an attribute that is a float; the default where it is absent."""
        for number, value, _ in _fields(self.rest):
            if number == _NODE_ATTRIBUTE:
                content = {key: one for key, one, _ in _fields(value)}
                if content.get(1) == name.encode():
                    return float(content.get(2, default))
        return default


@dataclass
class Model:
    """Hold a graph: operators in order, constants and outputs by name; everything else as it was read."""

    nodes: list[Node]
    constants: dict[str, bytes]
    """Encoded, to be read by `array`."""
    outputs: dict[str, bytes]
    graph_rest: bytes = b""
    """Name and inputs of the graph, encoded."""
    rest: bytes = field(default_factory=lambda: _field(_MODEL_IR, IR_VERSION))
    """Version, operator sets and metadata, encoded."""

    def encode(self) -> bytes:
        """Return the file's content. Shapes of inner values are left out: operators may have changed them."""
        parts = [_field(_GRAPH_NODE, _encoded(node)) for node in self.nodes]
        parts += [self.graph_rest, *(_field(_GRAPH_OUTPUT, value) for value in self.outputs.values())]
        for constant in self.constants.values():  # put together once, as they are large
            parts += [_header(_GRAPH_CONSTANT, len(constant)), constant]
        return b"".join([self.rest, _header(_MODEL_GRAPH, sum(map(len, parts))), *parts])

    @classmethod
    def decode(cls, content: bytes) -> "Model":
        """Read a file's content. Raises FastStyleError for what is no ONNX model."""
        model = cls([], {}, {}, b"", b"")
        graph = b""
        try:
            for number, value, whole in _fields(content):
                if number == _MODEL_GRAPH:
                    graph += value
                else:
                    model.rest += whole
            model._read(graph)
        except (AttributeError, LookupError, StopIteration, TypeError, ValueError, struct.error) as error:
            raise FastStyleError("not an ONNX model, or a damaged one") from error
        return model

    def _read(self, graph: bytes) -> None:
        for number, value, whole in _fields(graph):
            if number == _GRAPH_NODE:
                self.nodes.append(_decoded(value))
            elif number == _GRAPH_CONSTANT:
                self.constants[_name(value, _TENSOR_NAME)] = value
            elif number == _GRAPH_OUTPUT:
                self.outputs[_name(value, 1)] = value
            elif number != _GRAPH_SHAPES:
                self.graph_rest += whole

    def set_name(self, name: str) -> None:
        """Name the graph."""
        self.graph_rest += _field(_GRAPH_NAME, name)

    def add_input(self, name: str, *shape: int | str) -> None:
        """Add an input of float32; a text in its shape names a dimension of any size."""
        self.graph_rest += _field(_GRAPH_INPUT, _value(name, shape))

    def add_output(self, name: str, *shape: int | str) -> None:
        """Add an output of float32, as `add_input` an input."""
        self.outputs[name] = _value(name, shape)

    @property
    def opset(self) -> int:
        """Return the version of ONNX's own operators by which the graph is to be read."""
        for number, value, _ in _fields(self.rest):
            if number == _MODEL_OPSETS:
                content = {key: one for key, one, _ in _fields(value)}
                if not content.get(1):  # operators of others have a name here
                    return int(content[2])
        return OPSET

    def set_opset(self, version: int) -> None:
        """Say by which version of the operators the graph is to be read."""
        self.rest += _field(_MODEL_OPSETS, _field(1, "") + _field(2, version))

    def add_metadata(self, key: str, text: str) -> None:
        """Add a property to the file's metadata."""
        self.rest += _field(_MODEL_METADATA, _field(1, key) + _field(2, text))


def tensor(name: str, array: NDArray[Any]) -> bytes:
    """Encode a constant."""
    dims = b"".join(_field(_TENSOR_DIMS, side) for side in array.shape)
    kind = np.dtype(_TYPES[_CODES[array.dtype.newbyteorder("<")]])
    content = np.ascontiguousarray(array, kind)
    header = _field(_TENSOR_TYPE, _CODES[kind]) + _field(_TENSOR_NAME, name) + _header(_TENSOR_RAW, content.nbytes)
    return b"".join([dims, header, content.data])


def array(tensor: bytes) -> NDArray[Any]:
    """Decode a constant. Raises FastStyleError for a type, or a way to store it, that no export here uses."""
    shape: list[int] = []
    kind, content = 0, None
    for number, value, _ in _fields(tensor):
        if number == _TENSOR_DIMS:
            shape += list(_varints(value)) if isinstance(value, bytes) else [value]
        elif number == _TENSOR_TYPE:
            kind = value
        elif number == _TENSOR_RAW or (number == _TENSOR_FLOATS and isinstance(value, bytes)):
            content = value
    if kind not in _TYPES or content is None:
        raise FastStyleError("this model stores its weights in an unknown way; export it with `fast-style export`")
    return np.frombuffer(content, _TYPES[kind]).reshape(shape)


def _encoded(node: Node) -> bytes:
    inputs = [_field(_NODE_INPUT, name) for name in node.inputs]
    outputs = [_field(_NODE_OUTPUT, name) for name in node.outputs]
    return b"".join([*inputs, *outputs, _field(_NODE_KIND, node.kind), node.rest])


def _decoded(content: bytes) -> Node:
    node = Node("", [], [])
    for number, value, whole in _fields(content):
        if number == _NODE_INPUT:
            node.inputs.append(value.decode())
        elif number == _NODE_OUTPUT:
            node.outputs.append(value.decode())
        elif number == _NODE_KIND:
            node.kind = value.decode()
        else:
            node.rest += whole
    return node


def _name(message: bytes, number: int) -> str:
    return next(value.decode() for one, value, _ in _fields(message) if one == number)


def _value(name: str, shape: tuple[int | str, ...]) -> bytes:
    """ValueInfoProto of a tensor of float32."""
    dims = b"".join(_field(1, _field(2 if isinstance(side, str) else 1, side)) for side in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))


def _attribute(name: str, value: Any) -> bytes:
    """AttributeProto: the value in the field of its type, and the type."""
    if isinstance(value, float):
        content = _field(2, value) + _field(20, 1)
    elif isinstance(value, int):
        content = _field(3, value) + _field(20, 2)
    elif isinstance(value, str):
        content = _field(4, value) + _field(20, 3)
    else:
        content = b"".join(_field(8, one) for one in value) + _field(20, 7)
    return _field(_NODE_ATTRIBUTE, _field(1, name) + content)


def _field(number: int, value: "int | float | str | bytes") -> bytes:
    if isinstance(value, float):
        return _varint(number << 3 | _FIXED32) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _header(number, len(content)) + content


def _header(number: int, length: int) -> bytes:
    """What stands before the bytes of a field."""
    return _varint(number << 3 | _BYTES) + _varint(length)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers as 64 bits."""
    value &= (1 << 64) - 1
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])


def _fields(message: bytes) -> Iterator[tuple[int, Any, bytes]]:
    """Yield number, value and the whole encoded field. Raises IndexError or KeyError for what is none."""
    place = 0
    while place < len(message):
        start = place
        key, place = _read_varint(message, place)
        number, kind = key >> 3, key & 7
        value: Any
        if kind == _VARINT:
            value, place = _read_varint(message, place)
        else:
            length = _WIDTHS.get(kind, 0)
            if kind == _BYTES:
                length, place = _read_varint(message, place)
            elif not length:
                raise KeyError(kind)
            if place + length > len(message):
                raise IndexError(place)
            value = message[place : place + length]
            place += length
            if kind == _FIXED32:
                value = struct.unpack("<f", value)[0]
        yield number, value, message[start:place]


def _varints(packed: bytes) -> Iterator[int]:
    place = 0
    while place < len(packed):
        value, place = _read_varint(packed, place)
        yield value


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    """Return the number at a place, and the place behind it."""
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place += 1
        shift += 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise IndexError(place)
