import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fast_style.evaluation.smooth_areas import second_period
from fast_style.inference.displacement import displaced

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def dots() -> Pixels:
    """Soft dots at every 10 px, 256x320."""
    y, x = np.mgrid[0:256, 0:320]
    light = 128 + 60 * np.cos(2 * np.pi * x / 10) * np.cos(2 * np.pi * y / 10)
    return np.repeat(light[..., None], 3, 2).astype(np.uint8)


def lattice(pixels: Pixels) -> float:
    found = second_period([(Image.fromarray(pixels), None)])
    assert found is not None
    return found


def test_of_a_lattice_in_a_calm_area_little_is_left(dots: Pixels) -> None:
    moved = displaced(dots, np.ones((64, 80), np.float32))
    assert lattice(dots) > 0.8
    assert lattice(moved) < 0.1
    assert moved.std() > 0.9 * dots.std()  # the dots are still there


def test_what_is_not_calm_stays_where_it_is(dots: Pixels) -> None:
    calm = np.zeros((64, 80), np.float32)
    assert displaced(dots, calm) is dots
    calm[:, 40:] = 1
    moved = displaced(dots, calm)
    np.testing.assert_array_equal(moved[:, :158], dots[:, :158])
    assert (moved[:, 170:] != dots[:, 170:]).mean() > 0.5


def test_no_pixel_of_the_edge_is_pulled_into_the_picture() -> None:
    pixels = np.full((120, 160, 3), 100, np.uint8)
    pixels[[0, -1]], pixels[:, [0, -1]] = 255, 255
    moved = displaced(pixels, np.ones((30, 40), np.float32))
    assert (moved[2:-2, 2:-2] == 100).all()


def test_it_depends_on_the_place_alone_and_keeps_depth(dots: Pixels) -> None:
    calm = np.ones((64, 80), np.float32)
    np.testing.assert_array_equal(displaced(dots, calm), displaced(dots.copy(), calm))
    deep = displaced(dots.astype(np.uint16) * 257, calm)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - displaced(dots, calm)).max() < 1
    plain = np.full((40, 60, 3), 77, np.uint8)
    np.testing.assert_array_equal(displaced(plain, np.ones((10, 15), np.float32)), plain)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_smallest_pictures(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    calm = np.ones((-(-size[0] // 4), -(-size[1] // 4)), np.float32)
    assert displaced(pixels, calm).shape == pixels.shape
