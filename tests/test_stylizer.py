import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from fast_style import FastStyleError, StylizeOptions, Stylizer, images
from fast_style.engines.torch_engine import TorchEngine
from fast_style.options import RuntimeOptions

from .conftest import picture


@pytest.fixture(scope="module")
def stylizer(tiny: Path) -> Stylizer:
    return Stylizer.load(tiny, device="cpu", precision="fp32")


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (64, 41), (33, 100)])
def test_array_in_array_out(stylizer: Stylizer, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((2, 3, *size), dtype=np.float32)
    before = image.copy()
    out = stylizer(image)
    assert isinstance(out, np.ndarray)
    assert out.dtype == np.float32
    assert out.shape == image.shape
    assert 0 <= out.min() <= out.max() <= 1
    assert np.array_equal(image, before)


def test_tensor_in_tensor_out(stylizer: Stylizer) -> None:
    image = torch.rand(1, 3, 20, 30)
    out = stylizer(image)
    assert isinstance(out, torch.Tensor)
    np.testing.assert_allclose(out.numpy(), stylizer(image.numpy()), atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 4, 8, 8), (1, 3, 0, 8)])
def test_other_shapes_are_refused(stylizer: Stylizer, shape: tuple[int, ...]) -> None:
    with pytest.raises(FastStyleError, match=r"shape \(N, 3, H, W\)"):
        stylizer(np.zeros(shape, np.float32))


def test_pil_in_pil_out_through_the_same_call(stylizer: Stylizer) -> None:
    image = picture(50, 40)
    out = stylizer.stylize(image)
    array = np.asarray(image, np.float32).transpose(2, 0, 1)[None] / 255
    expected = (stylizer(array)[0].transpose(1, 2, 0) * 255).round()
    assert np.abs(np.asarray(out) - expected).max() <= 1


def test_alpha_is_kept(stylizer: Stylizer) -> None:
    image = picture(50, 40)
    image.putalpha(Image.linear_gradient("L").resize((50, 40)))
    out = stylizer.stylize(image)
    assert out.mode == "RGBA"
    assert out.getchannel("A").tobytes() == image.getchannel("A").tobytes()


def test_working_size_and_output_size(tiny: Path, stylizer: Stylizer) -> None:
    seen: list[tuple[int, ...]] = []

    run = stylizer.engine.__call__

    class Spy(TorchEngine):
        def __call__(self, image: Any, blend: Any = None, statistics: Any = None) -> Any:
            seen.append(image.shape)
            return run(image, blend, statistics)

    spy = Stylizer(Spy(tiny, RuntimeOptions(device="cpu")))
    assert spy.stylize(picture(80, 60), size=30).size == (80, 60)
    assert spy.stylize(picture(80, 60), output_size=30).size == (40, 30)
    assert spy.stylize(picture(80, 60), StylizeOptions(size=120, output_size=30)).size == (40, 30)
    assert [shape[2:] for shape in seen] == [(30, 40), (60, 80), (120, 160)]
    with pytest.raises(FastStyleError, match="output-size is 0"):
        spy.stylize(picture(8, 8), output_size=0)


def test_half_precision_follows_float32(tiny: Path, stylizer: Stylizer) -> None:
    image = np.asarray(picture(96, 64), np.float32).transpose(2, 0, 1)[None] / 255
    exact = stylizer(image)
    out = Stylizer.load(tiny, device="cpu", precision="bf16")(image)
    psnr = -10 * np.log10(np.mean((out - exact) ** 2))
    assert 30 < psnr < 100


def test_unknown_choices_are_plain_errors(tiny: Path) -> None:
    with pytest.raises(FastStyleError, match="unknown engine 'abacus'; choose auto, openvino, onnx, torch"):
        Stylizer.load(tiny, engine="abacus")
    with pytest.raises(FastStyleError, match="int8 is a file of its own"):
        Stylizer.load(tiny, engine="torch", precision="int8")
    with pytest.raises(FastStyleError, match="unknown precision 'fp8'; choose auto, bf16, fp16, fp32"):
        Stylizer.load(tiny, precision="fp8")
    with pytest.raises(FastStyleError, match="device 'toaster'"):
        Stylizer.load(tiny, device="toaster")
    if not torch.cuda.is_available():
        with pytest.raises(FastStyleError, match="cuda is not available"):
            Stylizer.load(tiny, device="cuda")


