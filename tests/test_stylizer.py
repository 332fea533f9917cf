import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from fast_style import FastStyleError, StylizeOptions, Stylizer, images, stylize_film, stylize_model
from fast_style.engines import torch_engine
from fast_style.engines.torch_engine import TorchEngine
from fast_style.options import RuntimeOptions

from .conftest import picture, untrained


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


@pytest.mark.parametrize(
    ("image", "described"),
    [
        (np.zeros((3, 8, 8), np.float32), r"float32 of shape \(3, 8, 8\)"),
        (np.zeros((1, 4, 8, 8), np.float32), r"float32 of shape \(1, 4, 8, 8\)"),
        (np.zeros((1, 3, 0, 8), np.float32), r"float32 of shape \(1, 3, 0, 8\)"),
        (np.zeros((1, 3, 8, 8), np.uint8), r"uint8 of shape \(1, 3, 8, 8\)"),
        (np.zeros((8, 8, 3), np.float32), r"float32 of shape \(8, 8, 3\)"),
        (np.zeros((8, 8, 4), np.uint8), r"uint8 of shape \(8, 8, 4\)"),
        (np.zeros((8, 8), np.uint8), r"uint8 of shape \(8, 8\)"),
        (np.zeros((0, 8, 3), np.uint8), r"uint8 of shape \(0, 8, 3\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.int64), r"int64 of shape \(1, 3, 8, 8\)"),
        ([[1, 2]], "list"),
        (None, "NoneType"),
    ],
)
def test_other_kinds_and_shapes_are_refused(stylizer: Stylizer, image: Any, described: str) -> None:
    with pytest.raises(FastStyleError, match=rf"shape \(N, 3, H, W\) of floats in .*; this is {described}"):
        stylizer(image)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("changes", [{}, {"strength": 0.5}, {"strength": 0.0}, {"preserve_color": "luminance"}])
def test_floats_keep_their_dtype_on_every_path(stylizer: Stylizer, dtype: Any, changes: dict[str, Any]) -> None:
    image = np.random.default_rng(0).random((1, 3, 20, 24)).astype(dtype)
    for batch in (image, np.full_like(image, 0.5), np.concatenate([image, image])):
        out = stylizer(batch, **changes)
        assert (out.dtype, out.shape) == (batch.dtype, batch.shape)
        tensor = stylizer(torch.from_numpy(batch), **changes)
        assert (tensor.dtype, tensor.shape) == (torch.from_numpy(batch).dtype, batch.shape)
        np.testing.assert_allclose(tensor.numpy(), out, atol=2e-3 if dtype == np.float16 else 1e-5)
    if dtype == np.float32:
        half = stylizer(torch.from_numpy(image).bfloat16(), **changes)
        assert half.dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("changes", [{}, {"strength": 0.5}, {"size": 10}, {"output_size": 10}, {"tile_px": 64}])
def test_whole_number_pictures_keep_their_dtype(stylizer: Stylizer, dtype: Any, changes: dict[str, Any]) -> None:
    pixels = np.asarray(picture(90, 70), dtype) * (257 if dtype == np.uint16 else 1)
    before = pixels.copy()
    out = stylizer(pixels, **changes)
    assert out.dtype == dtype
    assert out.shape == ((10, 13, 3) if "output_size" in changes else pixels.shape)
    assert np.array_equal(pixels, before)
    assert np.array_equal(out, stylizer.stylize(pixels, strokes="fine", noise=0, **changes))
    assert np.array_equal(stylizer(pixels, strokes="medium", noise=1, **changes), stylizer.stylize(pixels, **changes))
    tensor = stylizer(torch.from_numpy(pixels), **changes)
    assert np.array_equal(tensor.numpy(), out)
    if dtype == np.uint8:
        assert np.array_equal(out, np.asarray(stylizer(picture(90, 70), strokes="fine", noise=0, **changes)))


def test_paths_and_pillow_images_give_pillow_images(stylizer: Stylizer, tmp_path: Path) -> None:
    picture(50, 40).save(tmp_path / "a.png")
    expected = stylizer.stylize(picture(50, 40)).tobytes()
    for given in (tmp_path / "a.png", str(tmp_path / "a.png")):
        assert stylizer(given).tobytes() == stylizer.stylize(given).tobytes() == expected
    assert stylizer(picture(50, 40)).tobytes() == expected
    with pytest.raises(FastStyleError, match=r"nowhere\.png: no such file"):
        stylizer("nowhere.png")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": 30}, "size would have no effect on a batch of floats"),
        ({"output_size": 30}, "output_size would have no effect"),
        ({"detail": 0.5, "tileable": True}, "detail and tileable would have no effect"),
        ({"strokes": "bold"}, "strokes would have no effect"),
    ],
)
def test_options_without_effect_are_refused(stylizer: Stylizer, changes: dict[str, Any], said: str) -> None:
    for batch in (np.zeros((1, 3, 8, 8), np.float32), torch.zeros(1, 3, 8, 8)):
        with pytest.raises(FastStyleError, match=said):
            stylizer(batch, **changes)
        with pytest.raises(FastStyleError, match=said):
            stylizer(batch, StylizeOptions(**changes))


