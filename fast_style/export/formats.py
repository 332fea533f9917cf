"""Every file format that a network is exported to, chosen by the name of the file."""

from pathlib import Path
from typing import Any

from ..errors import FastStyleError
from ..system.atomic import atomic_path

FORMATS = {".onnx": "ONNX", ".xml": "OpenVINO IR"}


def write(model: Any, target: Path) -> None:
    """Write an ONNX model as ONNX (.onnx) or OpenVINO IR (.xml, with a .bin beside it), or an OpenVINO model as IR.

    Raises FastStyleError for other names.
    """
    check_format(target)
    if target.suffix == ".xml":
        target.parent.mkdir(parents=True, exist_ok=True)
        _openvino().save_model(read_ir(model), target, compress_to_fp16=False)
        return
    with atomic_path(target) as temporary:
        temporary.write_bytes(model.SerializeToString())


def check_format(target: Path) -> None:
    """Raises FastStyleError for a name that is that of no format."""
    if target.suffix not in FORMATS:
        known = " or ".join(f"{suffix} ({name})" for suffix, name in FORMATS.items())
        raise FastStyleError(f"{target}: the end of the name says the format, {known}")


def files(target: Path) -> list[Path]:
    """What `write` makes."""
    return [target, target.with_suffix(".bin")] if target.suffix == ".xml" else [target]


def read_ir(model: Any) -> Any:
    """An ONNX model, or one that already is OpenVINO's, as OpenVINO's."""
    openvino = _openvino()
    return model if isinstance(model, openvino.Model) else openvino.Core().read_model(model.SerializeToString())


def _openvino() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise FastStyleError('OpenVINO is not installed: pip install "fast_style[engines]"') from error
    return openvino
