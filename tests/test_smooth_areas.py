"""Patches of colour and repeated marks in smooth areas are told from what a painter does there."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from fast_style.evaluation.artifacts import THRESHOLDS
from fast_style.evaluation.smooth_areas import (
    REACH_PX,
    _second_peak,
    color_hole,
    color_holes,
    repeated_marks,
    second_period,
)

HOLES, LATTICES = THRESHOLDS["holes"][0], THRESHOLDS["lattices"][0]


@pytest.fixture(scope="module")
def sky() -> Image.Image:
    """A sky that brightens downwards above a dark wall, with a photograph's grain."""
    ramp = np.linspace(0, 1, 256)[:, None, None] * [50.0, 40.0, 20.0] + [80.0, 120.0, 180.0]
    pixels = np.repeat(ramp, 320, 1)
    pixels[192:] = (60, 50, 40)
    pixels += np.random.default_rng(0).normal(0, 1.5, (256, 320, 1))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def patched(sky: Image.Image, color: tuple[int, int, int]) -> Image.Image:
    """The sky with a patch of another colour, its edge as soft as networks paint them."""
    mask = Image.new("L", sky.size)
    mask.paste(255, (160, 0, 320, 120))
    return Image.composite(Image.new("RGB", sky.size, color), sky, mask.filter(ImageFilter.GaussianBlur(12)))


def test_a_patch_of_another_colour_in_one_sky_is_a_hole(sky: Image.Image) -> None:
    assert color_holes([(patched(sky, (230, 220, 180)), sky)]) > 2 * HOLES


def test_what_keeps_the_colours_of_a_sky_together_has_no_hole(sky: Image.Image) -> None:
    recolored = Image.fromarray(np.asarray(sky)[..., ::-1].copy())
    good = [sky, sky.filter(ImageFilter.GaussianBlur(3)), ImageEnhance.Contrast(sky).enhance(1.5), recolored]
    good.append(with_marks(sky, at_random(sky.size, 0)))
    for picture in good:
        value = color_hole(picture, sky)
        assert value is not None
        assert value < HOLES / 2


def test_surfaces_with_an_edge_between_them_may_have_any_colours(sky: Image.Image) -> None:
    pixels = np.asarray(sky).copy()
    pixels[192:] = (250, 0, 0)
    assert color_holes([(Image.fromarray(pixels), sky)]) < HOLES / 2


def test_pictures_without_a_calm_region_do_not_count(sky: Image.Image) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (256, 320, 3), np.uint8))
    assert color_hole(noise, noise) is None
    assert color_holes([(noise, noise)]) == 0
    bad = (patched(sky, (230, 220, 180)), sky)
    assert color_holes([bad, (noise, noise)]) == color_holes([bad])


def at_random(size: tuple[int, int], seed: int) -> NDArray[np.float64]:
    width, height = size
    return np.random.default_rng(seed).uniform(0, (height, width), (width * height // 100, 2))


def on_a_lattice(size: tuple[int, int], loose_px: float) -> NDArray[np.float64]:
    """One mark every 10 px, each so much out of place (standard deviation)."""
    width, height = size
    places = np.mgrid[5:height:10, 5:width:10].reshape(2, -1).T
    return places + np.random.default_rng(0).normal(0, loose_px, places.shape)


def with_marks(photo: Image.Image, places: NDArray[np.float64]) -> Image.Image:
    """Dots of about 3 px at those rows and columns."""
    (width, height), (rows, columns) = photo.size, places.T
    down = np.exp(-((np.arange(height)[:, None] - rows) ** 2) / 4)
    across = np.exp(-((columns[:, None] - np.arange(width)) ** 2) / 4)
    dots = down @ across
    pixels = np.asarray(photo) + 25 * (dots - dots.mean())[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("loose_px", [0.0, 1.0, 1.5])
def test_marks_on_a_lattice_are_caught_also_where_they_are_not_quite_in_line(sky: Image.Image, loose_px: float) -> None:
    painted = with_marks(sky, on_a_lattice(sky.size, loose_px))
    calm = Image.new("RGB", (512, 512), (90, 120, 150))
    assert repeated_marks([(painted, sky)], calm) > LATTICES


@pytest.mark.parametrize("seed", [0, 1])
def test_marks_at_random_and_noise_are_no_lattice(sky: Image.Image, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 40, (256, 320, 3)).clip(-99, 99) + 128
    soft = Image.fromarray(noise.astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))
    for picture in (sky, soft, with_marks(sky, at_random(sky.size, seed))):
        value = second_period([(picture, sky)])
        assert value is not None
        assert value < LATTICES


def test_the_slope_beside_one_band_is_no_period() -> None:
    """As in the skies of nano_scream: it falls from the centre to one trough, and nowhere rises above both sides."""
    side = np.arange(-REACH_PX, REACH_PX + 1)
    across, along = np.abs(side[:, None] * 0.8 - side * 0.6), side[:, None] * 0.6 + side * 0.8
    falling = np.interp(across, [0, 2.5, 5, 7.5, 10, 12.5, 20], [1, 0.47, 0.17, -0.31, -0.13, -0.07, 0])
    assert _second_peak(falling * np.exp(-((along / 10) ** 2))) == 0
    repeating = np.interp(across % 10, [0, 5, 10], [0.5, -0.5, 0.5])
    assert _second_peak(repeating) > 0.5


def test_a_painting_may_repeat_its_marks_as_pictures_of_it_do(sky: Image.Image) -> None:
    flat = Image.new("RGB", (512, 512), (90, 120, 150))
    painting = with_marks(flat, on_a_lattice(flat.size, 0.5))
    assert repeated_marks([(with_marks(sky, on_a_lattice(sky.size, 1.0)), sky)], painting) < LATTICES
