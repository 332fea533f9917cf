"""Export networks to other runtimes: ONNX, OpenVINO IR, int8, LiteRT, Core ML, ExecuTorch, Triton, browsers.

Imports no torch.
"""

from . import openvino_int8
from .digest import check_digest
from .formats import FORMATS, OF_ONE_SIZE, check_format, files, read_ir, write
from .metadata import KEY, Metadata
from .nncf_int8 import RECIPES, quantize
from .onnx_file import onnx_bytes, onnx_model, to_onnx
from .predictor_graph import predictor_bytes, predictor_file
from .triton import configuration, write_repository
from .web import check_folder, write_web

__all__ = [
    "FORMATS",
    "KEY",
    "OF_ONE_SIZE",
    "RECIPES",
    "Metadata",
    "check_digest",
    "check_folder",
    "check_format",
    "configuration",
    "files",
    "onnx_bytes",
    "onnx_model",
    "openvino_int8",
    "predictor_bytes",
    "predictor_file",
    "quantize",
    "read_ir",
    "to_onnx",
    "write",
    "write_repository",
    "write_web",
]
