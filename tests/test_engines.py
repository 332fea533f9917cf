"""Every engine against torch; which one is taken; what happens to damaged files."""

import os
import subprocess
import sys
import threading
import warnings
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fast_style import FastStyleError, images
from fast_style.benchmark.parity import psnr
from fast_style.engines import Engine, memory, open_engine, paint_frame, registry, torch_engine
from fast_style.export import openvino_int8
from fast_style.export.graph import build_graph
from fast_style.models.architectures import build
from fast_style.models.bundled import SAMPLE, find
from fast_style.models.checkpoint import Checkpoint
from fast_style.options import NetworkOptions, RuntimeOptions
from fast_style.system import signal_stack
from fast_style.system.hardware import has_compiler
from fast_style.system.threads import overlapped

PROJECT = Path(__file__).parents[1]
GRAPHS = ("openvino", "onnx")


def opened(path: Path, engine: str, precision: str = "fp32") -> Engine:
    if engine != "torch":
        pytest.importorskip({"openvino": "openvino", "onnx": "onnxruntime"}[engine])
    return open_engine(path, RuntimeOptions("cpu", engine, precision))  # type: ignore[arg-type]


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).random(shape, dtype=np.float32)


@pytest.mark.parametrize("engine", GRAPHS)
@pytest.mark.parametrize("size", [(7, 13), (1, 50), (64, 41), (427, 641)])
def test_the_same_picture_as_torch(trio: Path, engine: str, size: tuple[int, int]) -> None:
    image, blend = random(2, 3, *size), np.array([0.5, 0.2, 0.3], np.float32)
    out = opened(trio, engine)(image, blend)
    assert out.shape == image.shape
    assert out.dtype == np.float32
    assert psnr(out - opened(trio, "torch")(image, blend)) > 80


@pytest.mark.parametrize("engine", GRAPHS)
def test_single_pixels_are_possible(tiny: Path, engine: str) -> None:
    # Their values depend on the rounding of a variance of 0, so only their shape and range can be asked for.
    out = opened(tiny, engine)(random(1, 3, 1, 1))
    assert out.shape == (1, 3, 1, 1)
    assert 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("engine", GRAPHS)
def test_it_knows_what_the_checkpoint_knows(trio: Path, engine: str) -> None:
    known, reference = opened(trio, engine), opened(trio, "torch")
    assert known.info == reference.info
    np.testing.assert_array_equal(known.style_gram, reference.style_gram)
    assert (known.stride, known.reach_px) == (reference.stride, reference.reach_px)


@pytest.mark.parametrize("engine", GRAPHS)
def test_tensors_come_back_as_tensors(tiny: Path, engine: str) -> None:
    image = torch.rand(1, 3, 20, 30, dtype=torch.float64)
    out = opened(tiny, engine)(image)
    assert isinstance(out, torch.Tensor)
    assert out.dtype == torch.float32
    np.testing.assert_allclose(out, opened(tiny, engine)(image.numpy().astype(np.float32)), atol=1e-6)


def per_pixel(height: int, width: int) -> np.ndarray:
    """Weights of three styles at every pixel, (3, height, width)."""
    ramp = np.linspace(0, 0.75, height * width).reshape(height, width)
    return np.stack([np.full_like(ramp, 0.25), ramp, 0.75 - ramp]).astype(np.float32)


@pytest.mark.parametrize("engine", GRAPHS)
@pytest.mark.parametrize("size", [(32, 40), (41, 50), (3, 9), (47, 61)])
def test_blends_per_pixel_run_in_the_engine_itself(trio: Path, engine: str, size: tuple[int, int]) -> None:
    image, blend, run = random(2, 3, *size), per_pixel(*size), opened(trio, engine)
    assert psnr(run(image, blend) - opened(trio, "torch")(image, blend)) > 80


