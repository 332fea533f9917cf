"""Write a model repository for Triton Inference Server, which runs the ONNX file in ONNX Runtime."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..system.atomic import write_together
from .formats import contents

if TYPE_CHECKING:
    from onnx import ModelProto

VERSION = "1"
# A server's answer to one picture may wait this long for others of the same size to share a pass with.
QUEUE_US = 2000
LARGEST_BATCH = 8


def write_repository(model: "ModelProto", folder: Path, name: str) -> None:
    """Write FOLDER/NAME/config.pbtxt and FOLDER/NAME/1/model.onnx."""
    files = contents(model, folder / name / VERSION / "model.onnx")
    write_together({**files, folder / name / "config.pbtxt": configuration(model, name).encode()})


def configuration(model: "ModelProto", name: str) -> str:
    """Return the text of config.pbtxt: inputs and outputs without the batch, which the server puts together.

    Its schema is ModelConfig of https://github.com/triton-inference-server/common (protobuf/model_config.proto).
    """
    styles = [value.type.tensor_type.shape.dim[1].dim_value for value in model.graph.input if value.name == "blend"]
    inputs = [_tensor("image", "3, -1, -1"), *(_tensor("blend", str(count)) for count in styles)]
    return "\n".join(
        [
            f'name: "{name}"',
            'backend: "onnxruntime"',
            f"max_batch_size: {LARGEST_BATCH}",
            f"input [\n{_listed(inputs)}\n]",
            f"output [\n{_listed([_tensor('stylized', '3, -1, -1')])}\n]",
            f"dynamic_batching {{ max_queue_delay_microseconds: {QUEUE_US} }}",
            "",
        ]
    )


def _tensor(name: str, dims: str) -> str:
    return f'  {{ name: "{name}" data_type: TYPE_FP32 dims: [ {dims} ] }}'


def _listed(tensors: list[str]) -> str:
    return ",\n".join(tensors)
