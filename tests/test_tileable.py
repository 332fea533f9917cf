import numpy as np
import pytest

from fast_style.inference import tileable
from fast_style.scenes import landscape


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return landscape(120, 90, 4)


def seams(image: np.ndarray) -> tuple[float, float]:
    """Mean difference across the edges of the picture laid side by side and on top, and inside it."""
    pixels = np.asarray(image, float)
    across = np.abs(pixels[:, 0] - pixels[:, -1]).mean() + np.abs(pixels[0] - pixels[-1]).mean()
    inside = np.abs(np.diff(pixels, axis=1)).mean() + np.abs(np.diff(pixels, axis=0)).mean()
    return across, inside


def test_a_periodic_picture_has_no_jump_at_its_edges_and_keeps_its_middle(photo: np.ndarray) -> None:
    across, inside = seams(photo)
    assert across > 4 * inside  # sky over ground
    out = tileable.periodic(photo)
    across, inside = seams(out)
    assert across <= inside
    middle = np.s_[30:60, 40:80]
    difference = np.asarray(out, float)[middle] - np.asarray(photo, float)[middle]
    assert np.abs(np.diff(difference, axis=1)).mean() < 1  # detail stays; only large, slow changes are taken away


def test_what_is_periodic_stays_as_it_is() -> None:
    x = np.arange(64) / 64 * 2 * np.pi
    wave = (np.sin(x)[:, None] * np.cos(x)[None] * 100 + 128).round().astype(np.uint8)
    image = np.stack([wave] * 3, -1)
    difference = np.abs(np.asarray(tileable.periodic(image), int) - np.asarray(image, int))
    assert difference.max() <= 8  # a sampled sine differs a little from one end to the other
    assert difference.mean() < 1


def test_wrapped_continues_on_every_side(photo: np.ndarray) -> None:
    wide = np.asarray(tileable.wrapped(photo, 7))
    pixels = np.asarray(photo)
    assert wide.shape == (104, 134, 3)
    assert np.array_equal(wide[7:-7, :7], pixels[:, -7:])
    assert np.array_equal(wide[-7:, 7:-7], pixels[:7])


def test_resized_stays_periodic(photo: np.ndarray) -> None:
    assert tileable.resized(photo, (53, 41)).shape == (41, 53, 3)
    shifted = np.roll(tileable.periodic(photo), 60, axis=1)
    rolled = np.roll(np.asarray(tileable.resized(shifted, (60, 45)), int), 30, axis=1)
    assert np.abs(rolled - np.asarray(tileable.resized(tileable.periodic(photo), (60, 45)), int)).max() <= 1


def test_on_grid_takes_the_nearest_multiple() -> None:
    assert tileable.on_grid(np.zeros((3, 101, 3), np.uint16), 4).shape == (4, 100, 3)