@pytest.mark.parametrize("arch", ["lite", "vgg-encoder"])
def test_every_architecture_has_blends_per_pixel(arch: str, tmp_path: Path) -> None:
    network = build(NetworkOptions(width=4, blocks=1, styles=3, arch=arch))  # type: ignore[arg-type]  # one of them
    for name, parameter in network.named_parameters():
        if ".norm." in name:
            torch.nn.init.normal_(parameter, float(name.endswith("weight")), 0.4)
    path, image, blend = tmp_path / "it.pth", random(1, 3, 41, 50), per_pixel(41, 50)
    Checkpoint(network.options, [{"name": f"{i}"} for i in range(3)], {}, network.state_dict()).save(path)
    assert psnr(opened(path, "onnx")(image, blend) - opened(path, "torch")(image, blend)) > 80


@pytest.mark.parametrize("engine", GRAPHS)
def test_a_single_style_may_be_weighted(tiny: Path, engine: str) -> None:
    image, blend = random(1, 3, 20, 30), np.array([0.5], np.float32)
    assert psnr(opened(tiny, engine)(image, blend) - opened(tiny, "torch")(image, blend)) > 80


@pytest.mark.parametrize("engine", GRAPHS)
@pytest.mark.parametrize("per_pixel_blend", [False, True])
def test_tiles_run_in_the_engine_itself(trio: Path, engine: str, per_pixel_blend: bool) -> None:
    run, reference = opened(trio, engine), opened(trio, "torch")
    image, parts = random(1, 3, 41, 50), random(3, 3, 48, 64) ** 2
    one = np.array([0.5, 0.2, 0.3], np.float32)
    for pictures in (image, parts):  # of one picture, and of several as of one
        count, _, *size = pictures.shape
        blend = np.stack([per_pixel(*size)] * count) if per_pixel_blend else one
        statistics = run.measure(pictures, blend)
        np.testing.assert_allclose(statistics, reference.measure(pictures, blend), rtol=1e-3, atol=1e-4)
        blend = per_pixel(41, 50) if per_pixel_blend else one
        assert psnr(run(image, blend, statistics) - reference(image, blend, statistics)) > 80
    own = run.measure(image, blend)
    assert psnr(run(image, blend, own) - run(image, blend)) > 80


@pytest.mark.parametrize("arch", ["lite", "vgg-encoder"])
def test_every_architecture_has_tiles_in_the_engine(arch: str, tmp_path: Path) -> None:
    network = build(NetworkOptions(width=4, blocks=1, arch=arch))  # type: ignore[arg-type]  # one of them
    Checkpoint(network.options, [{"name": "it"}], {}, network.state_dict()).save(tmp_path / "it.pth")
    image, blend = random(1, 3, 41, 50), np.ones(1, np.float32)
    run = opened(tmp_path / "it.pth", "openvino")
    assert psnr(run(image, blend, run.measure(image, blend)) - run(image, blend)) > 80


@pytest.mark.parametrize(("free", "expected"), [(None, 2e9), (10**9, 5e8), (0, 1e8), (64 * 10**9, 2e9)])
def test_the_memory_of_a_run_follows_what_is_free(
    free: int | None, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: free)
    assert memory.default_bytes() == expected


