"""Devices that runtimes offer: which name means what, what happens where one is absent, and the list of them.

Of the accelerators only the CPU is in most machines: stand-ins take their place, under the runtimes' own names.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fast_style import FastStyleError
from fast_style.commands import main as fast_style
from fast_style.engines import onnx_engine, open_engine, registry
from fast_style.engines.registry import ENGINES, kind_of, number_of
from fast_style.options import RuntimeOptions

IMAGE = np.random.default_rng(0).random((1, 3, 24, 32), np.float32)


def options(device: str, engine: str) -> RuntimeOptions:
    return RuntimeOptions(device, engine, "fp32")  # type: ignore[arg-type]  # one of them


class Sessions:
    """Stand in for ONNX Runtime with other providers: sessions run on the CPU and say that they did not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *providers: str, starts: bool = True, error: str = "") -> None:
        onnxruntime = pytest.importorskip("onnxruntime")
        self.asked: list[list[Any]] = []
        real = onnxruntime.InferenceSession

        def session(model: Any, settings: Any, providers: Any = None) -> Any:
            providers = providers or [*onnx_engine._plugins(), "CPUExecutionProvider"]
            self.asked.append(providers)
            names = [each[0] if isinstance(each, tuple) else each for each in providers]
            if error and len(names) > 1:
                raise RuntimeError(error)
            opened = real(model, settings, providers=["CPUExecutionProvider"])
            opened.get_providers = lambda: names if starts else names[-1:]
            return opened

        monkeypatch.setattr(onnxruntime, "InferenceSession", session)
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [*providers, "CPUExecutionProvider"])
        monkeypatch.setattr(onnx_engine, "_plugins", dict)


