"""ONNX without the package `onnx`, against that package."""

import random
from typing import Any

import numpy as np
import pytest

from fast_style.errors import FastStyleError
from fast_style.export.onnx_format import Model, Node, array, tensor

onnx = pytest.importorskip("onnx")


def example() -> Any:
    """A model with what ours have and more: every kind of attribute and constant, shapes of inner values, metadata."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["a"], "first", kernel_shape=[1, 1], strides=[1, 1]),
        helper.make_node("InstanceNormalization", ["a", "ones", "zeros"], ["b"], epsilon=0.25),
        helper.make_node("Pad", ["b", "pads"], ["c"], mode="reflect"),
        helper.make_node("Constant", [], ["d"], value=numpy_helper.from_array(np.ones(3, np.float32))),
        helper.make_node("Add", ["c", "d"], ["out"], "last", domain=""),
    ]
    constants = [
        numpy_helper.from_array(np.random.default_rng(0).random((3, 3, 1, 1), np.float32), "kernel"),
        helper.make_tensor("ones", onnx.TensorProto.FLOAT, [3], [1.0, 2.0, 3.0]),  # not raw
        numpy_helper.from_array(np.zeros(3, np.float32), "zeros"),
        numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, -1, 1]), "pads"),
    ]
    kind, shape = onnx.TensorProto.FLOAT, ["n", 3, "h", 5]
    given, made, inner = ([helper.make_tensor_value_info(name, kind, shape)] for name in ("image", "out", "a"))
    graph = helper.make_graph(nodes, "it", given, made, constants, value_info=inner)
    model = helper.make_model(graph, producer_name="somebody")
    model.metadata_props.add(key="fast_style", value="ä" * 200)
    return model


def test_what_is_read_is_written_again() -> None:
    model = example()
    again = onnx.load_model_from_string(Model.decode(model.SerializeToString()).encode())
    del model.graph.value_info[:]
    assert again == model


def test_nodes_and_constants_are_understood() -> None:
    proto, model = example(), Model.decode(example().SerializeToString())
    assert [node.kind for node in model.nodes] == [node.op_type for node in proto.graph.node]
    assert model.nodes[1].inputs == ["a", "ones", "zeros"]
    assert model.nodes[1].attribute("epsilon", 1e-5) == 0.25
    assert model.nodes[0].attribute("epsilon", 1e-5) == 1e-5
    for constant in proto.graph.initializer:
        found, expected = array(model.constants[constant.name]), onnx.numpy_helper.to_array(constant)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_what_is_built_is_what_the_package_builds() -> None:
    model = Model([], {}, {})
    model.nodes.append(Node.make("Conv", ["x", "w"], ["y"], "it", kernel_shape=[3, 3], group=1, auto_pad="VALID"))
    model.nodes.append(Node.make("Elu", ["y"], ["z"], alpha=0.5))
    model.constants["w"] = tensor("w", np.ones((2, 3, 3, 3), np.float32))
    model.set_name("graph")
    model.set_opset(20)
    model.add_input("x", "n", 3, "h", "w")
    model.add_output("z", "n", 2, "h", 7)
    model.add_metadata("key", "value")
    proto = onnx.load_model_from_string(model.encode())
    onnx.checker.check_model(proto)
    values = [onnx.helper.get_attribute_value(attribute) for attribute in proto.graph.node[0].attribute]
    assert values == [[3, 3], 1, b"VALID"]
    assert proto.opset_import[0].version == model.opset == 20
    assert [(p.key, p.value) for p in proto.metadata_props] == [("key", "value")]
    assert onnx.helper.get_attribute_value(proto.graph.node[1].attribute[0]) == 0.5
    shape = proto.graph.output[0].type.tensor_type.shape.dim
    assert [side.dim_param or side.dim_value for side in shape] == ["n", 2, "h", 7]


@pytest.mark.parametrize("kind", ["f4", "f2", "f8", "i8", "i4", "u1", "i1", "?"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (300,)])
def test_constants_of_every_type_and_shape(kind: str, shape: tuple[int, ...]) -> None:
    given = np.random.default_rng(0).integers(0, 2, shape).astype(kind)
    for one in (given, given.T):
        proto = onnx.TensorProto.FromString(tensor("it", one))
        np.testing.assert_array_equal(onnx.numpy_helper.to_array(proto), one)
        np.testing.assert_array_equal(array(tensor("it", one)), one)


def test_types_that_are_not_known_are_one_plain_line() -> None:
    text = onnx.helper.make_tensor("it", onnx.TensorProto.STRING, [1], [b"a"]).SerializeToString()
    with pytest.raises(FastStyleError, match="stores its weights in an unknown way"):
        array(text)


def test_damaged_bytes_are_one_plain_line() -> None:
    good, refused = example().SerializeToString(), 0
    for seed in range(300):
        rng = random.Random(seed)
        damaged = bytearray(good[: rng.randrange(len(good))] if seed % 2 else good)
        for _ in range(4):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256) if damaged else 0
        try:
            Model.decode(bytes(damaged))
        except FastStyleError as error:
            refused += 1
            assert str(error) == "not an ONNX model, or a damaged one"
    assert refused > 100
