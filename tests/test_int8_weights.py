"""Kernels in 8 bits: half the file, the same network within half a scale."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fast_style.commands import main as fast_style
from fast_style.errors import FastStyleError
from fast_style.models import checkpoint
from fast_style.models.checkpoint_file import FORMAT, FORMAT_INT8
from fast_style.models.int8_weights import MOST, SUFFIX, dequantize, quantize


def make_weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    kernel = random.standard_normal((6, 4, 3, 3)).astype(np.float32) * np.logspace(-6, 1, 6)[:, None, None, None]
    kernel[2] = 0
    return {"a.weight": kernel.astype(np.float32), "a.bias": random.standard_normal(6).astype(np.float16)}


def test_no_weight_moves_by_more_than_half_a_scale() -> None:
    weights = make_weights()
    back = dequantize(quantize(weights))
    assert back.keys() == weights.keys()
    largest = np.abs(weights["a.weight"]).max(axis=(1, 2, 3), keepdims=True)
    assert (np.abs(back["a.weight"] - weights["a.weight"]) <= largest / MOST * 0.5001).all()
    assert np.abs(back["a.weight"]).max() > 0 and back["a.weight"].dtype == np.float32
    assert (back["a.weight"][2] == 0).all()
    assert (back["a.bias"] == weights["a.bias"]).all() and back["a.bias"].dtype == np.float16


def test_what_was_read_is_written_again_to_the_last_bit() -> None:
    once = quantize(make_weights())
    twice = quantize(dequantize(once))
    assert once.keys() == twice.keys()
    assert all((once[name] == twice[name]).all() and once[name].dtype == twice[name].dtype for name in once)


@pytest.mark.parametrize(
    "scale", [None, np.ones(5, np.float32), np.ones(6, np.float64)], ids=["none", "too few", "another type"]
)
def test_kernels_without_their_scales_are_refused(scale: np.ndarray | None) -> None:
    weights = quantize(make_weights())
    del weights["a.weight" + SUFFIX]
    with pytest.raises(FastStyleError, match=r"a\.weight has no scale"):
        dequantize(weights if scale is None else {**weights, "a.weight" + SUFFIX: scale})


@pytest.mark.parametrize("scale", [3e38, float("inf"), float("nan")])
def test_weights_that_are_not_finite_are_refused(scale: float) -> None:
    weights = quantize(make_weights())
    weights["a.weight" + SUFFIX] = np.full(6, scale, np.float32)
    with pytest.raises(FastStyleError, match="not finite"):
        dequantize(weights)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_of_half_the_size_paints_the_same(suffix: str, tmp_path: Path) -> None:
    source, path = checkpoint.find("lite_wave"), tmp_path / f"small{suffix}"
    assert fast_style(["convert", str(source), str(path), "--int8", "--overwrite"]) == 0
    original, small = checkpoint.load(source), checkpoint.load(path)
    assert small.int8 and small.describe() == original.describe()
    halves = sum(value.numel() * 2 for value in original.weights.values())
    assert path.stat().st_size < 0.6 * halves + 30_000
    assert small.weights.keys() == original.weights.keys()
    image = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        painted, wanted = (each.network()(image, torch.eye(1)).clamp(0, 1) for each in (small, original))
    assert -10 * float((painted - wanted).square().mean().log10()) > 40
    again = tmp_path / f"again{suffix}"
    small.save(again, dtype=None)
    assert again.read_bytes() == path.read_bytes()


def test_a_file_of_halves_has_the_format_that_earlier_versions_read(tiny: Path, tmp_path: Path) -> None:
    loaded = checkpoint.load(tiny)
    loaded.save(tmp_path / "a.pth", torch.int8)
    loaded.save(tmp_path / "b.pth")
    contents = [torch.load(tmp_path / name, weights_only=True) for name in ("a.pth", "b.pth")]
    assert [content["format"] for content in contents] == [FORMAT_INT8, FORMAT]
    kinds = [{value.dtype for value in content["weights"].values()} for content in contents]
    assert torch.int8 in kinds[0] and kinds[1] == {torch.float16}
