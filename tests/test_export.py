"""Every export in its own runtime, at three sizes, against the checkpoint; what is refused; what travels inside."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from fast_style import FastStyleError, Stylizer, export, images
from fast_style.benchmark import parity
from fast_style.commands import export as command
from fast_style.commands import run
from fast_style.engines import open_engine
from fast_style.models.bundled import find
from fast_style.models.checkpoint import load
from fast_style.options import RuntimeOptions, StylizeOptions

from .conftest import picture

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnx")


def exported(*arguments: str | Path) -> int:
    return run(command.main, [str(argument) for argument in arguments], "fast-style export")


@pytest.mark.parametrize("name", ["out.onnx", "out.xml"])
def test_a_file_does_what_the_checkpoint_does(
    trio: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openvino")
    assert exported(trio, "-o", tmp_path / name) == 0
    told = capsys.readouterr().out
    assert told.count("fp32 at") == 3
    assert "PSNR" in told
    assert "largest error" in told
    stylizer = Stylizer.load(tmp_path / name, device="cpu", precision="fp32")
    assert stylizer.info == load(trio).describe()
    image, options = picture(61, 47), StylizeOptions("a=0.3,c=0.7", "slerp")
    reference = Stylizer.load(trio, device="cpu", engine="torch", precision="fp32")
    ours, theirs = (np.asarray(one.stylize(image, options), np.float32) for one in (stylizer, reference))
    assert np.abs(ours - theirs).max() <= 1


def test_the_onnx_file_is_what_it_is_said_to_be(trio: Path, tmp_path: Path) -> None:
    export.to_onnx(trio, tmp_path / "new folder/trio.onnx")
    model = onnx.load(tmp_path / "new folder/trio.onnx")
    onnx.checker.check_model(model, full_check=True)
    shapes = {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "image": ["batch", 3, "height", "width"],
        "blend": ["batch", 3],
        "stylized": ["batch", 3, "height", "width"],
    }
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("InstanceNormalization") == 7
    assert "Resize" not in kinds  # done by phases
    entry, digest = model.metadata_props
    assert digest.key == "fast_style_sha256"
    assert json.loads(entry.value)["info"] == load(trio).describe()


def test_a_single_style_has_one_input(tiny: Path) -> None:
    model = export.onnx_model(tiny)
    assert [value.name for value in model.graph.input] == ["image"]


def test_what_differs_too_much_is_refused_with_its_number(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setitem(parity.LEAST_DB, "fp32", 145.0)  # beyond what float32 can do
    assert exported(tiny, "-o", tmp_path / "tiny.onnx") == 1
    assert "dB, less than 145 dB; nothing is written" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert exported(tiny, "-o", tmp_path / "tiny.onnx", "--force") == 0
    assert (tmp_path / "tiny.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name what to write"),
        (["-o", "tiny.pb"], "the suffix chooses the format"),
        (["-o", "tiny.tflite"], "LiteRT files are for pictures of one size"),
        (["-o", "tiny.mlpackage"], "Core ML files are for pictures of one size"),
        (["-o", "tiny.onnx", "--precision", "int8"], "name a folder of some hundred with --photos"),
        (["-o", "tiny.xml", "--photos", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_what_cannot_be_done_is_said(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exported(tiny, *arguments) == 1
    assert message in capsys.readouterr().err


def test_an_existing_file_is_kept(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.onnx").write_text("mine")
    assert exported(tiny, "-o", tmp_path / "tiny.onnx") == 1
    assert "exists; use --overwrite" in capsys.readouterr().err
    assert (tmp_path / "tiny.onnx").read_text() == "mine"


def schema() -> Any:
    """Triton's published ModelConfig, as generated into its Python client."""
    package = importlib.util.find_spec("tritonclient")
    if package is None or not package.submodule_search_locations:
        pytest.skip("needs tritonclient")
    # Its package wants gRPC, its protocol buffers do not.
    file = Path(package.submodule_search_locations[0]) / "grpc/model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("model_config_pb2", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_triton_repository_follows_the_schema_and_its_model_runs(trio: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    assert exported(trio, "--triton", tmp_path) == 0
    assert exported(trio, "--triton", tmp_path) == 1  # it exists
    module = schema()
    config = text_format.Parse((tmp_path / "trio/config.pbtxt").read_text(), module.ModelConfig())
    assert (config.name, config.backend) == ("trio", "onnxruntime")
    model = onnx.load(tmp_path / "trio/1/model.onnx")
    told = [(value.name, list(value.dims)) for value in (*config.input, *config.output)]
    # -1 is what the server lets vary; it puts the batch in front.
    real = [
        (value.name, [size.dim_value or -1 for size in value.type.tensor_type.shape.dim][1:])
        for value in (*model.graph.input, *model.graph.output)
    ]
    assert told == real
    assert {value.data_type for value in (*config.input, *config.output)} == {module.TYPE_FP32}
    engine = open_engine(tmp_path / "trio/1/model.onnx", RuntimeOptions("cpu", "onnx"))
    rows = parity.compare(engine, open_engine(trio, RuntimeOptions("cpu", "torch", "fp32")), [picture(90, 70)])
    assert all(row.psnr_db > 80 for row in rows)


