"""Write a checkpoint for another runtime, once it is measured to give the same pictures there: `fast-style export`."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from PIL.Image import Image

from .. import export, images
from ..benchmark import parity
from ..engines import Engine, open_engine
from ..engines.executorch_runner import ExecutorchRunner
from ..engines.litert_runner import LitertRunner
from ..errors import FastStyleError
from ..models import checkpoint_file
from ..models.bundled import find
from ..options import ExportOptions, NetworkOptions, RuntimeOptions
from ..server.thumbnails import thumbnail
from ..stylizer import Stylizer
from ..system.atomic import atomic_path
from .console.flags import OUTPUT, POSITIONAL
from .console.parsing import parse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Photographs that the comparison keeps from the calibration, and the most that calibrate, as NNCF advises.
COMPARED, CALIBRATION = 4, 300
# Short side in px of the photographs that calibrate.
CALIBRATION_PX = 256
# What runs the formats that are no engine.
RUNNERS = {".tflite": LitertRunner, ".pte": ExecutorchRunner}


@dataclass(frozen=True)
class ExportCommand:
    """Export a trained network for ONNX Runtime, OpenVINO, phones, Triton or a browser, once compared."""

    model: Annotated[str, POSITIONAL]
    """Checkpoint: a file, an address, or the name of a shipped style."""

    output: Annotated[Path | None, OUTPUT] = None
    """The file to write: .onnx for ONNX, .xml for OpenVINO IR (with a .bin beside it); with --size .tflite for LiteRT
    (Android), .mlpackage for Core ML (iOS), .pte for ExecuTorch (both)."""

    triton: Path | None = None
    """Model repository of Triton Inference Server, to which the model is added."""

    web: Path | None = None
    """Folder for a static page that runs the model in the browser alone, with ONNX Runtime's files from npm."""

    runtime: Path | None = None
    """For --web: the file that `npm pack` made of ONNX Runtime for browsers, where npm cannot be reached."""

    overwrite: bool = False
    """Replace an existing output."""

    how: ExportOptions = field(default_factory=ExportOptions)


def main(arguments: Sequence[str], prog: str) -> int:
    """Export one model; return the exit code."""
    command = parse(ExportCommand, arguments, prog)
    checkpoint = find(command.model)
    _check(command, checkpoint.stem)
    reference = open_engine(checkpoint, RuntimeOptions("cpu", "torch", "fp32"))
    predicts = bool(reference.info["model"].get("predictor"))
    if predicts:
        _check_predictor(command, checkpoint)
    kinds, uncalibrated = _kinds(command), _uncalibrated(command.how, NetworkOptions(**reference.info["model"]))
    compared, calibration = _photos(command.how, command.how.precision == "int8" and bool(kinds - uncalibrated))
    pictures = parity.sample_pictures(compared)
    print(f"comparing with PyTorch in float32 on {len(pictures)} pictures:")
    missed, how = "", command.how
    recipes: list[tuple[int, ...]] = list(export.RECIPES) if calibration else [()]
    for spared in recipes:
        plain = export.onnx_model(checkpoint, how.tiles, how.height_and_width, how.opset)
        if calibration:
            print(_named(spared))
        models = {}
        for kind in kinds:
            if kind in uncalibrated:
                models[kind] = _quantized(plain, checkpoint)
            else:
                models[kind] = export.quantize(plain, kind, calibration, spared) if calibration else plain
        misses = [_miss(model, kind, reference, pictures, command.how) for kind, model in models.items()]
        missed = next(filter(None, misses), "")
        if not missed or (command.how.force and spared == recipes[-1]):
            done = _write(models, command, checkpoint.stem, reference)
            if predicts and command.output:
                _write_predictor(checkpoint, command.output)
            return done
    raise FastStyleError(f"{missed}; nothing is written (--force writes it anyway)")


def _check(command: ExportCommand, name: str) -> None:
    if not command.output and not command.triton and not command.web:
        raise FastStyleError("name what to write: -o wave.onnx, -o wave.xml, --triton FOLDER or --web FOLDER")
    for option in ("tiles", "opset", "size"):
        if getattr(command.how, option) and (command.triton or command.web):
            raise FastStyleError(f"`{option}` is for files (-o)")
    if command.output:
        export.check_format(command.output)
        if command.output.suffix in export.OF_ONE_SIZE and (not command.how.size or command.how.tiles):
            kind = export.FORMATS[command.output.suffix]
            raise FastStyleError(f"{kind} files are for pictures of one size, without tiles: add `size` 360x640")
    if command.web:
        export.check_folder(command.web)
    targets = [path for path in (command.output, command.triton and command.triton / name, command.web) if path]
    there = [str(path) for path in targets if path.exists()]
    if there and not command.overwrite:
        raise FastStyleError(f"{there[0]} exists; use --overwrite")


def _check_predictor(command: ExportCommand, checkpoint: Path) -> None:
    """Raise FastStyleError for what a network that paints like any painting cannot be exported to."""
    suffix = command.output.suffix if command.output else ""
    if command.triton or command.web or suffix not in (".onnx", ".xml"):
        raise FastStyleError(
            "a model for any painting takes -o NAME.onnx or NAME.xml; what looks at paintings is written beside it"
        )
    assert command.output is not None  # it has a suffix
    beside = export.predictor_file(command.output)
    is_other = beside.exists() and beside.read_bytes() != export.predictor_bytes(checkpoint)
    if is_other and not command.overwrite:
        raise FastStyleError(f"{beside} exists; use --overwrite")


