"""Strength, masks and colours on a network: what a user sees of `Effect`."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from fast_style import Stylizer, images
from fast_style.engines.tiling import Box
from fast_style.images.noise import add_noise
from fast_style.inference.effect import Effect
from fast_style.inference.masks import Mask
from fast_style.options import StylizeOptions
from fast_style.scenes import landscape
from tests.conftest import untrained


@pytest.fixture
def stylizer(tmp_path: Path) -> Stylizer:
    return Stylizer.load(untrained(tmp_path / "t.pth", "a", "b"), device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(landscape(90, 70, 2))


def distance(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def as_array(photo: Image.Image) -> NDArray[np.float32]:
    return images.unit(np.asarray(photo))


def test_strength_goes_from_the_photograph_to_the_style(several: Path, photo: Image.Image) -> None:
    stylizer = Stylizer.load(several, device="cpu", precision="fp32")
    steps = [stylizer.stylize(photo, strength=s) for s in (0, 0.01, 0.1, 0.25, 0.5, 0.75, 1)]
    assert steps[0].tobytes() == photo.tobytes()
    assert distance(steps[1], photo) <= 2
    assert steps[-1].tobytes() == stylizer.stylize(photo).tobytes()
    along = [distance(step, steps[-1]) for step in steps]
    assert along == sorted(along, reverse=True)
    assert distance(stylizer.stylize(photo, strength=1.4), photo) > distance(steps[-1], photo)


def test_strength_is_a_blend_of_pictures(several: Path, photo: Image.Image) -> None:
    stylizer = Stylizer.load(several, device="cpu", precision="fp32")
    half, full = (np.asarray(stylizer.stylize(photo, strength=s), float) for s in (0.5, 1))
    assert np.abs(half - (full + np.asarray(photo, float)) / 2).max() <= 1


def test_a_black_mask_is_the_photograph_and_a_white_one_no_mask(stylizer: Stylizer, photo: Image.Image) -> None:
    plain = stylizer.stylize(photo)
    assert stylizer.stylize(photo, mask=Image.new("L", (9, 9), 0)).tobytes() == photo.tobytes()
    assert stylizer.stylize(photo, mask=Image.new("L", (9, 9), 255)).tobytes() == plain.tobytes()
    white = {"a": Image.new("L", photo.size, 255), "b": Image.new("L", photo.size, 0)}
    assert distance(stylizer.stylize(photo, mask=white), plain) < 0.2


def test_half_a_mask_is_half_a_photograph_with_a_soft_border(stylizer: Stylizer, photo: Image.Image) -> None:
    mask = Image.new("L", photo.size, 0)
    mask.paste(255, (45, 0, 90, 70))
    out = np.asarray(stylizer.stylize(photo, mask=mask, feather=3), float)
    before = np.asarray(photo, float)
    assert np.array_equal(out[:, :30], before[:, :30])
    step = np.abs(np.diff(out - before, axis=1)).mean((0, 2))
    hard = np.asarray(stylizer.stylize(photo, mask=mask, feather=0), float)
    assert step[42:48].max() < np.abs(np.diff(hard - before, axis=1)).mean((0, 2))[44]


def test_each_mask_has_its_own_style(several: Path, photo: Image.Image) -> None:
    stylizer = Stylizer.load(several, device="cpu", precision="fp32")
    left = Image.new("L", photo.size, 0)
    left.paste(255, (0, 0, 45, 70))
    mask = {"a": left, "b": left.point(lambda value: 255 - value)}
    out = stylizer.stylize(photo, mask=mask, feather=0)
    a, b = (stylizer.stylize(photo, style=name) for name in "ab")
    for box, own, other in (((0, 0, 30, 70), a, b), ((60, 0, 90, 70), b, a)):
        assert distance(out.crop(box), own.crop(box)) < distance(out.crop(box), other.crop(box))


def test_halfway_blends_lie_between(several: Path, photo: Image.Image) -> None:
    stylizer = Stylizer.load(several, device="cpu", precision="fp32")
    a, half, b = (stylizer.stylize(photo, style=s) for s in ("a", "a=0.5,b=0.5", "b"))
    assert 0 < distance(half, a) < distance(a, b)
    assert 0 < distance(half, b) < distance(a, b)
    for end, text in ((a, "a=1,b=0"), (b, "a=0,b=1")):
        assert stylizer.stylize(photo, style=text, interpolate="slerp").tobytes() == end.tobytes()


def test_strength_masks_and_colours_work_at_another_size(stylizer: Stylizer, photo: Image.Image) -> None:
    assert stylizer.stylize(photo, strength=0, size=30, noise=2.0).tobytes() == photo.tobytes()
    black = Image.new("L", (9, 9), 0)
    assert stylizer.stylize(photo, mask=black, size=30, preserve_color="luminance").tobytes() == photo.tobytes()
    soft, sharp = (stylizer.stylize(photo, size=30, detail=d) for d in (0, 1))
    energy = [np.abs(np.diff(np.asarray(image, float), axis=0)).mean() for image in (soft, sharp)]
    assert energy[1] > energy[0]
    assert distance(sharp.resize((39, 30)), soft.resize((39, 30))) < 4  # only the fine detail is another


def test_noise_is_what_the_network_is_shown_and_nothing_else(stylizer: Stylizer, photo: Image.Image) -> None:
    smooth = Image.fromarray(np.asarray(photo) // 8 + 100)
    array = as_array(smooth)
    uneven = add_noise(np.ascontiguousarray(array[0].transpose(1, 2, 0)), 2).transpose(2, 0, 1)[None]
    assert np.abs(uneven - array).max() > 0.01
    np.testing.assert_allclose(stylizer(array, noise=2), stylizer(uneven), atol=1e-6)
    half = (stylizer(uneven) + array) / 2  # towards the photograph it is the clean one that comes through
    np.testing.assert_allclose(stylizer(array, noise=2, strength=0.5), half, atol=1e-5)
    assert stylizer.stylize(smooth, noise=2, strength=0).tobytes() == smooth.tobytes()
    tiled = stylizer(array, noise=2, tile_px=64)
    np.testing.assert_allclose(tiled, stylizer(array, noise=2), atol=2e-3)


def test_pictures_have_noise_by_default_and_arrays_have_none(stylizer: Stylizer, photo: Image.Image) -> None:
    smooth = Image.fromarray(np.asarray(photo) // 8 + 100)
    default, none, one = (stylizer.stylize(smooth, noise=n).tobytes() for n in (None, 0.0, 1.0))
    assert default == one != none
    assert images.from_array(stylizer(as_array(smooth))).tobytes() == none


def test_the_effect_at_another_size_keeps_its_masks_and_forgets_the_statistics(stylizer: Stylizer) -> None:
    left = Image.new("L", (80, 40), 0)
    left.paste(255, (0, 0, 40, 40))
    effect = Effect.of(stylizer._styles, StylizeOptions(feather=0), [Mask(left, "b")], (40, 80))
    effect.statistics = np.zeros((2, 3), np.float32)
    small = effect.at((20, 40))
    assert small.statistics is None
    assert small.coverage().shape == (20, 40)
    np.testing.assert_array_equal(small.coverage()[:, :19], 1)
    np.testing.assert_array_equal(small.coverage()[:, 21:], 0)
    np.testing.assert_array_equal(effect.coverage(Box(10, 30, 20, 50)), effect.coverage()[10:20, 30:50])


def test_nothing_is_painted_where_nothing_would_be_seen(stylizer: Stylizer) -> None:
    black, grey = Image.new("L", (9, 9), 0), Image.new("L", (9, 9), 1)
    assert Effect.of(stylizer._styles, StylizeOptions(), [Mask(black)], (9, 9)).is_nothing
    assert not Effect.of(stylizer._styles, StylizeOptions(), [Mask(grey)], (9, 9)).is_nothing
    assert Effect.of(stylizer._styles, StylizeOptions(strength=0), [], (9, 9)).is_nothing
    assert not Effect.of(stylizer._styles, StylizeOptions(), [], (9, 9)).is_nothing


def test_tensors_may_have_controls_too(several: Path, photo: Image.Image) -> None:
    stylizer = Stylizer.load(several, device="cpu", precision="fp32")
    array = as_array(photo)
    out = stylizer(torch.from_numpy(array), strength=0.3, style="b")
    np.testing.assert_allclose(out.numpy(), stylizer(array, strength=0.3, style="b"), atol=1e-6)
    plain = stylizer(torch.from_numpy(array), style="b")
    np.testing.assert_allclose(plain.numpy(), stylizer(array, style="b"), atol=1e-6)


@pytest.mark.parametrize("size", [(90, 70), (61, 47)])
def test_tileable_results_repeat_without_a_seam(several: Path, photo: Image.Image, size: tuple[int, int]) -> None:
    stylizer = Stylizer.load(several, device="cpu", precision="fp32")
    out = np.asarray(stylizer.stylize(photo.resize(size), tileable=True), float)
    assert out.shape[1::-1] == size
    twice = np.tile(out, (2, 2, 1))
    for axis, side in ((0, size[1]), (1, size[0])):
        steps = np.abs(np.diff(twice, axis=axis)).mean(axis=(1 - axis, 2))
        around = np.delete(steps, side - 1)[side - 6 : side + 4]
        assert steps[side - 1] <= 1.25 * around.mean()
        assert steps[side - 1] <= np.delete(steps, side - 1).max()