def test_files_of_others_are_told_apart(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model = export.onnx_model(tiny)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(FastStyleError, match=r"other\.onnx: not exported by fast_style"):
        open_engine(tmp_path / "other.onnx", RuntimeOptions("cpu", "onnx"))


def test_exported_files_say_what_they_cannot_do(trio: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    export.to_onnx(trio, tmp_path / "trio.onnx")
    stylizer = Stylizer.load(tmp_path / "trio.onnx", device="cpu")
    stylizer.stylize(picture(200, 200), tile_px=64)
    with pytest.raises(FastStyleError, match="use the checkpoint"):
        stylizer.stylize(picture(200, 200), tile_px=64, statistics="exact")
    with pytest.raises(FastStyleError, match=r"torch engine does not read \.onnx"):
        Stylizer.load(tmp_path / "trio.onnx", engine="torch")


@pytest.mark.parametrize("suffix", [".xml", ".onnx"])
@pytest.mark.parametrize("styles", ["one", "several"])
def test_a_file_for_tiles_takes_the_statistics_of_the_whole(
    styles: str, suffix: str, tiny: Path, trio: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    checkpoint, target = {"one": tiny, "several": trio}[styles], tmp_path / f"tiles{suffix}"
    assert exported(checkpoint, "-o", target, "--tiles") == 0
    engine, reference = (open_engine(path, RuntimeOptions("cpu", "auto", "fp32")) for path in (target, checkpoint))
    image, blend = images.to_array(picture(90, 70)), np.eye(len(reference.style_gram), dtype=np.float32)[-1]
    whole = engine.measure(image, blend)
    np.testing.assert_allclose(whole, reference.measure(image, blend), atol=1e-3)
    np.testing.assert_allclose(engine(image, blend), reference(image, blend), atol=2e-3)
    part = image[..., 8:60, 12:70]
    np.testing.assert_allclose(engine(part, blend, whole), reference(part, blend, whole), atol=2e-3)
    # Through the front door: tiles with the reduced picture's statistics, here those of the whole.
    tiled, at_once = (Stylizer(engine).stylize(picture(210, 170), tile_px=px) for px in (64, None))
    assert np.abs(np.asarray(tiled, np.float32) - np.asarray(at_once, np.float32)).max() <= 1


def test_int8_for_openvino_takes_no_photographs(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    assert exported(tiny, "-o", tmp_path / "tiny.xml", "--precision", "int8", "--force") == 0
    assert 'type="FakeQuantize"' in (tmp_path / "tiny.xml").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".xml", ".onnx"])
def test_int8_of_the_shipped_style(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    pytest.importorskip("nncf")
    monkeypatch.setattr(command, "COMPARED", 1)
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in sorted((shared / "photos").iterdir())[::200]:
        (photos / path.name).write_bytes(path.read_bytes())
    target = tmp_path / f"wave{suffix}"
    assert exported("wave", "-o", target, "--precision", "int8", "--photos", photos) == 0
    reference = open_engine(find("wave"), RuntimeOptions("cpu", "torch", "fp32"))
    rows = list(parity.compare(open_engine(target, RuntimeOptions("cpu")), reference, parity.sample_pictures()))
    assert len(rows) == 3
    assert all(30 < row.psnr_db < 50 for row in rows)  # above 50 nothing would be quantized
    if suffix == ".onnx":  # each runtime has its own kind of int8
        with pytest.raises(FastStyleError, match="int8 for ONNX Runtime: use engine onnx"):
            open_engine(target, RuntimeOptions("cpu", "openvino"))


@pytest.mark.slow
def test_int8_of_several_styles(trio: Path, photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    small = export.quantize(
        export.onnx_model(trio), ".onnx", [np.random.default_rng(0).random((1, 3, 32, 40), np.float32)]
    )
    kinds = [node.op_type for node in small.graph.node]
    assert "QuantizeLinear" in kinds
    mixing = [node for node in small.graph.node if node.op_type == "Conv" and "Dequantize" not in node.input[1]]
    assert len(mixing) >= 14  # the styles' scales and shifts stay float


@pytest.mark.parametrize("damaged", ["model.onnx", "model.xml", "model.bin"])
def test_damaged_exports_are_refused_before_a_runtime_sees_them(tiny: Path, tmp_path: Path, damaged: str) -> None:
    pytest.importorskip("openvino")
    model = export.onnx_model(tiny)
    path = (tmp_path / damaged).with_suffix(".xml") if damaged.endswith(".bin") else tmp_path / damaged
    export.write(model, path)
    open_engine(path, RuntimeOptions("cpu"))
    data = bytearray((tmp_path / damaged).read_bytes())
    data[len(data) // 2] ^= 4
    (tmp_path / damaged).write_bytes(data)
    with pytest.raises(FastStyleError, match="damaged: its content does not match its checksum"):
        open_engine(path, RuntimeOptions("cpu"))


def test_exports_without_a_digest_are_read(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "old.onnx").write_bytes(export.onnx_model(tiny).SerializeToString())
    export.check_digest(tmp_path / "old.onnx")
    (tmp_path / "old.xml").write_text("<net/>")
    export.check_digest(tmp_path / "old.xml")
    with pytest.raises(FastStyleError, match="no such file"):
        export.check_digest(tmp_path / "absent.onnx")


def test_tiles_of_a_file_of_an_older_opset(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model = export.onnx_model(tiny)
    model.opset_import[0].version, model.ir_version = 17, 8  # what it is made of has not changed since
    onnx.checker.check_model(model, full_check=True)
    export.write(model, tmp_path / "old.onnx")
    image, blend = np.random.default_rng(0).random((2, 3, 40, 48), np.float32), np.ones(1, np.float32)
    old, new = (open_engine(path, RuntimeOptions("cpu", "onnx")) for path in (tmp_path / "old.onnx", tiny))
    statistics = old.measure(image, blend)
    np.testing.assert_allclose(statistics, new.measure(image, blend), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(old(image, blend, statistics), new(image, blend, statistics), atol=1e-4)
