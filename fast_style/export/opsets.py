"""Rewrite a graph for importers that know an older opset, or one size alone.

`build_graph` writes OPSET with shapes that are computed when the graph runs. Operators whose form has changed since are
put into the form of the older opset; with a size, whatever depends on shapes alone becomes a constant.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from ..errors import FastStyleError
from .nodes import HEIGHT_AND_WIDTH
from .onnx_format import IR_VERSION, OPSET
from .onnx_graph import attributes, shapes

OLDEST = 11
# The newest version of the file format that runtimes of the older opsets read (onnx/docs/Versioning.md).
IR_VERSIONS = {11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, OPSET: IR_VERSION}
Rewrite = Callable[[NodeProto, dict[str, Any]], list[NodeProto]]


def lower(model: ModelProto, opset: int) -> ModelProto:
    """Return the model in an older opset, OLDEST to OPSET. Raises FastStyleError for others."""
    if not OLDEST <= opset <= OPSET:
        raise FastStyleError(f"`opset` is {opset}; it takes {OLDEST} to {OPSET}")
    lowered = ModelProto()
    lowered.CopyFrom(model)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes = [new for node in model.graph.node for new in _lowered(node, constants, opset)]
    replace(lowered.graph, nodes, constants)
    lowered.opset_import[0].version, lowered.ir_version = opset, IR_VERSIONS[opset]
    return lowered


def _lowered(node: NodeProto, constants: dict[str, Any], opset: int) -> list[NodeProto]:
    """Return what does a node's work in an older opset. constants: values by name, where a rewrite may enter others."""
    for kind, since, rewrite in _REWRITES:
        if node.op_type == kind and opset < since:
            return rewrite(node, constants)
    return [node]


def _axes_as_attribute(node: NodeProto, constants: dict[str, Any]) -> list[NodeProto]:
    axes = [int(axis) for axis in constants[node.input[1]]]
    return [helper.make_node(node.op_type, node.input[:1], node.output, node.name, axes=axes, **attributes(node))]


def _plain_split(node: NodeProto, constants: dict[str, Any]) -> list[NodeProto]:
    (axis,) = (each.i for each in node.attribute if each.name == "axis")
    return [helper.make_node("Split", node.input, node.output, node.name, axis=axis)]


def _size_of_shape(node: NodeProto, constants: dict[str, Any]) -> list[NodeProto]:
    """Height and width are gathered from the whole shape."""
    whole, name = f"{node.output[0]}_whole", f"{node.output[0]}_axes"
    constants[name] = np.array(HEIGHT_AND_WIDTH, np.int64)
    return [
        helper.make_node("Shape", node.input, [whole], whole),
        helper.make_node("Gather", [whole, name], node.output, node.name, axis=0),
    ]


def _largest_float(node: NodeProto, constants: dict[str, Any]) -> list[NodeProto]:
    """The larger of integers is chosen as floats: sizes are far below 2 ** 24. Floats stay as they are."""
    if not any(constants[name].dtype == np.int64 for name in node.input if name in constants):
        return [node]
    name = node.output[0]
    floats = [f"{name}_float{i}" for i in range(len(node.input))]
    casts = [
        helper.make_node("Cast", [x], [as_float], as_float, to=TensorProto.FLOAT)
        for x, as_float in zip(node.input, floats, strict=True)
    ]
    largest = helper.make_node("Max", floats, [f"{name}_largest"], f"{name}_largest")
    return [*casts, largest, helper.make_node("Cast", largest.output, [name], node.name, to=TensorProto.INT64)]


# Operator, the opset that brought the form in which the graph has it, and what to write before.
_REWRITES: tuple[tuple[str, int, Rewrite], ...] = (
    ("ReduceMean", 18, _axes_as_attribute),
    ("ReduceL2", 18, _axes_as_attribute),
    ("Unsqueeze", 13, _axes_as_attribute),
    ("Split", 18, _plain_split),
    ("Shape", 15, _size_of_shape),
    ("Max", 12, _largest_float),
)


def at_size(model: ModelProto, height: int, width: int) -> ModelProto:
    """Return the model for one picture of one size, with constants for what depends on it alone."""
    fixed = ModelProto()
    fixed.CopyFrom(model)
    sizes = {"batch": 1, "height": height, "width": width}
    for value in (*fixed.graph.input, *fixed.graph.output):
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param:
                dimension.dim_value = sizes[dimension.dim_param]
    while any(node.op_type == "Shape" for node in fixed.graph.node):  # the sizes of one layer give those of the next
        _fold(fixed)
    return fixed


def _fold(model: ModelProto) -> None:
    """Turn into constants what can be computed now, and leave out padding by 0."""
    inferred = shape_inference.infer_shapes(model).graph
    known = shapes((*inferred.input, *inferred.value_info))
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    same: dict[str, str] = {}
    left = []
    for node in model.graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
        if node.op_type == "Shape" and all(known.get(node.input[0], [0])):
            constants[node.output[0]] = np.array(known[node.input[0]][HEIGHT_AND_WIDTH[0] :], np.int64)
        elif node.input and all(name in constants for name in node.input):
            values: Any = ReferenceEvaluator(node).run(None, {name: constants[name] for name in node.input})
            constants.update(zip(node.output, values, strict=True))
        elif node.op_type == "Pad" and not constants.get(node.input[1], np.ones(1)).any():
            same[node.output[0]] = node.input[0]
        else:
            left.append(node)
    replace(model.graph, left, constants)


def replace(graph: GraphProto, nodes: list[NodeProto], constants: dict[str, Any]) -> None:
    """Give a graph other nodes, and of the constants those that they use."""
    used = {name for node in nodes for name in node.input}
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    kept = {name: np.asarray(value) for name, value in constants.items() if name in used}
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(v).reshape(v.shape), n) for n, v in kept.items()
    )