def _write_predictor(checkpoint: Path, output: Path) -> None:
    """Write the network that predicts styles beside the one that paints."""
    beside = export.predictor_file(output)
    with atomic_path(beside) as temporary:
        temporary.write_bytes(export.predictor_bytes(checkpoint))
    print(f"wrote {beside}: from a painting to the input `blend`")


def _kinds(command: ExportCommand) -> set[str]:
    """Suffixes of the files that will be written."""
    as_onnx = {".onnx"} if command.triton or command.web else set()
    return as_onnx | ({command.output.suffix} if command.output else set())


def _uncalibrated(how: ExportOptions, options: NetworkOptions) -> set[str]:
    """Return the suffixes of the files that are quantized without photographs."""
    return {".xml"} if how.precision == "int8" and export.openvino_int8.fits(options) else set()


def _quantized(plain: Any, checkpoint: Path) -> Any:
    graph, file = export.read_ir(plain), checkpoint_file.read(checkpoint)
    export.openvino_int8.quantize(graph, file.model, file.weights, has_vnni=False)  # the file may run anywhere
    return graph


def _named(spared: tuple[int, ...]) -> str:
    kept = ["first" if place == 0 else "output" for place in spared]
    return f"int8, {' and '.join(kept)} convolution in float" if kept else "int8"


def _photos(how: ExportOptions, calibrates: bool) -> tuple[list[Path], "list[NDArray[np.float32]]"]:
    """Photographs to compare on, and those to calibrate with."""
    if how.photos is None:
        if calibrates:
            raise FastStyleError("int8 is calibrated with photographs: name a folder of some hundred with --photos")
        return [], []
    from ..data.photos import list_photos

    if not how.photos.is_dir():
        raise FastStyleError(f"{how.photos}: no such folder; --photos takes a folder of photographs")
    found = list_photos(how.photos)[0]
    others, compared = found[:-COMPARED], found[-COMPARED:]
    if not calibrates:
        return compared, []
    if not others:
        raise FastStyleError(
            f"{how.photos}: {len(found)} pictures are too few; some hundred photographs calibrate well"
        )
    every = max(1, -(-len(others) // CALIBRATION))
    return compared, [_array(path) for path in others[::every]]


def _array(path: Path) -> "NDArray[np.float32]":
    return images.to_array(images.resize_short_side(images.read(path).rgb, CALIBRATION_PX))


def _miss(model: Any, kind: str, reference: Engine, pictures: list[Image], how: ExportOptions) -> str:
    """Run the file in its own runtime and print how close it is; a line when that is not close enough."""
    if kind == ".mlpackage":
        print("Core ML runs on Apple's devices alone: the file is not compared here")
        return ""
    fixed = how.height_and_width
    sizes = (fixed[::-1],) if fixed else parity.SIZES
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"draft{kind}"
        export.write(model, draft)
        for precision, engine in _runtimes(draft, how.precision):
            for row in parity.compare(engine, reference, pictures, sizes):
                at = f"{export.FORMATS[kind]} {precision} at {row.width}x{row.height}"
                print(f"{at}: PSNR {row.psnr_db:.1f} dB, largest error {row.largest_error:.4f}")
                if row.psnr_db < parity.LEAST_DB[precision]:
                    return f"{at}: PSNR {row.psnr_db:.1f} dB, less than {parity.LEAST_DB[precision]:.0f} dB"
    return ""


def _runtimes(draft: Path, precision: str) -> Iterator[tuple[str, Any]]:
    """The file in its own runtime, in each arithmetic that it is used in on this machine."""
    if draft.suffix in RUNNERS:
        yield precision, RUNNERS[draft.suffix](draft)
        return
    engine: Literal["openvino", "onnx"] = "openvino" if draft.suffix == ".xml" else "onnx"
    if precision == "int8":
        yield precision, open_engine(draft, RuntimeOptions("cpu", engine))
        return
    yield precision, open_engine(draft, RuntimeOptions("cpu", engine, "fp32"))
    if engine == "openvino":
        yield "bf16", open_engine(draft, RuntimeOptions("cpu", "openvino", "bf16"))


def _write(models: dict[str, Any], command: ExportCommand, name: str, reference: Engine) -> int:
    if command.output:
        export.write(models[command.output.suffix], command.output)
        print(f"wrote {', '.join(str(path) for path in export.files(command.output))}")
    if command.triton:
        export.write_repository(models[".onnx"], command.triton, name)
        print(f"wrote {command.triton / name}")
    if command.web:
        _write_web(models[".onnx"], command.web, command.runtime, reference, name)
    return 0


def _write_web(model: Any, folder: Path, runtime: Path | None, reference: Engine, name: str) -> None:
    from ..export.half_weights import halve

    stylizer = Stylizer(reference)
    thumbnails = {style: thumbnail(stylizer, style) for style in stylizer.styles}
    content = halve(model).SerializeToString()
    export.write_web(content, name, folder, stylizer.info["styles"], thumbnails, runtime)
    print(f"wrote {folder}; any web server of static files shows it: python -m http.server -d {folder}")