def test_info_and_name(stylizer: Stylizer) -> None:
    assert stylizer.name == "tiny"
    assert stylizer.info["model"]["width"] == 4


def test_out_of_memory_falls_back_and_says_so(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TorchEngine(tiny, RuntimeOptions(device="cpu", precision="fp32"))
    engine.device = torch.device("meta")  # stands for a GPU: the tries on it fail before it is touched
    forward = engine._forward

    def full(image: Tensor, blend: Any, statistics: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
        if device.type == "meta":
            raise torch.OutOfMemoryError("no")
        return forward(image, blend, statistics, device, dtype)

    monkeypatch.setattr(engine, "_forward", full)
    for _ in range(2):  # each picture is tried on the GPU first
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            out = engine(np.zeros((1, 3, 8, 8), np.float32))
        assert out.shape == (1, 3, 8, 8)
        lines = [str(w.message) for w in said]
        assert lines[0].endswith("continues on meta in fp16")
        assert "continues on cpu in" in lines[1]


def test_too_little_memory_on_the_cpu_is_one_plain_line(stylizer: Stylizer) -> None:
    endless = torch.zeros(1, 1, 1, 1).expand(1, 3, 1 << 21, 1 << 21)  # 52 TB, if it were copied
    with pytest.raises(FastStyleError, match="use a smaller --size"):
        stylizer(endless)


def test_mirrored_views_and_results_are_ordinary(stylizer: Stylizer) -> None:
    image = np.random.default_rng(2).random((1, 3, 16, 20), dtype=np.float32)
    mirrored = stylizer(image[..., ::-1])
    assert np.array_equal(mirrored, stylizer(np.ascontiguousarray(image[..., ::-1])))
    out = stylizer(torch.from_numpy(image))
    out += 1  # an inference tensor would refuse


def test_the_profile_travels_with_the_picture(stylizer: Stylizer) -> None:
    image = picture(20, 20)
    image.info["icc_profile"] = b"profile"
    assert stylizer.stylize(image).info["icc_profile"] == b"profile"


def test_threads_may_share_one_stylizer(stylizer: Stylizer) -> None:
    image = np.random.default_rng(1).random((1, 3, 40, 40), dtype=np.float32)
    expected = stylizer(image)
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(stylizer(image))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.array_equal(result, expected) for result in results)


def test_sixteen_bit_pictures_are_stylized_in_sixteen_bit(stylizer: Stylizer) -> None:
    rng, image = np.random.default_rng(0), picture(80, 60)
    image.putalpha(picture(80, 60, 1).convert("L"))
    pixels = np.asarray(image, np.uint16) * 257
    pixels += rng.integers(0, 100, pixels.shape, dtype=np.uint16) * (pixels < 65000)
    given = images.Picture(Image.fromarray(images.eight_bit(pixels)), "PNG", None, None, pixels)
    styled = stylizer.apply(given)
    assert styled.deep is not None
    assert styled.deep.shape == pixels.shape
    assert len(np.unique(styled.deep[..., :3])) > 1000
    assert np.array_equal(styled.deep[..., 3], pixels[..., 3])
    plain = stylizer.apply(images.Picture(given.image, "PNG", None, None))
    assert np.abs(np.asarray(styled.image, int) - np.asarray(plain.image, int)).mean() < 1.5
    kept = stylizer.apply(given, strength=0, size=30).deep
    small = stylizer.apply(given, output_size=30).deep
    assert kept is not None
    assert small is not None
    assert np.array_equal(kept[..., :3][pixels[..., 3] > 0], pixels[..., :3][pixels[..., 3] > 0])
    assert small.shape == (30, 40, 4)
