"""Networks for other runtimes: ONNX, OpenVINO IR, int8, Triton Inference Server. Torch loads at first use."""

from .metadata import KEY, Metadata
from .onnx_file import onnx_bytes, to_onnx

__all__ = ["KEY", "Metadata", "onnx_bytes", "to_onnx"]
