from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from fast_style import Stylizer
from fast_style.evaluation.artifacts import checkerboard
from fast_style.images.noise import (
    LEVELS,
    PERIOD_PX,
    add_noise,
    is_uniform,
    noise_of_several_scales,
    smoothness,
    spots,
)
from fast_style.models.bundled import shipped


@pytest.mark.parametrize("sigma", [4, 16])
def test_spots_are_even_on_the_whole_and_of_their_size(sigma: int) -> None:
    plane = spots(*PERIOD_PX, sigma)
    assert plane.shape == PERIOD_PX
    assert abs(float(plane.mean())) < 1e-3
    assert float(plane.std()) == pytest.approx(1, abs=1e-3)
    along = [float((plane * np.roll(plane, step, 1)).mean()) for step in (1, sigma)]
    # White noise under a Gaussian of sigma s is correlated by exp(-d^2 / 4 s^2) over a distance of d.
    assert along == pytest.approx([np.exp(-1 / (4 * sigma**2)), np.exp(-1 / 4)], abs=0.1)


def test_the_scales_add_up() -> None:
    assert noise_of_several_scales(*PERIOD_PX).std() == pytest.approx(np.hypot.reduce(LEVELS), rel=0.1)


@pytest.mark.parametrize("period", [(40, 30), (1, 1), (37, 512)])
def test_the_noise_repeats_without_a_seam(period: tuple[int, int]) -> None:
    twice = np.tile(noise_of_several_scales(*period), (2, 2))
    assert np.isfinite(twice).all()
    for axis, side in enumerate(period):
        steps = np.abs(np.diff(twice, axis=axis)).mean(1 - axis)
        assert steps[side - 1] <= steps.max() * (1 + 1e-6)
        assert steps[side - 1] <= 3 * np.median(steps) + 1e-6


def test_smooth_places_get_noise_and_others_none() -> None:
    rng = np.random.default_rng(0)
    photo = np.full((200, 300, 3), 120, np.uint8)
    photo[:, 150:] = rng.integers(0, 255, (200, 150, 3))
    added = add_noise(photo, 1).astype(int) - photo
    assert added[:, 170:].any() == np.False_
    assert added[:, :130].std() == pytest.approx(np.hypot.reduce(LEVELS), rel=0.5)
    weight = smoothness(photo)
    assert weight.shape == (50, 75)
    assert weight[:, :33].min() == 1
    assert weight[:, 42:].max() < 1e-3


def test_noise_stays_in_its_place_from_frame_to_frame() -> None:
    first, second = (np.full((100, 120, 3), level, np.uint8) for level in (90, 130))
    np.testing.assert_array_equal(add_noise(first, 1).astype(int) - first, add_noise(second, 1).astype(int) - second)


def test_every_depth_gets_the_same_noise() -> None:
    photo = np.full((70, 50, 3), 100, np.uint8)
    photo[20:40] += np.arange(50, dtype=np.uint8)[:, None]
    eight = add_noise(photo, 1) / 255
    sixteen = add_noise(photo.astype(np.uint16) * 257, 1) / 65535
    real = add_noise(photo.astype(np.float32) / 255, 1)
    assert real.dtype == np.float32
    np.testing.assert_allclose(eight, real, atol=0.6 / 255)
    np.testing.assert_allclose(sixteen, real, atol=0.05 / 255)


def test_black_and_white_stay_in_the_range() -> None:
    for level in (0.0, 1.0):
        lit = add_noise(np.full((64, 64, 3), level, np.float32), 4)
        assert (lit.min(), lit.max()) != (level, level)
        assert lit.min() >= 0
        assert lit.max() <= 1


def repeated(picture: Image.Image) -> float:
    """The correlation of a picture's marks with a copy of them, moved by more than a mark and by 64 px at most."""
    gray = picture.convert("L")
    marks = np.asarray(gray, float) - np.asarray(gray.filter(ImageFilter.GaussianBlur(8)), float)
    inside = marks[16:-16, 16:-16] * np.hanning(224)[:, None] * np.hanning(224)
    along = np.fft.fftshift(np.fft.irfft2(np.abs(np.fft.rfft2(inside)) ** 2))
    rows, columns = np.mgrid[-112:112, -112:112]
    distance = np.hypot(rows, columns)
    mean = np.bincount(distance.astype(int).ravel(), along.ravel()) / np.bincount(distance.astype(int).ravel())
    mark = np.argmax(mean < 0)
    return float(along[(distance > mark) & (distance < 64)].max() / along.max())


@pytest.mark.parametrize(
    "style", ["wave", "starry_night", "scream", "composition_vii", "udnie", "shipwreck", "water_lilies", "grande_jatte"]
)
def test_a_smooth_surface_becomes_strokes_instead_of_one_mark_repeated(style: str) -> None:
    stylizer = Stylizer.load(style, device="cpu", engine="torch", precision="fp32")
    wall = np.full((256, 256, 3), (112, 102, 77)) + np.linspace(-15, 15, 256)[:, None, None]
    photo = Image.fromarray(wall.astype(np.uint8))
    assert repeated(stylizer.stylize(photo, strokes="fine", noise=0)) > 0.5
    assert repeated(stylizer.stylize(photo, strokes="fine")) < 0.25


def test_a_picture_of_one_colour_is_told_from_all_others() -> None:
    for dtype in (np.uint8, np.uint16):
        page = np.full((5, 4, 3), (1, 2, 3), dtype)
        assert is_uniform(page)
        assert is_uniform(page.transpose(2, 0, 1)[None].astype(np.float32))
        for place in ((0, 0, 0), (4, 3, 2), (2, 1, 1)):
            marked = page.copy()
            marked[place] += 1
            assert not is_uniform(marked)
            assert not is_uniform(marked.transpose(2, 0, 1)[None].astype(np.float32))


@pytest.mark.parametrize("style", sorted(shipped()))
def test_a_picture_of_one_colour_becomes_strokes_instead_of_a_grid(style: str) -> None:
    stylizer = Stylizer.load(style, device="cpu", engine="torch", precision="fp32")
    page = stylizer.stylize(Image.new("RGB", (192, 160), (32, 74, 135)))
    assert checkerboard(page) < 14
    assert np.asarray(page).std() > 25  # without noise 2 to 16


def test_in_a_batch_pictures_of_one_colour_get_noise_and_the_others_none(tiny: Path) -> None:
    stylizer = Stylizer.load(tiny, device="cpu", precision="fp32")
    photo = np.random.default_rng(0).random((1, 3, 64, 64), np.float32)
    page = np.full_like(photo, 0.25)
    both = stylizer(np.concatenate([photo, page, photo]))
    for one, expected in zip(both, (stylizer(photo), stylizer(page, noise=1), stylizer(photo)), strict=True):
        np.testing.assert_allclose(one, expected[0], atol=1e-3)
    np.testing.assert_allclose(stylizer(torch.from_numpy(page)).numpy(), stylizer(page), atol=1e-6)


def test_a_page_in_tiles_equals_the_whole(tiny: Path) -> None:
    stylizer, page = Stylizer.load(tiny, device="cpu", precision="fp32"), Image.new("RGB", (200, 150), "teal")
    whole, tiles = (np.asarray(stylizer.stylize(page, tile_px=px), int) for px in (None, 64))
    assert np.abs(whole - tiles).max() <= 1