def test_gradients_are_refused_and_not_dropped(stylizer: Stylizer) -> None:
    image = torch.rand(1, 3, 8, 8, requires_grad=True)
    for asks in (image, image * 2):
        with pytest.raises(FastStyleError, match=r"no gradients pass through a Stylizer: hand in tensor.detach\(\)"):
            stylizer(asks)
    assert not stylizer(image.detach()).requires_grad


@pytest.mark.parametrize("name", ["size", "output_size"])
def test_sizes_beyond_the_limit_are_one_line(stylizer: Stylizer, name: str) -> None:
    with pytest.raises(FastStyleError, match=r"size 2000000: .* has more pixels than the limit"):
        stylizer.stylize(picture(30, 20), **{name: 2_000_000})  # type: ignore[call-overload]


def test_a_grey_array_is_told_how_to_get_three_channels(stylizer: Stylizer) -> None:
    grey = np.zeros((8, 9), np.uint8)
    with pytest.raises(FastStyleError, match=r"of shape \(8, 9\); .*np\.stack\(\[grey\] \* 3, axis=-1\)$"):
        stylizer.stylize(grey)
    assert stylizer.stylize(np.stack([grey] * 3, axis=-1)).shape == (8, 9, 3)


def test_the_wrong_name_of_a_control_is_one_plain_line_everywhere(stylizer: Stylizer, tmp_path: Path) -> None:
    image = np.zeros((8, 9, 3), np.uint8)
    wrong: dict[str, Any] = {"strenght": 0.5}
    calls: list[Callable[[], object]] = [
        lambda: stylizer(image, **wrong),
        lambda: stylizer.stylize(image, **wrong),
        lambda: next(iter(stylizer.stream([image], **wrong))),
        lambda: stylize_film(tmp_path / "in.mp4", model=stylizer, **wrong),
        lambda: stylize_model(tmp_path / "in.glb", model=stylizer, **wrong),
    ]
    for call in calls:
        with pytest.raises(FastStyleError) as error:
            call()
        assert str(error.value) == "no control strenght (did you mean strength?)"
    with pytest.raises(FastStyleError, match=r"^no control colour$"):
        stylizer.stylize(image, colour=1)


def test_blends_may_be_dictionaries(several: Path) -> None:
    stylizer = Stylizer.load(several, device="cpu", precision="fp32", engine="torch")
    image = np.random.default_rng(0).random((1, 3, 16, 16), dtype=np.float32)
    assert np.array_equal(stylizer(image, style={"a": 1, "b": 3}), stylizer(image, style="a=0.25,b=0.75"))
    with pytest.raises(FastStyleError, match="no style 'c'"):
        stylizer(image, style={"c": 1})


def test_any_name_of_a_style_can_be_chosen(tmp_path: Path) -> None:
    names = ("Great Wave, 1831", "a=b", "x@2", "identity", "a=b")
    stylizer = Stylizer.load(untrained(tmp_path / "odd.pth", *names), device="cpu", precision="fp32", engine="torch")
    assert stylizer.styles == [*names[:4], "a=b (2)"]
    image = np.random.default_rng(0).random((1, 3, 16, 16), dtype=np.float32)
    results = [stylizer(image, style=name) for name in stylizer.styles]
    assert np.array_equal(stylizer(image), results[0])
    assert len({result.tobytes() for result in results}) == 5


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
    with pytest.raises(FastStyleError, match="output_size is 0"):
        spy.stylize(picture(8, 8), output_size=0)


def test_half_precision_follows_float32(tiny: Path, stylizer: Stylizer) -> None:
    image = np.asarray(picture(96, 64), np.float32).transpose(2, 0, 1)[None] / 255
    exact = stylizer(image)
    out = Stylizer.load(tiny, device="cpu", engine="torch", precision="bf16")(image)  # on any processor
    psnr = -10 * np.log10(np.mean((out - exact) ** 2) + 1e-12)
    assert 30 < psnr < 100


