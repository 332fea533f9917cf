"""Read the graph of an ONNX model: what the writers of other formats, and of older opsets, all need."""

from collections.abc import Collection, Iterable
from typing import Any

from onnx import ModelProto, NodeProto, ValueInfoProto, helper

from ..errors import FastStyleError


def attributes(node: NodeProto) -> dict[str, Any]:
    """Return the attributes of an operator by name."""
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def shapes(values: Iterable[ValueInfoProto]) -> dict[str, list[int]]:
    """Return the shapes of values by name, with 0 for what is not known before the graph runs."""
    return {value.name: [side.dim_value for side in value.type.tensor_type.shape.dim] for value in values}


def checked_inputs(model: ModelProto, known: Collection[str], name: str) -> dict[str, list[int]]:
    """Return the shapes of the inputs of a graph for a format of phones. name: the format's.

    Raises FastStyleError for operators beside the known ones, which the writer of the format has not, and for shapes
    that are not fixed.
    """
    inputs = shapes(model.graph.input)
    if not all(map(all, inputs.values())):  # first: such graphs also have operators that compute shapes
        raise FastStyleError(f"{name} files are for one size: name it with `size`")
    unknown = {node.op_type for node in model.graph.node} - set(known)
    if unknown:
        raise FastStyleError(f"{name} files have no attention ({', '.join(sorted(unknown))}); export it as .onnx")
    return inputs
