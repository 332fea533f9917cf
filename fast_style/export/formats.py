"""List the file formats that a network is exported to, chosen by the suffix of the file."""

import tempfile
from pathlib import Path
from typing import Any

from ..errors import FastStyleError
from ..system.atomic import write_together
from .digest import sealed

FORMATS = {".onnx": "ONNX", ".xml": "OpenVINO IR", ".tflite": "LiteRT", ".mlpackage": "Core ML", ".pte": "ExecuTorch"}
# Formats of phones, for pictures of one size.
OF_ONE_SIZE = (".tflite", ".mlpackage", ".pte")


def write(model: Any, target: Path) -> None:
    """Write an ONNX model in the format of the suffix (OpenVINO IR with a .bin beside it), or an OpenVINO model as IR.

    Raises FastStyleError for other names, and for formats of phones where the model is not of one size.
    """
    write_together(contents(model, target))


def contents(model: Any, target: Path) -> dict[Path, bytes]:
    """Return what `write` writes, by file, with its digest. Raises FastStyleError for other names."""
    check_format(target)
    if target.suffix == ".tflite":
        from .litert import to_litert

        return {target: to_litert(model)}
    if target.suffix == ".mlpackage":
        from .coreml import to_coreml

        return {target / name: content for name, content in to_coreml(model).items()}
    if target.suffix == ".pte":
        from .executorch import to_executorch

        return {target: to_executorch(model)}
    if target.suffix == ".onnx":
        return {target: sealed(model.SerializeToString(), ".onnx")}
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.xml"
        try:
            _openvino().save_model(read_ir(model), draft, compress_to_fp16=False)
            _openvino().Core().read_model(draft)  # fails where the disk was full, of which nothing may have been said
        except RuntimeError as error:
            raise FastStyleError(f"{target}: OpenVINO could not write to {folder}; is the disk full?") from error
        graph, weights = draft.read_bytes(), draft.with_suffix(".bin").read_bytes()
    return {target: sealed(graph, ".xml", weights), target.with_suffix(".bin"): weights}


def check_format(target: Path) -> None:
    """Raise FastStyleError for a name whose suffix is that of no format."""
    if target.suffix not in FORMATS:
        known = ", ".join(f"{suffix} ({name})" for suffix, name in FORMATS.items())
        raise FastStyleError(f"{target}: the suffix chooses the format: {known}")


def files(target: Path) -> list[Path]:
    """Return the files that `write` makes."""
    return [target, target.with_suffix(".bin")] if target.suffix == ".xml" else [target]


def read_ir(model: Any) -> Any:
    """Return an ONNX model as an OpenVINO model; one that is already is returned as it is."""
    openvino = _openvino()
    return model if isinstance(model, openvino.Model) else openvino.Core().read_model(model.SerializeToString())


def _openvino() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise FastStyleError('OpenVINO is not installed: pip install "fast_style[engines]"') from error
    return openvino
