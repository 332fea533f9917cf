"""Exports for older importers: each opset in the checker and in ONNX Runtime, fixed sizes also in OpenCV's dnn."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fast_style import FastStyleError, Stylizer, export
from fast_style.commands import export as command
from fast_style.commands import run
from fast_style.engines import open_engine
from fast_style.models.architectures import build
from fast_style.models.checkpoint import Checkpoint
from fast_style.options import ExportOptions, NetworkOptions, RuntimeOptions

from .conftest import picture
from .serving import save_model

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

OPSETS = range(11, 21)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One network of each kind that has operators of its own."""
    folder = tmp_path_factory.mktemp("kinds")
    torch.manual_seed(0)
    attentive = NetworkOptions(width=4, blocks=1, styles=2, attention=True)
    Checkpoint(attentive, [{"name": n} for n in "ab"], {}, build(attentive).state_dict()).save(folder / "attention.pth")
    return {
        "johnson": save_model(folder / "johnson.pth", "a", "b"),
        "nano": save_model(folder / "nano.pth", "a", arch="nano", width=8),
        "attention": folder / "attention.pth",
    }


def painted(model: Any, image: np.ndarray[Any, Any], tiles: bool = False) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = {"image": image, "blend": np.array([[0.3, 0.7]], np.float32)}
    result: np.ndarray[Any, Any] = session.run(["stylized"], {v.name: inputs[v.name] for v in session.get_inputs()})[0]
    return result


def photo(height: int, width: int) -> np.ndarray[Any, Any]:
    return (np.asarray(picture(width, height), np.float32) / 255).transpose(2, 0, 1)[None].copy()


@pytest.mark.parametrize("kind", ["johnson", "nano", "attention"])
def test_every_opset_is_valid_and_paints_the_same(kind: str, checkpoints: dict[str, Path]) -> None:
    image = photo(21, 34)
    expected = painted(export.onnx_model(checkpoints[kind]), image)
    for opset in OPSETS:
        model = export.onnx_model(checkpoints[kind], opset=opset)
        onnx.checker.check_model(model, full_check=True)
        assert model.opset_import[0].version == opset
        np.testing.assert_allclose(painted(model, image), expected, atol=1e-5, err_msg=str(opset))


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("size", [(3, 2), (21, 34), (40, 40)])
@pytest.mark.parametrize("kind", ["johnson", "nano", "attention"])
def test_a_fixed_size_computes_no_shapes(
    kind: str, size: tuple[int, int], opset: int, checkpoints: dict[str, Path]
) -> None:
    model = export.onnx_model(checkpoints[kind], size=size, opset=opset)
    onnx.checker.check_model(model, full_check=True)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.output}
    assert shapes == {"stylized": [1, 3, *size]}
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {"Shape", "Gather", "Cast", "Max", "Concat"} or kind == "attention"
    assert "Shape" not in kinds
    expected = painted(export.onnx_model(checkpoints[kind]), photo(*size))
    np.testing.assert_allclose(painted(model, photo(*size)), expected, atol=1e-5)


@pytest.mark.parametrize("size", [(16, 16), (21, 34), (48, 40)])
@pytest.mark.parametrize("kind", ["johnson", "nano"])
def test_opencv_runs_a_file_of_fixed_size(kind: str, size: tuple[int, int], checkpoints: dict[str, Path]) -> None:
    cv2 = pytest.importorskip("cv2", reason="needs the package opencv-python-headless")
    model = export.onnx_model(checkpoints[kind], size=size, opset=11)
    content = np.frombuffer(model.SerializeToString(), np.uint8)
    classic = {"engine": cv2.dnn.ENGINE_CLASSIC} if hasattr(cv2.dnn, "ENGINE_CLASSIC") else {}  # before 4.11 the only
    network = cv2.dnn.readNetFromONNX(content, **classic)
    network.setInput(photo(*size), "image")
    if kind == "johnson":
        network.setInput(np.array([[0.3, 0.7]], np.float32), "blend")
    expected = painted(export.onnx_model(checkpoints[kind]), photo(*size))
    np.testing.assert_allclose(network.forward(), expected, atol=1e-4)


def test_the_command_writes_them_compared(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "old.onnx"
    arguments = [str(tiny), "-o", str(target), "--opset", "11", "--size", "40x64"]
    assert run(command.main, arguments, "fast-style export") == 0
    assert re.findall(r"fp32 at (\w+)", capsys.readouterr().out) == ["64x40"]
    model = onnx.load(target)
    assert (model.opset_import[0].version, model.ir_version) == (11, 6)
    stylizer = Stylizer.load(target, device="cpu", engine="onnx")
    assert stylizer.stylize(picture(64, 40)).size == (64, 40)
    for engine in ("onnx", "openvino"):
        stylizer = Stylizer.load(target, device="cpu", engine=engine)
        with pytest.raises(FastStyleError, match="exported for pictures of 64x40, not 40x64"):
            stylizer(np.asarray(picture(40, 64)))


@pytest.mark.parametrize("opset", [11, 17])
def test_tiles_work_with_an_older_opset(opset: int, tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "old.onnx"
    export.write(export.onnx_model(tiny, opset=opset), target)
    old, new = (open_engine(path, RuntimeOptions("cpu", "onnx")) for path in (target, tiny))
    image, blend = photo(60, 50), np.ones(1, np.float32)
    statistics = old.measure(image, blend)
    np.testing.assert_allclose(statistics, new.measure(image, blend), rtol=1e-4, atol=1e-5)
    part = image[..., 8:40, 4:40]
    np.testing.assert_allclose(old(part, blend, statistics), new(part, blend, statistics), atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"opset": 10}, "it takes 11 to 20"),
        ({"opset": 21}, "it takes 11 to 20"),
        ({"size": "40"}, "HEIGHTxWIDTH"),
        ({"size": "0x4"}, "HEIGHTxWIDTH"),
        ({"size": "4x4", "precision": "int8", "photos": Path()}, "size goes with precision fp32"),
    ],
)
def test_what_there_is_not_is_said(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FastStyleError, match=message):
        ExportOptions(**changes)
