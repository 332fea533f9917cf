from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from fast_style import Stylizer
from fast_style.engines.tiling import Box
from fast_style.evaluation.artifacts import checkerboard
from fast_style.inference.noise import PERIOD_PX, SPOT_PX, Grain, blank, ground
from fast_style.models.bundled import shipped


def test_the_ground_is_even_on_the_whole_and_in_spots() -> None:
    spots = ground(*PERIOD_PX)
    assert spots.shape == PERIOD_PX
    assert abs(float(spots.mean())) < 1e-3
    assert float(spots.std()) == pytest.approx(1, abs=1e-3)
    along = [float((spots * np.roll(spots, step, 1)).mean()) for step in (1, int(SPOT_PX), int(4 * SPOT_PX))]
    # White noise under a Gaussian of sigma s is correlated by exp(-d^2 / 4 s^2) over a distance of d.
    assert along == pytest.approx([np.exp(-1 / 64), np.exp(-1 / 4), np.exp(-4)], abs=0.05)


@pytest.mark.parametrize("period", [(40, 30), (1, 1), (37, 512)])
def test_the_ground_repeats_without_a_seam(period: tuple[int, int]) -> None:
    twice = np.tile(ground(*period), (2, 2))
    assert np.isfinite(twice).all()
    for axis, side in enumerate(period):
        steps = np.abs(np.diff(twice, axis=axis)).mean(1 - axis)
        assert steps[side - 1] <= steps.max() * (1 + 1e-6)
        assert steps[side - 1] <= 3 * np.median(steps) + 1e-6


def test_parts_of_a_picture_get_the_grain_of_their_place() -> None:
    grain, photo = Grain(8), np.full((2, 3, 600, 700), 0.5, np.float32)
    whole = grain(photo, Box(0, 0, 600, 700))
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole[0], whole[1])  # no frame has another ground than the next
    box = Box(33, 500, 590, 650)
    there = (..., *box.slices)
    np.testing.assert_array_equal(grain(photo[there], box), whole[there])
    assert float(whole[0, 0, :512, :512].std()) == pytest.approx(8 / 255, rel=1e-3)


def test_black_and_white_stay_in_the_range() -> None:
    for level in (0.0, 1.0):
        lit = Grain(30)(np.full((1, 3, 64, 64), level, np.float32), Box(0, 0, 64, 64))
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
    assert repeated(stylizer.stylize(photo)) > 0.5
    assert repeated(stylizer.stylize(photo, grain=6)) < 0.25


def test_a_picture_of_one_colour_is_told_from_all_others() -> None:
    for dtype in (np.uint8, np.uint16):
        page = np.full((5, 4, 3), (1, 2, 3), dtype)
        assert blank(page)
        assert blank(page.transpose(2, 0, 1)[None].astype(np.float32))
        for place in ((0, 0, 0), (4, 3, 2), (2, 1, 1)):
            marked = page.copy()
            marked[place] += 1
            assert not blank(marked)
            assert not blank(marked.transpose(2, 0, 1)[None].astype(np.float32))


@pytest.mark.parametrize("style", sorted(shipped()))
def test_a_picture_of_one_colour_becomes_strokes_instead_of_a_grid(style: str) -> None:
    stylizer = Stylizer.load(style, device="cpu", engine="torch", precision="fp32")
    page = stylizer.stylize(Image.new("RGB", (192, 160), (32, 74, 135)))
    assert checkerboard(page) < 14
    assert np.asarray(page).std() > 25  # without grain 2 to 16


def test_in_a_batch_pictures_of_one_colour_get_grain_and_the_others_none(tiny: Path) -> None:
    stylizer = Stylizer.load(tiny, device="cpu", precision="fp32")
    photo = np.random.default_rng(0).random((1, 3, 64, 64), np.float32)
    page = np.full_like(photo, 0.25)
    both = stylizer(np.concatenate([photo, page, photo]))
    for one, expected in zip(both, (stylizer(photo), stylizer(page, grain=6), stylizer(photo)), strict=True):
        np.testing.assert_allclose(one, expected[0], atol=1e-6)
    np.testing.assert_allclose(stylizer(torch.from_numpy(page)).numpy(), stylizer(page), atol=1e-6)


def test_a_page_in_tiles_equals_the_whole(tiny: Path) -> None:
    stylizer, page = Stylizer.load(tiny, device="cpu", precision="fp32"), Image.new("RGB", (200, 150), "teal")
    whole, tiles = (np.asarray(stylizer.stylize(page, tile_px=px), int) for px in (None, 64))
    assert np.abs(whole - tiles).max() <= 1