@pytest.mark.parametrize("device", [name for name in ENGINES["onnx"].devices if name != "cpu"])
def test_every_provider_of_onnx_runtime_is_asked_for_by_its_device(
    tiny: Path, device: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    providers = [name for name in onnx_engine.PROVIDERS[device] if name in onnxruntime.get_all_providers()]
    assert providers  # the name is the runtime's own
    sessions = Sessions(monkeypatch, *providers)
    engine = open_engine(tiny, options(device, "onnx"))
    assert sessions.asked == [[*((name, {}) for name in providers), "CPUExecutionProvider"]]
    assert engine(IMAGE).shape == IMAGE.shape
    assert engine.measure(IMAGE, np.ones(1, np.float32)).shape[0] == 2  # its other graphs go there too
    assert sessions.asked[1] == sessions.asked[0]
    assert not caplog.records


def test_a_device_may_have_a_number(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(monkeypatch, "CUDAExecutionProvider")
    open_engine(tiny, options("cuda:1", "onnx"))
    assert sessions.asked[0][0] == ("CUDAExecutionProvider", {"device_id": "1"})
    assert (kind_of("cuda:1"), number_of("cuda:1"), number_of("cuda")) == ("cuda", 1, None)
    for wrong in ("toaster", "cuda:x", "cuda:", "gpu:-1"):
        with pytest.raises(FastStyleError, match=f"unknown device '{wrong}'"):
            open_engine(tiny, options(wrong, "onnx" if wrong[0] == "c" else "openvino"))


@pytest.mark.parametrize(
    ("stand_in", "reason"),
    [
        ({}, "it takes an NVIDIA GPU: pip install onnxruntime-gpu"),
        ({"starts": False}, "it takes an NVIDIA GPU"),
        ({"error": "CUDA failure 35: driver too old\nat line 7"}, r"CUDA failure 35: driver too old\)"),
    ],
)
def test_without_the_device_the_cpu_paints_and_one_line_says_so(
    tiny: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stand_in: dict[str, Any],
    reason: str,
) -> None:
    Sessions(monkeypatch, *(["CUDAExecutionProvider"] if stand_in else []), **stand_in)
    painted = open_engine(tiny, options("cuda", "onnx"))(IMAGE)
    (record,) = caplog.records
    assert record.getMessage().startswith("ONNX Runtime cannot use device cuda; the CPU runs the network (")
    assert re.search(reason, record.getMessage())
    np.testing.assert_array_equal(painted, open_engine(tiny, options("cpu", "onnx"))(IMAGE))


def test_tensorrt_is_not_found_where_there_is_cuda_alone(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Sessions(monkeypatch, "CUDAExecutionProvider")
    assert onnx_engine.devices() == {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
    assert open_engine(tiny, options("tensorrt", "onnx"))(IMAGE).shape == IMAGE.shape
    (record,) = caplog.records
    assert record.getMessage().startswith("ONNX Runtime cannot use device tensorrt; cuda runs the network (it takes")


@pytest.mark.parametrize("provider", onnx_engine.PROVIDERS["rocm"])
def test_either_provider_of_rocm_is_found(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Sessions(monkeypatch, provider)
    assert onnx_engine.devices() == {"cpu": "CPUExecutionProvider", "rocm": provider}


def test_a_provider_may_come_in_a_package_of_its_own(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    sessions, chosen = Sessions(monkeypatch), list[Any]()
    monkeypatch.setattr(onnx_engine, "_plugins", lambda: {"WebGpuExecutionProvider": ["the GPU"]})
    monkeypatch.setattr(onnxruntime.SessionOptions, "add_provider_for_devices", lambda _, *args: chosen.append(args))
    assert open_engine(tiny, options("webgpu", "onnx"))(IMAGE).shape == IMAGE.shape
    assert chosen == [(["the GPU"], {})]
    assert sessions.asked == [["WebGpuExecutionProvider", "CPUExecutionProvider"]]


@pytest.fixture
def intel(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Two GPUs and an NPU stand in OpenVINO's list; what is compiled for them, with its shapes, runs on the CPU."""
    openvino = pytest.importorskip("openvino")
    compiled: list[tuple[str, Any]] = []

    base: Any = openvino.Core

    class Core(base):
        available_devices = ("CPU", "GPU.0", "GPU.1", "NPU")

        def compile_model(self, graph: Any, device: str, config: dict[str, str]) -> Any:
            compiled.append((device, graph.input("image").get_partial_shape()))
            # An NPU is not told its arithmetic; processors with bf16 would take that.
            return super().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32", **config})

        def get_property(self, device: str, name: str) -> Any:
            return f"Intel {device}" if name == "FULL_DEVICE_NAME" else super().get_property(device, name)

    monkeypatch.setattr(openvino, "Core", Core)
    return compiled


@pytest.mark.parametrize(("device", "name"), [("gpu", "GPU"), ("gpu:1", "GPU.1"), ("npu", "NPU"), ("cpu", "CPU")])
def test_openvino_compiles_for_the_device(
    trio: Path, intel: list[tuple[str, Any]], device: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_engine(trio, options(device, "openvino"))
    reference = open_engine(trio, options("cpu", "onnx"))
    blend = np.array([0.5, 0.2, 0.3], np.float32)
    for image in (IMAGE, IMAGE[..., :20], IMAGE):
        np.testing.assert_allclose(engine(image, blend), reference(image, blend), atol=1e-4)
    statistics = engine.measure(IMAGE, blend)
    np.testing.assert_allclose(engine(IMAGE, blend, statistics), reference(IMAGE, blend), atol=1e-4)
    assert {each for each, _ in intel} == {name}
    fixed = [list(shape) for _, shape in intel if not shape.is_dynamic]
    # Of an NPU one graph for each size: two of the picture, one that measures, one with its statistics.
    assert [shape[3].get_length() for shape in fixed] == ([32, 20, 32, 32] if name == "NPU" else [])
    assert not caplog.records


def test_openvino_without_the_device_says_so(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("openvino")
    engine = open_engine(tiny, options("npu", "openvino"))
    (record,) = caplog.records
    assert record.getMessage() == (
        "OpenVINO cannot use device npu; the CPU runs the network (it takes an Intel NPU with its driver)"
    )
    assert engine(IMAGE).shape == IMAGE.shape


@pytest.mark.parametrize("device", ["gpu", "npu"])
def test_openvino_leaves_to_the_cpu_what_a_device_does_not_compile(
    tiny: Path, intel: list[Any], device: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    openvino = pytest.importorskip("openvino")
    compile_model = openvino.Core.compile_model

    def fail(core: Any, graph: Any, device: str, config: Any) -> Any:
        if device != "CPU":
            raise RuntimeError("no kernel for this\nfrom line 3")
        return compile_model(core, graph, device, config)

    monkeypatch.setattr(openvino.Core, "compile_model", fail)
    assert open_engine(tiny, options(device, "openvino"))(IMAGE).shape == IMAGE.shape
    assert [record.getMessage() for record in caplog.records] == [
        f"OpenVINO cannot use device {device}; the CPU runs the network (no kernel for this)"
    ]


def test_auto_takes_the_engine_of_the_device(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def names(path: Path, device: str) -> list[str]:
        return [entry.name for entry in registry.candidates(path, RuntimeOptions(device))]

    pytest.importorskip("openvino")
    pytest.importorskip("onnxruntime")
    for device, engine in {"cuda": "torch", "mps": "torch", "gpu:1": "openvino", "npu": "openvino"}.items():
        assert names(tiny, device) == [engine]
    for device in ("tensorrt", "directml", "coreml", "rocm", "webgpu"):
        assert names(tiny, device) == ["onnx"]
    assert names(Path("a.onnx"), "cuda") == ["onnx"]
    monkeypatch.setattr(registry, "find_spec", lambda name: name == "onnxruntime")  # without torch
    assert names(tiny, "cuda") == names(tiny, "auto") == ["onnx"]
    with pytest.raises(FastStyleError, match="no engine for it is installed: it takes an Intel NPU"):
        names(tiny, "npu")


def test_the_list_shows_what_is_found_and_what_is_needed(
    intel: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Sessions(monkeypatch, "DmlExecutionProvider")
    assert fast_style(["devices", "--json"]) == 0
    rows = {(row["device"], row["engine"]): row for row in json.loads(capsys.readouterr().out)}
    assert rows["gpu:1", "openvino"]["what"] == "Intel GPU.1"
    assert rows["directml", "onnx"] == {
        "device": "directml",
        "engine": "onnx",
        "found": True,
        "what": "DmlExecutionProvider",
    }
    assert rows["cpu", "torch"]["found"]
    assert not rows["webgpu", "onnx"]["found"]
    assert "onnxruntime-ep-webgpu" in rows["webgpu", "onnx"]["what"]
    assert ("gpu", "openvino") not in rows  # as it is found
    assert fast_style(["devices"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split()[:3] == ["DEVICE", "ENGINE", "FOUND"]
    assert len(table) == 1 + len(rows)


def test_a_runtime_that_is_broken_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> dict[str, str]:
        raise ImportError("libcudart.so.12: cannot open shared object file")

    monkeypatch.setattr(onnx_engine, "devices", broken)
    assert fast_style(["devices", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "onnx cannot be imported: libcudart" in err
    assert {(row["device"], row["found"]) for row in json.loads(out) if row["engine"] == "onnx"} >= {("cpu", False)}


def test_a_precision_that_the_engine_of_a_device_lacks_is_refused(tiny: Path, intel: list[Any]) -> None:
    with pytest.raises(FastStyleError, match="has no fp16"):
        open_engine(tiny, RuntimeOptions("gpu", "auto", "fp16"))
