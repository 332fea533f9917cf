"""The benchmark measures what it says: every engine, in turn, against plain PyTorch."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fast_style import FastStyleError, benchmark
from fast_style.benchmark import cases, convolution_peak, peak_rates
from fast_style.benchmark.cases import Case
from fast_style.benchmark.parity import psnr
from fast_style.benchmark.processes import Timing, require
from fast_style.benchmark.whole_process import PLAIN
from fast_style.commands import bench, run
from fast_style.models.bundled import SAMPLE, find
from fast_style.options import BenchmarkOptions


def test_cases_are_every_engine_and_precision(tiny: Path) -> None:
    pytest.importorskip("openvino")
    pytest.importorskip("onnxruntime")
    (group,) = cases.list_cases([str(tiny)], BenchmarkOptions(("40x30",)), "cpu")
    ours = [("openvino", "fp32"), ("openvino", "bf16"), ("onnx", "fp32"), ("torch", "fp32"), ("torch", "bf16")]
    measured = [("plain", "fp32"), *ours[:2], ("openvino", "int8"), *ours[2:]]
    assert [(case.engine, case.precision) for case in group if not case.peak] == measured
    assert sorted((case.engine, case.precision) for case in group if case.peak) == sorted(ours)
    on_gpu = cases.list_cases([str(tiny)], BenchmarkOptions(("40x30",)), "cuda")[0]
    assert {case.engine for case in on_gpu if not case.peak} == {"plain", "torch"}
    assert {case.engine for case in on_gpu if case.peak} == {"torch"}


def test_the_peak_is_that_of_every_engine_whatever_is_measured(tiny: Path) -> None:
    pytest.importorskip("openvino")
    options = BenchmarkOptions(("40x30",), engines=("torch",), precisions=("bf16",))
    (group,) = cases.list_cases([str(tiny)], options, "cpu")
    assert [case.engine for case in group if not case.peak] == ["plain", "torch"]
    assert {case.engine for case in group if case.peak and case.precision == "bf16"} == {"openvino", "torch"}


def test_the_best_rate_of_any_engine_is_the_peak() -> None:
    slow, fast, other = Timing([4.0, 2.0], 100.0), Timing([1.0, 1.5], 100.0), Timing([5.0], 100.0)
    assert peak_rates([("fp32", slow), ("fp32", fast), ("bf16", other)]) == {"fp32": 100.0, "bf16": 20.0}


def test_sizes_are_checked() -> None:
    assert cases.parse_size("1280x720") == (1280, 720)
    with pytest.raises(FastStyleError, match="WIDTHxHEIGHT"):
        cases.parse_size("720p")


@pytest.mark.parametrize("frame", [False, True])
def test_plain_and_ours_make_the_same_picture(tiny: Path, frame: bool) -> None:
    made = {}
    for engine in ("plain", "torch"):
        call, flops = cases.prepare(Case(str(tiny), engine, "fp32", 41, 30, str(SAMPLE), frame=frame))
        made[engine] = call()
        assert (flops > 0) == (engine == "plain")
    assert made["plain"].shape == ((30, 41, 3) if frame else (1, 3, 30, 41))
    assert made["plain"].dtype == (np.uint8 if frame else np.float32)
    scale = 255 if frame else 1
    assert psnr((made["plain"].astype(np.float32) - made["torch"]) / scale) > 50


def test_arithmetic_is_counted_as_in_the_literature() -> None:
    _, flops = cases.prepare(Case(str(find("wave")), "plain", "fp32", 512, 512, str(SAMPLE)))
    assert flops == pytest.approx(80.6e9, rel=0.01)


@pytest.mark.parametrize("engine", ["openvino", "onnx", "torch"])
def test_the_chain_of_convolutions_is_the_same_in_every_engine(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip({"openvino": "openvino", "onnx": "onnxruntime", "torch": "torch"}[engine])
    assert pytest.approx(68e9, rel=0.01) == convolution_peak.FLOPS
    monkeypatch.setattr(convolution_peak, "SHAPE", (8, 12, 10))
    result = convolution_peak.prepare(engine, "fp32", "cpu")()
    assert np.isfinite(result).all()
    assert result.shape == ((1, 1, 12, 10) if engine != "torch" else (1, 1, 1, 1))


@pytest.mark.slow
def test_the_command_prints_rows_of_figures(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [
        str(tiny),
        "--sizes",
        "32x24",
        "--runs",
        "2",
        "--engines",
        "torch",
        "--precisions",
        "fp32",
        "--device",
        "cpu",
    ]
    assert run(bench.main, [*flags, "--json"], "fast-style bench") == 0
    plain, ours = json.loads(capsys.readouterr().out)
    assert (plain["engine"], plain["ratio"], plain["psnr_db"]) == ("plain", 1.0, None)
    assert ours["psnr_db"] > 60
    assert ours["ratio"] == pytest.approx(plain["p50_ms"] / ours["p50_ms"])
    assert ours["per_s"] == pytest.approx(1e3 / ours["p50_ms"])
    assert ours["p50_ms"] <= ours["p95_ms"] <= ours["p99_ms"]
    assert 50 < ours["peak_mb"] < 5000
    assert 0 < ours["share"] < 1.2


def test_the_command_prints_what_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = benchmark.Row(
        "wave", "plain", "fp32", "32x24", p50_ms=2.0, p95_ms=3.0, p99_ms=3.0, per_s=500.0, ratio=1.0, peak_mb=9.0
    )
    asked = []

    def measure(models: tuple[str, ...], options: BenchmarkOptions, *_: object) -> list[benchmark.Row]:
        asked.append((models, options.sizes))
        return [row]

    monkeypatch.setattr(bench, "measure", measure)
    assert run(bench.main, ["wave", "--sizes", "32x24", "--json"], "fast-style bench") == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["engine"], told["per_s"]) == ("plain", 500.0)
    assert [tuple(map(tuple, each)) for each in asked] == [(("wave",), ("32x24",))]


def test_a_profile_names_the_kinds_of_operations(capsys: pytest.CaptureFixture[str]) -> None:
    parts = profiled(capsys, "--sizes", "96x64", "--runs", "3")
    for model, kinds in (("nano_wave", {"convolutions", "norms", "padding", "layout"}), ("wave", {"convolutions"})):
        found = {part["operation"]: part for part in parts if part["model"] == model}
        assert kinds <= set(found)
        assert sum(part["share"] for part in found.values()) == pytest.approx(1)
        assert found["convolutions"]["ms"] > 0
        assert {part["size"] for part in found.values()} == {"96x64"}


@pytest.mark.alone
def test_a_profile_names_what_takes_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    parts = profiled(capsys, "--sizes", "256x192")
    for model in ("nano_wave", "wave"):
        found = {part["operation"]: part["ms"] for part in parts if part["model"] == model}
        assert found["convolutions"] == max(found.values())


def profiled(capsys: pytest.CaptureFixture[str], *flags: str) -> list[dict[str, Any]]:
    """Return the rows of `fast-style bench --profile` for two networks."""
    pytest.importorskip("openvino")
    assert run(bench.main, ["nano_wave", "wave", "--profile", "--json", *flags], "fast-style bench") == 0
    parts: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return parts


def test_columns_line_up() -> None:
    text = bench._table(
        [{"model": "wave", "p50_ms": 1.0, "share": 0.5}, {"model": "w", "p50_ms": 22.25, "share": None}]
    )
    lines = text.splitlines()
    assert lines[0].split() == ["model", "p50_ms", "share"]
    assert lines[2].split() == ["w", "22.2", "-"]
    assert len({len(line) for line in lines}) == 1


def test_a_model_that_does_not_run_is_said() -> None:
    with pytest.raises(FastStyleError, match="plain PyTorch did not run"):
        require(None, "plain PyTorch")


@pytest.mark.slow
@pytest.mark.alone
def test_training_steps_are_compared() -> None:
    plain, ours = benchmark.measure_training(BenchmarkOptions(runs=2, device="cpu"), size_px=128)
    assert plain.ratio == 1
    assert ours.per_s == pytest.approx(4e3 / ours.p50_ms)
    assert ours.ratio > 1


def test_no_module_beside_the_plain_script_hides_one_of_python() -> None:
    """It runs in its folder, and torch imports much of the standard library."""
    assert not {path.stem for path in PLAIN.parent.glob("*.py")} & (sys.stdlib_module_names - {"__init__"})


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(sys.platform == "win32", reason="needs wait4")
def test_a_second_run_takes_a_third_of_the_memory_and_a_fraction_of_the_time() -> None:
    pytest.importorskip("openvino")
    # In a process of its own, which is small: on Linux a child counts its parent's memory as its own peak.
    command = "from fast_style.commands import bench, run; raise SystemExit(run(bench.main, prog='bench'))"
    flags = ["--process", "--sizes", "1280x720", "--runs", "3", "--json"]
    told = subprocess.run([sys.executable, "-c", command, *flags], capture_output=True, text=True, check=True)
    print(told.stdout)
    plain, ours = json.loads(told.stdout)
    assert plain["memory_share"] == 1
    assert float(ours["memory_share"]) < 1 / 3
    assert float(ours["ratio"]) > 3  # 5 on a quiet machine; `fast-style bench --process`
