"""Write a network as a Core ML package (.mlpackage), for iOS: an ONNX graph of one size, operator by operator.

Input `image` and output `stylized` are RGB float32 (1, 3, H, W) in [0, 1]; where there are several styles their weights
are an input `blend`, (1, S). Packages are written on any system; Core ML runs them on Apple's alone.
"""

import contextlib
import io
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, numpy_helper

from ..errors import FastStyleError
from .metadata import KEY
from .onnx_graph import attributes, checked_inputs

Values = dict[str, Any]


def to_coreml(model: ModelProto) -> dict[str, bytes]:
    """Return the files of a package by their names in it.

    model: of one size (`opsets.at_size`). Raises FastStyleError for networks with attention, for graphs whose shapes
    are not fixed, and when the package coremltools is missing.
    """
    sizes = checked_inputs(model, _OPERATORS, "Core ML")
    tools = _tools()
    with contextlib.redirect_stderr(io.StringIO()):  # its bars know nothing of ours
        package = tools.convert(
            _program(model, sizes),
            convert_to="mlprogram",
            minimum_deployment_target=tools.target.iOS16,
            compute_precision=tools.precision.FLOAT32,
            skip_model_load=True,
        )
    package.short_description = "Neural style transfer"
    for entry in model.metadata_props:
        if entry.key == KEY:
            package.user_defined_metadata[KEY] = entry.value
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "draft.mlpackage"
        package.save(str(saved))
        return {path.relative_to(saved).as_posix(): path.read_bytes() for path in saved.rglob("*") if path.is_file()}


def _program(model: ModelProto, sizes: dict[str, list[int]]) -> Any:
    """The program in coremltools' language of operators, MIL."""
    from coremltools.converters.mil import Builder
    from coremltools.converters.mil.mil import Function, Program

    program = Program()
    inputs = {name: Builder.placeholder(shape=shape) for name, shape in sizes.items()}
    with Function(inputs) as function:
        values: Values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        values |= function.inputs
        for node in model.graph.node:
            values[node.output[0]] = _OPERATORS[node.op_type](Builder, node, values)
        function.set_outputs([values["stylized"]])
    program.add_function("main", function)
    return program


def _tools() -> Any:
    logger = logging.getLogger("coremltools")
    logger.addFilter(_is_error)  # it lists what it cannot load outside of Apple's systems
    try:
        import coremltools
    except ImportError as error:
        raise FastStyleError('Core ML packages need a package: pip install "fast_style[mobile]"') from error
    finally:
        logger.removeFilter(_is_error)
    return coremltools


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


def _pair(kind: str) -> Callable[[Any, NodeProto, Values], Any]:
    def write(builder: Any, node: NodeProto, values: Values) -> Any:
        x, y = (values[name] for name in node.input)
        return getattr(builder, kind)(x=x, y=y, name=node.output[0])

    return write


def _single(kind: str) -> Callable[[Any, NodeProto, Values], Any]:
    def write(builder: Any, node: NodeProto, values: Values) -> Any:
        return getattr(builder, kind)(x=values[node.input[0]], name=node.output[0])

    return write


def _conv(builder: Any, node: NodeProto, values: Values) -> Any:
    more = {"bias": values[node.input[2]]} if len(node.input) > 2 else {}
    x, weight, strides = values[node.input[0]], values[node.input[1]], attributes(node)["strides"]
    return builder.conv(x=x, weight=weight, strides=strides, pad_type="valid", name=node.output[0], **more)


def _norm(builder: Any, node: NodeProto, values: Values) -> Any:
    x, gamma, beta = (values[name] for name in node.input)
    epsilon = np.float32(attributes(node).get("epsilon", 1e-5))
    return builder.instance_norm(x=x, gamma=gamma, beta=beta, epsilon=epsilon, name=node.output[0])


def _pad(builder: Any, node: NodeProto, values: Values) -> Any:
    pads = values[node.input[1]]
    table = np.array([pads[2], pads[6], pads[3], pads[7]], np.int32)
    mode = {b"reflect": "reflect", b"edge": "replicate"}[attributes(node)["mode"]]
    return builder.pad(x=values[node.input[0]], pad=table, mode=mode, name=node.output[0])


def _slice(builder: Any, node: NodeProto, values: Values) -> Any:
    x = values[node.input[0]]
    begin, end = [0] * len(x.shape), list(x.shape)
    for start, stop, axis in zip(*(values[name].tolist() for name in node.input[1:4]), strict=True):
        begin[axis] = start
        end[axis] = min(stop, x.shape[axis]) if stop >= 0 else x.shape[axis] + stop
    return builder.slice_by_index(x=x, begin=begin, end=end, name=node.output[0])


def _blocks(builder: Any, node: NodeProto, values: Values) -> Any:
    size = attributes(node)["blocksize"]
    return builder.depth_to_space(x=values[node.input[0]], block_size=size, name=node.output[0])


def _clip(builder: Any, node: NodeProto, values: Values) -> Any:
    low, high = (np.float32(values[name]) for name in node.input[1:])
    return builder.clip(x=values[node.input[0]], alpha=low, beta=high, name=node.output[0])


def _pool(builder: Any, node: NodeProto, values: Values) -> Any:
    x = values[node.input[0]]
    return builder.max_pool(x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid", name=node.output[0])


def _expand(builder: Any, node: NodeProto, values: Values) -> Any:
    return builder.expand_dims(x=values[node.input[0]], axes=values[node.input[1]].tolist(), name=node.output[0])


_OPERATORS: dict[str, Callable[[Any, NodeProto, Values], Any]] = {
    "Add": _pair("add"),
    "Clip": _clip,
    "Conv": _conv,
    "DepthToSpace": _blocks,
    "Div": _pair("real_div"),
    "InstanceNormalization": _norm,
    "MaxPool": _pool,
    "Mul": _pair("mul"),
    "Pad": _pad,
    "Relu": _single("relu"),
    "Slice": _slice,
    "Sub": _pair("sub"),
    "Tanh": _single("tanh"),
    "Unsqueeze": _expand,
}
