"""Transparent pictures: straight alpha, hidden colours, the same ground on both sides of a sheet."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fast_style import Stylizer, images

from .conftest import picture


@pytest.fixture(scope="module")
def stylizer(tiny: Path) -> Stylizer:
    return Stylizer.load(tiny, device="cpu", engine="torch")


def cut_out(hidden: tuple[int, int, int]) -> Image.Image:
    """A picture that fades out to the right, with another colour where nothing is seen."""
    image = picture(48, 32)
    pixels = np.dstack([np.asarray(image), np.tile(np.linspace(320, -160, 48).clip(0, 255).astype(np.uint8), (32, 1))])
    pixels[pixels[..., 3] == 0, :3] = hidden
    return Image.fromarray(pixels)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_colours_where_alpha_is_above_zero_are_never_mixed_with_a_ground(stylizer: Stylizer, depth: type) -> None:
    scale = 257 if depth == np.uint16 else 1
    pixels = np.asarray(cut_out((0, 255, 0))).astype(depth) * depth(scale)
    pixels[:, :8] = np.array([200, 0, 0, 128]) * scale
    given = images.Picture.from_pixels(pixels, "PNG")
    kept = stylizer.apply(given, strength=0).pixels
    seen = pixels[..., 3] > 0
    assert kept.dtype == depth
    assert np.array_equal(kept[seen], pixels[seen])
    assert np.array_equal(kept[..., 3], pixels[..., 3])


def test_hidden_colours_do_not_bleed_in(stylizer: Stylizer) -> None:
    results = [np.asarray(stylizer.stylize(cut_out(hidden))) for hidden in ((0, 255, 0), (255, 0, 255))]
    assert np.array_equal(results[0], results[1])
    half = [np.asarray(stylizer.stylize(cut_out(hidden), size=20)) for hidden in ((0, 255, 0), (255, 0, 255))]
    assert np.array_equal(half[0], half[1])


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_what_is_hidden_is_filled_from_its_neighbours(depth: type) -> None:
    most = np.iinfo(depth).max
    pixels: np.ndarray = np.zeros((21, 33, 4), depth)
    pixels[:, :10] = (most, 0, 0, most)
    pixels[:, 20:] = (0, 0, most, most // 2)
    filled = images.fill_hidden(pixels)
    assert filled.dtype == depth
    assert np.array_equal(filled[:, :10], pixels[:, :10, :3])
    assert np.array_equal(filled[:, 20:], pixels[:, 20:, :3])
    assert (filled[..., 1] == 0).all()
    assert (filled[:, 10] == (most, 0, 0)).all()
    assert (filled.astype(float).sum(2) > 0.9 * most).all()  # red, blue, or between, never the black that was there
    assert (images.fill_hidden(np.zeros((3, 4, 4), depth)) == most).all()


def test_both_sides_of_a_comparison_lie_on_white() -> None:
    clear, faint = Image.new("RGBA", (4, 4), (0, 255, 0, 0)), Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    both = np.asarray(images.side_by_side(clear, faint))
    assert (both[:, :4] == 255).all()
    assert (both[:, 4:] == (255, 127, 127)).all()
    sheet = np.asarray(images.contact_sheet([[clear], [images.captioned(faint, "")]], gap_px=0))
    assert np.array_equal(sheet[:4], both)


@pytest.mark.parametrize(("mode", "associated"), [("RGBA", "RGBa"), ("LA", "La")])
def test_associated_modes_of_pillow_are_divided_by_their_alpha(mode: str, associated: str) -> None:
    straight = cut_out((0, 0, 0)).convert(mode)
    read = images.upright(straight.convert(associated))
    assert read.image.mode == "RGBA"
    got, expected = np.asarray(read.image, int), np.asarray(straight.convert("RGBA"), int)
    assert np.array_equal(got[..., 3], expected[..., 3])
    assert np.abs(got - expected)[expected[..., 3] > 100].max() <= 2


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_formats_without_alpha_show_the_picture_on_white(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    images.write(images.Picture(Image.new("RGBA", (16, 16), (0, 255, 0, 0)), images.format_for(path), None, None), path)
    assert np.asarray(images.read(path).image).min() >= 254
