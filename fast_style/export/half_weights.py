"""Store the weights of a graph in half precision, as checkpoints do; the arithmetic stays in float32."""

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

# Values of a tensor below which halving saves nothing.
SMALLEST = 256


def halve(model: ModelProto) -> ModelProto:
    """Return a copy whose float32 weights are float16 with a `Cast` behind each, which runtimes fold when they load."""
    halved = ModelProto()
    halved.CopyFrom(model)
    graph = halved.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return halved