def test_unknown_choices_are_plain_errors(tiny: Path) -> None:
    with pytest.raises(FastStyleError, match="unknown engine 'abacus'; choose auto, openvino, onnx, torch"):
        Stylizer.load(tiny, engine="abacus")
    with pytest.raises(FastStyleError, match="int8 is for checkpoints in the openvino engine"):
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


def test_out_of_memory_falls_back_and_says_so(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = TorchEngine(tiny, RuntimeOptions(device="cpu", precision="fp32"))
    engine.device = torch.device("meta")  # stands for a GPU: the tries on it fail before it is touched
    upload = torch_engine.upload

    def full(image: Tensor, device: torch.device) -> Tensor:
        if device.type == "meta":
            raise torch.OutOfMemoryError("no")
        return upload(image, device)

    monkeypatch.setattr(torch_engine, "upload", full)
    for _ in range(2):  # each picture is tried on the GPU first
        caplog.clear()
        out = engine(np.zeros((1, 3, 8, 8), np.float32))
        assert out.shape == (1, 3, 8, 8)
        lines = [record.getMessage() for record in caplog.records]
        assert lines[0].endswith("continues on meta in fp16")
        assert "continues on cpu in" in lines[1]


def test_too_little_memory_on_the_cpu_is_one_plain_line(stylizer: Stylizer) -> None:
    endless = torch.zeros(1, 1, 1, 1).expand(1, 3, 1 << 21, 1 << 21)  # 52 TB, if it were copied
    with pytest.raises(FastStyleError, match="use a smaller size"):
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
    rng = np.random.default_rng(1)
    calls: list[tuple[Any, dict[str, Any]]] = [
        (rng.random((1, 3, 40, 40), dtype=np.float32), {}),
        (rng.random((2, 3, 24, 31), dtype=np.float32), {"strength": 0.5}),
        (np.asarray(picture(90, 70)), {"tile_px": 64}),
        (np.asarray(picture(50, 40)), {"noise": 2.0, "preserve_color": "statistics"}),
        (np.asarray(picture(30, 40)), {"mask": Image.linear_gradient("L"), "size": 20}),
        (torch.from_numpy(rng.random((1, 3, 20, 20), dtype=np.float32)), {}),
    ]
    expected = [np.asarray(stylizer(image, **changes)) for image, changes in calls]
    with ThreadPoolExecutor(4) as pool:
        work = [
            (index, pool.submit(stylizer, *call[:1], **call[1])) for _ in range(4) for index, call in enumerate(calls)
        ]
        for index, future in work:
            assert np.array_equal(np.asarray(future.result()), expected[index]), calls[index][1]


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
    assert np.array_equal(kept[..., :3], given.colors)
    assert small.shape == (30, 40, 4)


def frames(count: int) -> list[np.ndarray]:
    return [np.asarray(picture(40, 30, seed)) for seed in range(count)]


def test_a_stream_gives_what_single_calls_give_in_order(several: Path) -> None:
    stylizer = Stylizer.load(several, device="cpu", precision="fp32")
    streamed = list(stylizer.stream(frames(5), style={"a": 0.3, "b": 0.7}, strength=0.8))
    for one, frame in zip(streamed, frames(5), strict=True):
        assert np.array_equal(one, stylizer(frame, style="a=0.3,b=0.7", strength=0.8))


def test_a_stream_reads_and_paints_while_the_loop_works_but_not_far(stylizer: Stylizer) -> None:
    read, third = [0], threading.Event()

    def source() -> Iterator[np.ndarray]:
        for frame in frames(20):
            read[0] += 1
            if read[0] == 3:
                third.set()
            yield frame

    before = threading.active_count()
    stream = stylizer.stream(source(), length=1)
    next(stream)
    assert third.wait(20)  # without another call
    assert read[0] <= 7
    stream.close()  # type: ignore[attr-defined]  # a generator
    assert threading.active_count() == before


def test_errors_of_a_stream_come_where_the_result_would(stylizer: Stylizer) -> None:
    def source() -> Iterator[np.ndarray]:
        yield frames(1)[0]
        raise OSError("unplugged")

    stream = stylizer.stream(source())
    next(stream)
    with pytest.raises(OSError, match="unplugged"):
        next(stream)
    with pytest.raises(FastStyleError, match="no style 'fog'"):
        next(stylizer.stream(frames(1), style="fog"))
