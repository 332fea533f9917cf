"""Exports for phones: LiteRT and ExecuTorch in their runtimes, Core ML's program operator by operator."""

import json
import re
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fast_style import FastStyleError, export
from fast_style.benchmark import parity
from fast_style.commands import export as command
from fast_style.commands import run
from fast_style.engines import open_engine
from fast_style.engines.executorch_runner import ExecutorchRunner
from fast_style.engines.litert_runner import LitertRunner
from fast_style.export import executorch
from fast_style.models.bundled import find
from fast_style.options import RuntimeOptions

from .test_opsets import checkpoints, photo

__all__ = ["checkpoints"]
SIZE = (21, 34)


def expected(checkpoint: Path, image: Any, blend: Any) -> Any:
    return open_engine(checkpoint, RuntimeOptions("cpu", "torch", "fp32"))(image, blend)


@pytest.mark.parametrize("kind", ["johnson", "nano"])
def test_litert_paints_the_same(kind: str, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")
    export.write(export.onnx_model(checkpoints[kind], size=SIZE), tmp_path / "x.tflite")
    blend = np.array([0.3, 0.7] if kind == "johnson" else [1], np.float32)
    painted = LitertRunner(tmp_path / "x.tflite", 1)(photo(*SIZE), blend)
    np.testing.assert_allclose(painted, expected(checkpoints[kind], photo(*SIZE), blend), atol=1e-4)


def test_the_command_compares_litert(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")
    arguments = [str(tiny), "-o", str(tmp_path / "x.tflite"), "--size", "24x40"]
    assert run(command.main, arguments, "fast-style export") == 0
    (psnr,) = re.findall(r"LiteRT fp32 at 40x24: PSNR ([\d.]+) dB", capsys.readouterr().out)
    assert float(psnr) > 100
    assert b"fast_style" in (tmp_path / "x.tflite").read_bytes()


def test_what_phones_cannot_have_is_said(checkpoints: dict[str, Path], tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")
    with pytest.raises(FastStyleError, match="have no attention"):
        export.write(export.onnx_model(checkpoints["attention"], size=SIZE), tmp_path / "x.tflite")
    with pytest.raises(FastStyleError, match="for one size"):
        export.write(export.onnx_model(tiny), tmp_path / "x.tflite")


@pytest.mark.parametrize("kind", ["johnson", "nano"])
def test_what_executorch_is_made_of_paints_the_same(kind: str, checkpoints: dict[str, Path]) -> None:
    network = executorch._network(export.onnx_model(checkpoints[kind], size=SIZE))
    blend = np.array([0.3, 0.7] if kind == "johnson" else [1], np.float32)
    inputs = [photo(*SIZE), blend[None]] if kind == "johnson" else [photo(*SIZE)]
    with torch.no_grad():
        painted = network(*map(torch.from_numpy, inputs)).numpy()
    np.testing.assert_allclose(painted, expected(checkpoints[kind], photo(*SIZE), blend), atol=1e-4)


def test_files_of_executorch_are_for_one_size_and_take_its_package(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FastStyleError, match="for one size"):
        export.write(export.onnx_model(tiny), tmp_path / "x.pte")
    for name in ("executorch.exir", "executorch.runtime", "executorch.backends.xnnpack.partition.xnnpack_partitioner"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(FastStyleError, match=r'pip install "fast_style\[executorch\]"'):
        export.write(export.onnx_model(tiny, size=SIZE), tmp_path / "x.pte")
    with pytest.raises(FastStyleError, match=r'pip install "fast_style\[executorch\]"'):
        ExecutorchRunner(tmp_path / "x.pte")


@pytest.mark.slow  # executorch takes seconds to import
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["johnson", "nano"])
def test_executorch_paints_the_same_in_xnnpack_alone(
    kind: str, checkpoints: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("executorch", reason='needs pip install "fast_style[executorch]"')
    target = tmp_path / "x.pte"
    arguments = [str(checkpoints[kind]), "-o", str(target), "--size", "x".join(map(str, SIZE))]
    assert run(command.main, arguments, "fast-style export") == 0
    (psnr,) = re.findall(r"ExecuTorch fp32 at 34x21: PSNR ([\d.]+) dB", capsys.readouterr().out)
    assert float(psnr) > 100
    runner = ExecutorchRunner(target)
    blend = np.array([0.3, 0.7] if kind == "johnson" else [1], np.float32)
    np.testing.assert_allclose(runner(photo(*SIZE), blend), expected(checkpoints[kind], photo(*SIZE), blend), atol=1e-4)
    (description,) = runner._program.load_method("fast_style").execute([])
    assert json.loads(description)["size"] == list(SIZE)
    from executorch.exir._serialize._program import deserialize_pte_binary

    plan = deserialize_pte_binary(target.read_bytes()).program.execution_plan[0]
    assert ([delegate.id for delegate in plan.delegates], plan.operators) == (["XnnpackBackend"], [])


class CoreMlProgram:
    """Runs the operators of a written package one by one, as Apple describes them (apple.github.io/coremltools)."""

    def __init__(self, files: dict[str, bytes]) -> None:
        proto = pytest.importorskip("coremltools.proto.Model_pb2")
        self.weights = files["Data/com.apple.CoreML/weights/weight.bin"]
        self.spec = proto.Model.FromString(files["Data/com.apple.CoreML/model.mlmodel"])
        function = self.spec.mlProgram.functions["main"]
        self.block = function.block_specializations[function.opset]

    def run(self, **values: Any) -> Any:
        for operation in self.block.operations:
            (output,) = operation.outputs
            if operation.type == "const":
                values[output.name] = self.constant(operation.attributes["val"])
                continue
            given = {name: values[bound.arguments[0].name] for name, bound in operation.inputs.items()}
            values[output.name] = getattr(self, operation.type)(**given)
            told = [size.constant.size for size in output.type.tensorType.dimensions]
            assert list(values[output.name].shape) == told, output.name
        (result,) = self.block.outputs
        return values[result]

    def constant(self, value: Any) -> Any:
        shape = [size.constant.size for size in value.type.tensorType.dimensions]
        if value.WhichOneof("value") == "immediateValue":
            kind = value.immediateValue.tensor
            content = list(getattr(kind, kind.WhichOneof("value")).values)
            array = np.array(content, np.float32 if isinstance(content[0], float) else None)
            return array.reshape(shape) if shape else content[0]
        # MILBlob of https://github.com/apple/coremltools: mark, type (2: float32), size and place of the data.
        mark, kind, size, place = struct.unpack_from("<IIQQ", self.weights, value.blobFileValue.offset)
        assert (mark, kind) == (0xDEADBEEF, 2)
        return np.frombuffer(self.weights, np.float32, size // 4, place).reshape(shape)

    def conv(self, x: Any, weight: Any, bias: Any = None, **more: Any) -> Any:
        assert (more["pad_type"], list(more["dilations"]), more["groups"]) == ("valid", [1, 1], 1)
        shift = None if bias is None else torch.tensor(bias)
        return torch.nn.functional.conv2d(
            torch.tensor(x), torch.tensor(weight), shift, more["strides"].tolist()
        ).numpy()

    def instance_norm(self, x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
        normal = (x - x.mean((2, 3), keepdims=True)) / np.sqrt(x.var((2, 3), keepdims=True) + epsilon)
        return normal * gamma[:, None, None] + beta[:, None, None]

    def pad(self, x: Any, pad: Any, mode: str, constant_val: float) -> Any:
        by_axis = [(0, 0), (0, 0), tuple(pad[:2]), tuple(pad[2:])]
        return np.pad(x, by_axis, mode={"reflect": "reflect", "replicate": "edge"}[mode])  # type: ignore[call-overload]

    def depth_to_space(self, x: Any, block_size: int) -> Any:
        batch, channels, height, width = x.shape
        split = x.reshape(batch, block_size, block_size, -1, height, width).transpose(0, 3, 4, 1, 5, 2)
        return split.reshape(batch, channels // block_size**2, height * block_size, width * block_size)

    def slice_by_index(self, x: Any, begin: Any, end: Any, **more: Any) -> Any:
        assert not any(np.any(mask) for name, mask in more.items() if "mask" in name)
        return x[tuple(slice(*pair) for pair in zip(begin, end, strict=True))]

    def clip(self, x: Any, alpha: float, beta: float) -> Any:
        return x.clip(alpha, beta)

    def relu(self, x: Any) -> Any:
        return x.clip(0)

    def tanh(self, x: Any) -> Any:
        return np.tanh(x)

    def add(self, x: Any, y: Any) -> Any:
        return x + y

    def mul(self, x: Any, y: Any) -> Any:
        return x * y

    def expand_dims(self, x: Any, axes: Any) -> Any:
        return np.expand_dims(x, tuple(axes))


@pytest.mark.slow  # coremltools takes seconds to import
@pytest.mark.filterwarnings("ignore")  # which it is full of
@pytest.mark.parametrize("kind", ["johnson", "nano"])
def test_core_mls_program_paints_the_same(kind: str, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("coremltools", reason="needs the package coremltools")
    export.write(export.onnx_model(checkpoints[kind], size=SIZE), tmp_path / "x.mlpackage")
    found = {path.relative_to(tmp_path / "x.mlpackage").as_posix(): path for path in tmp_path.rglob("*")}
    program = CoreMlProgram({name: path.read_bytes() for name, path in found.items() if path.is_file()})
    assert "Manifest.json" in found
    assert json.loads(program.spec.description.metadata.userDefined["fast_style"])["size"] == list(SIZE)
    blend = np.array([0.3, 0.7] if kind == "johnson" else [1], np.float32)
    painted = program.run(image=photo(*SIZE), **({"blend": blend[None]} if kind == "johnson" else {}))
    np.testing.assert_allclose(painted, expected(checkpoints[kind], photo(*SIZE), blend), atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["wave", "lite_wave", "nano_wave"])
def test_core_mls_programs_of_shipped_networks(name: str, real_photos: dict[str, Any]) -> None:
    pytest.importorskip("coremltools", reason="needs the package coremltools")
    from fast_style.export.coreml import to_coreml

    program = CoreMlProgram(to_coreml(export.onnx_model(find(name), size=(96, 128))))
    reference = open_engine(find(name), RuntimeOptions("cpu", "torch", "fp32"))
    pictures = [real_photos[photo] for photo in ("astronaut", "chelsea", "coffee")]
    (row,) = parity.compare(lambda image, blend: program.run(image=image), reference, pictures, [(128, 96)])
    assert row.psnr_db > 80


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wave", "lite_wave", "nano_wave"])
def test_shipped_networks_in_litert_on_real_photographs(name: str, real_photos: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")
    export.write(export.onnx_model(find(name), size=(96, 128)), tmp_path / "x.tflite")
    pictures = [real_photos[name] for name in ("astronaut", "chelsea", "coffee")]
    reference = open_engine(find(name), RuntimeOptions("cpu", "torch", "fp32"))
    (row,) = parity.compare(LitertRunner(tmp_path / "x.tflite"), reference, pictures, [(128, 96)])
    assert row.psnr_db > 80


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["wave", "lite_wave", "nano_wave"])
def test_shipped_networks_in_executorch_on_real_photographs(
    name: str, real_photos: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip("executorch", reason='needs pip install "fast_style[executorch]"')
    export.write(export.onnx_model(find(name), size=(96, 128)), tmp_path / "x.pte")
    pictures = [real_photos[name] for name in ("astronaut", "chelsea", "coffee")]
    reference = open_engine(find(name), RuntimeOptions("cpu", "torch", "fp32"))
    (row,) = parity.compare(ExecutorchRunner(tmp_path / "x.pte"), reference, pictures, [(128, 96)])
    assert row.psnr_db > 80
