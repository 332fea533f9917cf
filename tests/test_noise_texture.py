"""Noise with the marks of a painting: what a checkpoint keeps of it, what pictures get of it, how it is made."""

import base64
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from fast_style import FastStyleError, Stylizer
from fast_style.commands import main as fast_style
from fast_style.images.noise import PERIOD_PX, add_noise, usual_noise
from fast_style.images.noise_texture import LEVEL, PACKED_PX, USUAL_SHARE, packed, unpacked
from fast_style.models import checkpoint
from fast_style.models.vgg import VGG19
from fast_style.training.texture_synthesis import LAYERS, STAGES, enlarged, equally_loud_marks, synthesize

from .conftest import random_vgg, untrained

PREFERRED = {"starry_night", "composition_vii", "shipwreck"}
OF_GALLERY = PREFERRED | {"cossacks"}
FLAT = Image.new("RGB", (320, 240), (120, 140, 160))
EVERYWHERE = np.ones((1, 1), np.float32)


def waves(rows: int, columns: int) -> NDArray[np.float32]:
    """A texture of bands, mean 0 and deviation 1, that repeats: so many along each side."""
    height, width = PACKED_PX
    angle = 2 * np.pi * (rows * np.arange(height)[:, None] / height + columns * np.arange(width) / width)
    return (np.sqrt(2) * np.sin(angle)).astype(np.float32)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A network of four styles."""
    return untrained(tmp_path / "plain.pth", "a", "b", "c", "d")


@pytest.fixture
def textured(plain: Path, tmp_path: Path) -> Stylizer:
    """The same, whose first two styles have textures: bands down, and across."""
    loaded = checkpoint.load(plain)
    textures = [packed(waves(8, 0)), packed(waves(0, 8))]
    own = [{"texture": text} for text in textures] + [{}] * len(loaded.styles)
    replace(loaded, styles=[style | more for style, more in zip(loaded.styles, own, strict=False)]).save(
        tmp_path / "textured.pth"
    )
    return Stylizer.load(tmp_path / "textured.pth", device="cpu")


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]]:
    """The noises that the passes asked for."""
    asked: list[Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]] = []

    def noted(*args: Any, **named: Any) -> Any:
        asked.append(named.get("noises", ()))
        return add_noise(*args, **named)

    monkeypatch.setattr("fast_style.inference.pipeline.add_noise", noted)
    return asked


def test_a_texture_comes_back_twice_as_large() -> None:
    marks = unpacked(packed(waves(3, 2)))
    assert marks.shape == PERIOD_PX
    assert (marks.mean(), marks.std()) == pytest.approx((0, LEVEL), abs=1e-3)
    # Its first px lies between the first two of the larger one.
    places = [(np.arange(side) - 0.5) / side for side in PERIOD_PX]
    expected = np.sin(2 * np.pi * (3 * places[0][:, None] + 2 * places[1]))
    assert np.corrcoef(marks.ravel(), expected.ravel())[0, 1] > 0.99


def test_the_noise_of_a_texture_repeats_without_a_seam() -> None:
    twice = np.tile(unpacked(packed(waves(5, 7))), (2, 2))
    for axis, side in enumerate(PERIOD_PX):
        steps = np.abs(np.diff(twice, axis=axis)).mean(1 - axis)
        assert steps[side - 1] <= 1.2 * np.median(steps)


def jpeg(size: tuple[int, int], mode: str) -> str:
    file = io.BytesIO()
    Image.new(mode, size).save(file, "JPEG")
    return base64.b64encode(file.getvalue()).decode()


BOMB = base64.b64encode(base64.b64decode(jpeg((8, 8), "L")).replace(b"\x00\x08\x00\x08", b"\xff\x00\xff\x00")).decode()


@pytest.mark.parametrize(
    "text", ["nonsense", "ä", jpeg((256, 128), "L"), jpeg((256, 256), "RGB"), packed(waves(1, 1))[:400], BOMB]
)
def test_what_is_no_texture_is_said_in_a_line(text: str) -> None:
    with pytest.raises(FastStyleError, match="not a noise texture"):
        unpacked(text)


def test_smooth_places_get_the_noise_that_is_given_and_others_none() -> None:
    photo = np.full((128, 256, 3), 120, np.uint8)
    photo[:, 128:] = np.random.default_rng(0).integers(0, 255, (128, 128, 3))
    noise = unpacked(packed(waves(8, 0)))
    result = add_noise(photo, 2, noises=[(noise, EVERYWHERE)]).astype(int) - photo
    assert np.abs(result[:, :100, 0] - 2 * noise[:128, :100]).max() < 1
    assert not result[:, 150:].any()


def test_shares_of_noises_are_those_of_their_places_and_add_up() -> None:
    photo = np.full((64, 64, 3), 120, np.uint8)
    left = np.zeros((16, 16), np.float32)
    left[:, :8] = 1
    bands, rows = unpacked(packed(waves(8, 0))), unpacked(packed(waves(0, 8)))
    half = np.full((1, 1), 0.5, np.float32)
    both = [(bands, left), (rows, 1 - left), (bands, half)]
    result = add_noise(photo, 1, noises=both).astype(int) - photo
    assert np.abs(result[:, :28, 0] - 1.5 * bands[:64, :28]).max() < 1
    assert np.abs(result[:, 36:, 0] - rows[:64, 36:64] - bands[:64, 36:64] / 2).max() < 1


def test_each_style_is_painted_from_its_own(textured: Stylizer, added: list[Any]) -> None:
    first, second, third = textured.styles[:3]
    for style, expected in ((first, waves(8, 0)), (second, waves(0, 8))):
        added.clear()
        textured.stylize(FLAT, style=style)
        assert added  # one for each pass
        for (usual, of_usual), (marks, of_marks) in added:
            np.testing.assert_array_equal(usual, usual_noise())
            assert (of_usual.item(), of_marks.item()) == pytest.approx((USUAL_SHARE, 1))
            assert np.corrcoef(marks[::2, ::2].ravel(), expected.ravel())[0, 1] > 0.95
    added.clear()
    textured.stylize(FLAT, style=third)
    assert added
    assert not any(added)  # the usual one


def test_blends_are_as_loud_as_one_style(textured: Stylizer, added: list[Any]) -> None:
    """Also of styles without a texture, whose noise is one and the same."""
    flat, loudness = np.full((512, 512, 3), 120, np.uint8), {}
    for style in ("a", "c", "a=3,b=4", "c,d", "a,c,d", "a=0.2,c=0.4,d=0.4"):
        added.clear()
        textured.stylize(FLAT, style=style)
        loudness[style] = float(add_noise(flat, 1, noises=added[0]).std())
    assert loudness["c"] == loudness["c,d"]
    assert list(loudness.values()) == pytest.approx([9.3] * len(loudness), rel=0.15)


def test_each_side_of_a_mask_has_its_own_noise(textured: Stylizer, added: list[Any]) -> None:
    left = np.zeros((240, 320), np.uint8)
    left[:, :160] = 255
    textured.stylize(FLAT, mask={"a": Image.fromarray(left), "c": Image.fromarray(255 - left)})
    (_, of_usual), (_, of_marks) = added[-1]
    assert of_marks.shape == of_usual.shape == (60, 80)
    assert of_marks[:, :38].min() > 0.99 > 0.01 > of_marks[:, 42:].max()
    assert (of_usual[:, :38].max(), of_usual[:, 42:].min()) == pytest.approx((USUAL_SHARE, 1), abs=0.01)


def test_frames_and_batches_with_noise_have_it_too(textured: Stylizer, plain: Path) -> None:
    before, frame = Stylizer.load(plain, device="cpu"), np.asarray(FLAT)
    batch = np.ascontiguousarray(frame.transpose(2, 0, 1)[None] / np.float32(255))
    for content in (frame, batch):
        alone = [each(content, noise=0.5, style="a").astype(float) for each in (before, textured)]
        assert np.abs(alone[0] - alone[1]).max() > 0
        np.testing.assert_array_equal(before(content, noise=0.5, style="c"), textured(content, noise=0.5, style="c"))


def test_a_texture_changes_smooth_pictures_alone(textured: Stylizer, plain: Path) -> None:
    before, style = Stylizer.load(plain, device="cpu"), textured.styles[0]
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (128, 160, 3)).astype(np.uint8))
    np.testing.assert_array_equal(
        np.asarray(before.stylize(photo, style=style)), np.asarray(textured.stylize(photo, style=style))
    )
    apart = [np.asarray(each.stylize(FLAT, style=style), int) for each in (before, textured)]
    assert np.abs(apart[0] - apart[1]).max() > 0


def test_it_is_not_printed(textured: Stylizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style(["stylize", "--info", "--model", str(tmp_path / "textured.pth")]) == 0
    told = capsys.readouterr().out
    assert told.count("texture: true") == 2
    assert max(map(len, told.splitlines())) < 200


def test_damaged_textures_are_said_in_a_line(plain: Path, tmp_path: Path) -> None:
    loaded = checkpoint.load(plain)
    for texture, error in ((5, "not one entry with a name"), ("nonsense", "not a noise texture")):
        path = tmp_path / "damaged.pth"
        replace(loaded, styles=[loaded.styles[0] | {"texture": texture}, *loaded.styles[1:]]).save(path)
        with pytest.raises(FastStyleError, match=error):
            Stylizer.load(path, device="cpu").stylize(FLAT)


def test_exports_keep_it(textured: Stylizer, tmp_path: Path) -> None:
    assert fast_style(["export", str(tmp_path / "textured.pth"), "-o", str(tmp_path / "textured.onnx")]) == 0
    entries = Stylizer.load(tmp_path / "textured.onnx", device="cpu").info["styles"]
    assert [entry.get("texture") for entry in entries] == [e.get("texture") for e in textured.info["styles"]]


def test_marks_of_a_painting_are_equally_loud() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((1, 1, 256, 256)) * np.where(np.arange(256) < 128, 0.02, 0.1)
    painting = torch.from_numpy((0.5 + noise).clip(0, 1).repeat(3, 1)).float()
    marks = equally_loud_marks(painting)
    assert marks.std() == pytest.approx(1, abs=1e-3)
    assert marks.mean() == pytest.approx(0, abs=1e-3)
    quiet, loud = marks[..., :70].std(), marks[..., -70:].std()
    assert 0.6 < quiet / loud < 1.2  # 0.2 before


def test_enlarged_textures_repeat() -> None:
    small = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    large = enlarged(small, (32, 32))
    assert large.shape == (1, 1, 32, 32)
    moved = enlarged(torch.roll(small, 5, 3), (32, 32))
    torch.testing.assert_close(torch.roll(large, 10, 3), moved)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fast_style.training.texture_synthesis.STAGES", [(4, 2), (1, 1)])


def test_a_synthesis_is_reported_and_the_same_each_time(tmp_path: Path, quick: None) -> None:
    vgg = VGG19.load(LAYERS[-1], random_vgg(tmp_path, LAYERS[-1]))
    painting = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 280, 3)).astype(np.uint8))
    steps: list[tuple[int, int]] = []
    first = synthesize(vgg, painting, report=lambda done, of: steps.append((done, of)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert first.shape == PACKED_PX
    assert (first.mean(), first.std()) == pytest.approx((0, 1), abs=1e-3)
    np.testing.assert_array_equal(first, synthesize(vgg, painting))


def test_the_command_writes_a_checkpoint_that_has_it(
    several: Path, tmp_path: Path, quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 80, 3)).astype(np.uint8)).save(tmp_path / "p.png")
    weights, output = random_vgg(tmp_path, LAYERS[-1]), tmp_path / "out.pth"

    def run(*more: str) -> int:
        given = [str(several), str(tmp_path / "p.png"), "-o", str(output), "--vgg-weights", str(weights)]
        return fast_style(["texture", *given, *more])

    for more, told in (([], "say which style with --style; it has a, b"), (["--style", "c"], "no style 'c'; it has a")):
        assert run(*more) == 1
        assert told in capsys.readouterr().err
    assert run("--style", "b") == 0
    before, after = checkpoint.load(several), checkpoint.load(output)
    assert ["texture" in style for style in after.styles] == [False, True]
    assert unpacked(after.styles[1]["texture"]).shape == PERIOD_PX
    for name, value in before.weights.items():
        torch.testing.assert_close(after.weights[name], value, rtol=0, atol=0)
    assert run("--style", "b") == 1
    assert "exists; use --overwrite" in capsys.readouterr().err


def test_only_checkpoints_are_written(several: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "p.png")
    assert fast_style(["texture", str(several), str(tmp_path / "p.png"), "-o", str(tmp_path / "out.onnx")]) == 1
    assert "ends with .pth" in capsys.readouterr().err


@pytest.mark.parametrize(("entries", "style", "number"), [([], "", 0), (["twin", "twin"], "twin (2)", 1)])
def test_styles_without_a_name_of_their_own_have_the_one_that_is_shown(
    tmp_path: Path, quick: None, entries: list[str], style: str, number: int
) -> None:
    path = untrained(tmp_path / "names.pth", *(entries or ["one"]))
    replace(checkpoint.load(path), styles=[{"name": name} for name in entries]).save(path)
    Image.new("RGB", (64, 64)).save(tmp_path / "p.png")
    given = [str(path), str(tmp_path / "p.png"), "-o", str(tmp_path / "out.pth"), "--style", style]
    weights = random_vgg(tmp_path, LAYERS[-1])
    assert fast_style(["texture", *given, "--vgg-weights", str(weights)]) == 0
    assert "texture" in checkpoint.load(tmp_path / "out.pth").styles[number]


def test_any_painting_has_none_to_give_it_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "p.png")
    assert fast_style(["texture", "any", str(tmp_path / "p.png"), "-o", str(tmp_path / "out.pth")]) == 1
    assert "no style of its own" in capsys.readouterr().err


@pytest.mark.parametrize("model", ["wave", "scream", "udnie", "grande_jatte", *sorted(PREFERRED), "gallery"])
def test_the_shipped_networks_have_those_that_judges_preferred(model: str) -> None:
    styles = checkpoint.load(checkpoint.find(model)).styles
    having = {str(style["name"]): unpacked(style["texture"]).shape for style in styles if "texture" in style}
    expected = OF_GALLERY if model == "gallery" else {model} & PREFERRED
    assert having == dict.fromkeys(expected, PERIOD_PX)


@pytest.mark.slow
def test_a_synthesis_has_the_marks_of_its_painting(real_vgg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fast_style.training.texture_synthesis.STAGES", STAGES[:1])  # a quarter as large
    vgg = VGG19.load(LAYERS[-1], real_vgg)
    x, y = np.meshgrid(np.arange(320), np.arange(320))
    paintings = {
        "bands": 127 + 90 * np.sin(y / 4),
        "columns": 127 + 90 * np.sin(x / 4),
    }
    for name, lightness in paintings.items():
        texture = synthesize(vgg, Image.fromarray(lightness.astype(np.uint8)).convert("RGB"))
        down, across = (float(np.abs(np.diff(texture, axis=axis)).mean()) for axis in (0, 1))
        assert (down > across) == (name == "bands")
        assert max(down, across) > 1.5 * min(down, across)