@pytest.mark.parametrize("engine", GRAPHS)
def test_threads_may_share_one(tiny: Path, engine: str) -> None:
    run = opened(tiny, engine)
    images = [random(1, 3, 30 + i, 50) for i in range(4)]
    expected = [run(image) for image in images]
    results: list[tuple[int, np.ndarray]] = []
    threads = [
        threading.Thread(target=lambda i=i: results.extend((i, run(images[i])) for _ in range(3))) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 12
    for i, result in results:
        np.testing.assert_allclose(result, expected[i], atol=1e-6)


def test_auto_follows_the_device_and_the_precision(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def names(path: Path = tiny, **options: str) -> list[str]:
        return [entry.name for entry in registry.candidates(path, RuntimeOptions(**options))]  # type: ignore[arg-type]

    pytest.importorskip("openvino")
    pytest.importorskip("onnxruntime")
    assert names(device="cpu") == ["openvino", "onnx", "torch"]
    assert names(device="cpu", precision="bf16") == ["openvino", "torch"]
    assert names(device="cpu", precision="fp16") == ["torch"]
    assert names(device="cuda") == ["torch"]
    assert names(Path("a.xml"), device="cpu") == ["openvino"]
    monkeypatch.setattr(registry, "_may_have_gpu", lambda: True)
    assert names() == ["torch"]
    monkeypatch.setattr(registry, "_may_have_gpu", lambda: False)
    monkeypatch.setattr(registry, "find_spec", lambda name: name == "torch")
    assert names() == ["torch"]
    with pytest.raises(FastStyleError, match="no engine for it is installed"):
        names(Path("a.onnx"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (RuntimeOptions("cpu", "onnx", "bf16"), "onnx engine has no bf16; choose auto, fp32"),
        (RuntimeOptions("cuda", "openvino"), "runs on cpu, gpu, npu; for device cuda use engine onnx or torch"),
        (RuntimeOptions("cpu", "torch", "int8"), "int8 is for checkpoints in the openvino engine"),
        (RuntimeOptions("cpu", "onnx", "int8"), "it is a file of its own"),
    ],
)
def test_what_cannot_be_done_is_said(tiny: Path, options: RuntimeOptions, message: str) -> None:
    with pytest.raises(FastStyleError, match=message):
        open_engine(tiny, options)


def test_a_network_with_attention_takes_a_file_for_int8(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    network = build(NetworkOptions(8, 1, attention=True))
    Checkpoint(network.options, [{"name": "looking"}], {}, network.state_dict()).save(tmp_path / "looking.pth")
    with pytest.raises(FastStyleError, match="without attention"):
        open_engine(tmp_path / "looking.pth", RuntimeOptions("cpu", "openvino", "int8"))


@pytest.mark.parametrize("name", ["lite_wave", "nano_wave", "starry_night", "gallery"])
def test_networks_compute_in_integers_where_it_is_asked_for(name: str) -> None:
    pytest.importorskip("openvino")
    frame = np.asarray(images.resize_short_side(images.read(SAMPLE).rgb, 240))
    exact, small = (open_engine(find(name), RuntimeOptions("cpu", "auto", kind)) for kind in ("fp32", "int8"))
    expected = images.unit(paint_frame(exact, frame))
    for found in (images.unit(paint_frame(small, frame)), small(images.unit(frame))):
        assert 40 < psnr(found - expected) < 55  # above nothing would be in integers


def test_integers_leave_several_styles_and_processors_without_vnni_as_they_are() -> None:
    pytest.importorskip("openvino")
    import openvino

    torch.manual_seed(0)
    network = build(NetworkOptions(8, 2, 2, "lite")).eval()
    for norm in network.norms().values():
        torch.nn.init.normal_(norm.get_parameter("weight"), 1, 0.2)
        torch.nn.init.normal_(norm.get_parameter("bias"), 0, 0.5)
    image, blend = torch.from_numpy(random(1, 3, 64, 72)), np.array([[0.3, 0.7]], np.float32)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    with torch.no_grad():
        expected = network(image, torch.from_numpy(blend)).clamp(0, 1).numpy()
    for has_vnni, most in ((True, 60), (False, 55)):
        with signal_stack.kept():  # else the next signal ends the process
            core = openvino.Core()
            graph = core.read_model(build_graph(network.options, weights).model("lite").encode())
            openvino_int8.quantize(graph, network.options, weights, has_vnni)
            run = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
            found = run({"image": image.numpy(), "blend": blend})[0]
        assert 35 < psnr(found - expected) < most


@pytest.mark.parametrize("engine", GRAPHS)
def test_other_files_are_plain_errors(engine: str, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_text("not a model")
    with pytest.raises(FastStyleError, match=r"other\.onnx: not a model that"):
        opened(other, engine)
    (tmp_path / "other.pth").write_text("not a checkpoint")
    with pytest.raises(FastStyleError, match=r"other\.pth: not a file of network weights"):
        open_engine(tmp_path / "other.pth", RuntimeOptions("cpu"))


def test_an_engine_that_fails_leaves_the_picture_to_torch(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("openvino")

    def fail(*_: object) -> None:
        raise RuntimeError("illegal instruction")

    for module in ("openvino_engine.OpenVinoEngine", "onnx_engine.OnnxEngine"):
        monkeypatch.setattr(f"fast_style.engines.{module}.__init__", fail)
    engine = open_engine(tiny, RuntimeOptions("cpu"))
    assert "cannot run tiny.pth (RuntimeError: illegal instruction); torch does" in caplog.text
    assert type(engine).__name__ == "TorchEngine"


def test_auto_on_a_cpu_is_close_to_float32(tiny: Path) -> None:
    image = random(1, 3, 96, 64)
    assert psnr(opened(tiny, "openvino", "auto")(image) - opened(tiny, "torch")(image)) > 40


def test_a_gpu_compiles_for_a_film_and_not_for_a_picture(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def compiled(network: torch.nn.Module, device: torch.device, what: str) -> torch.nn.Module:
        made.append(f"{what} on {device}")
        return network

    monkeypatch.setattr(torch_engine, "COMPILES_FOR", ("cpu",))
    monkeypatch.setattr(torch_engine, "compiled", compiled)
    engine = opened(tiny, "torch")
    for _ in range(torch_engine.COMPILE_AFTER_CALLS):
        engine(random(1, 3, 16, 24))
    engine(random(1, 3, 24, 16))
    assert made == []
    for _ in range(torch_engine.COMPILE_AFTER_CALLS + 2):
        engine(random(1, 3, 16, 24))
    assert made == ["painting on cpu"]


@pytest.mark.slow
def test_the_compiled_network_paints_the_same(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_compiler(torch.device("cpu")):
        pytest.skip("no C++ compiler")
    image, plain = random(1, 3, 48, 64), opened(tiny, "torch")(random(1, 3, 48, 64))
    monkeypatch.setattr(torch_engine, "COMPILES_FOR", ("cpu",))
    monkeypatch.setattr(torch_engine, "COMPILE_AFTER_CALLS", 0)
    np.testing.assert_allclose(opened(tiny, "torch")(image), plain, atol=1e-4)


def realtime(path: Path, styles: int) -> Path:
    torch.manual_seed(5)
    network = build(NetworkOptions(width=4, blocks=1, styles=styles, arch="lite"))
    for name, parameter in network.named_parameters():
        if ".norm." in name:
            torch.nn.init.normal_(parameter, float(name.endswith("weight")), 0.4)
    Checkpoint(network.options, [{"name": f"{i}"} for i in range(styles)], {}, network.state_dict()).save(path)
    return path


@pytest.mark.parametrize("styles", [1, 3])
@pytest.mark.parametrize("size", [(1, 3), (5, 5), (64, 41), (46, 63), (240, 321)])
def test_frames_are_the_rounded_picture(styles: int, size: tuple[int, int], tmp_path: Path) -> None:
    path = realtime(tmp_path / "it.pth", styles)
    blend = np.full(styles, 1 / styles, np.float32)
    pixels = np.asarray(images.from_array(random(1, 3, *size)))  # which Pillow lends for reading only
    wanted = images.quantized(opened(path, "torch")(images.unit(pixels), blend)).astype(int)
    warnings.simplefilter("error")
    for engine in ("torch", "openvino"):
        painted = paint_frame(opened(path, engine), pixels, blend)
        assert painted.dtype == np.uint8
        assert painted.shape == pixels.shape
        assert np.abs(painted - wanted).max() <= 1
        assert (painted != wanted).mean() < 0.01


def test_real_time_networks_have_a_way_of_their_own_for_frames(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    assert opened(realtime(tmp_path / "it.pth", 1), "openvino")._frames is not None  # type: ignore[attr-defined]
    assert opened(tiny, "openvino")._frames is None  # type: ignore[attr-defined]


def test_frames_side_by_side_are_those_painted_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openvino = pytest.importorskip("openvino")
    given: list[dict[str, str]] = []
    compile_model = openvino.Core.compile_model

    def noting(core: Any, graph: Any, device: str, config: dict[str, str]) -> Any:
        given.append(config)
        return compile_model(core, graph, device, config)

    monkeypatch.setattr(openvino.Core, "compile_model", noting)
    engine = opened(realtime(tmp_path / "it.pth", 1), "openvino")
    photos = [np.asarray(images.from_array(random(1, 3, 40 + i, 52))) for i in range(8)]
    alone = [paint_frame(engine, photo) for photo in photos]
    assert not any("NUM_STREAMS" in config for config in given)
    jobs = [partial(paint_frame, engine, photo) for photo in photos]
    with engine._counted():  # type: ignore[attr-defined]  # frames this short may never be in work at the same time
        together = list(overlapped(jobs, max(2, engine.concurrency)))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
    if (os.cpu_count() or 1) > 1:
        assert [config["NUM_STREAMS"] for config in given if "NUM_STREAMS" in config] == ["2"]


@pytest.mark.parametrize("known", [True, False])
def test_openvino_keeps_a_bounded_number_of_compiled_operations(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """Its memory would grow with each new size; `python -m tests.stress --only sizes` measures that."""
    openvino = pytest.importorskip("openvino")
    given: list[dict[str, str]] = []
    compile_model = openvino.Core.compile_model

    def noting(core: Any, graph: Any, device: str, config: dict[str, str]) -> Any:
        given.append(config)
        if "CPU_RUNTIME_CACHE_CAPACITY" in config and not known:
            raise RuntimeError("an option that this version does not have")
        return compile_model(core, graph, device, config)

    monkeypatch.setattr(openvino.Core, "compile_model", noting)
    engine = open_engine(tiny, RuntimeOptions("cpu", "openvino", "fp32"))
    assert engine(np.zeros((1, 3, 9, 8), np.float32)).shape == (1, 3, 9, 8)
    assert int(given[0]["CPU_RUNTIME_CACHE_CAPACITY"]) <= 128
    assert ("CPU_RUNTIME_CACHE_CAPACITY" in given[-1]) == known


MEMORY_OF_A_MEASUREMENT = """
import sys
from pathlib import Path
import numpy as np
from fast_style.engines import open_engine
from fast_style.engines.openvino_engine import _Requests
from fast_style.options import RuntimeOptions

def resident(): return int(Path("/proc/self/statm").read_text().split()[1])

if sys.argv[2] == "kept": _Requests.release = lambda self: None
engine = open_engine(Path(sys.argv[1]), RuntimeOptions("cpu", "openvino", "fp32"))
parts = np.random.default_rng(0).random((16, 3, 256, 256), np.float32)
before = resident()
engine.measure(parts, np.ones(1, np.float32))
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_measurement_took_is_given_back(tiny: Path) -> None:
    pytest.importorskip("openvino")

    def growth(how: str) -> int:  # in a process of its own: what other tests left would be used first
        command = [sys.executable, "-c", MEMORY_OF_A_MEASUREMENT, str(tiny), how]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    assert growth("released") < growth("kept") / 2


def test_a_graph_that_another_thread_runs_keeps_its_memory(tiny: Path) -> None:
    pytest.importorskip("openvino")
    from fast_style.engines.openvino_engine import OpenVinoEngine

    class Busy:
        def release_memory(self) -> None:
            raise RuntimeError("Attempt to call release_memory() on a compiled model in a busy state")

    engine = opened(tiny, "openvino")
    assert isinstance(engine, OpenVinoEngine)
    for compiled in (Busy(), object()):  # versions before OpenVINO 2025 have no such method
        engine._floats._compiled[()] = compiled, deque([object()])
        engine._floats.release()
        assert not engine._floats._compiled[()][1]
