import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fast_style import Stylizer
from fast_style.images.faces import Face
from fast_style.inference import pipeline
from fast_style.inference.strokes import (
    COARSEST,
    SHARE,
    SHARE_ON_SUBJECTS,
    SMALLEST_PX,
    Strokes,
    mixed,
    painted_px,
    pass_sizes,
)
from fast_style.scenes import landscape


def test_the_coarsest_pass_of_large_pictures_is_always_the_same() -> None:
    for strokes in ("medium", "bold"):
        coarsest = [pass_sizes(px, strokes)[0] for px in (1000, 3000, 8000)]
        assert coarsest == [COARSEST[strokes][1]] * 3


@pytest.mark.parametrize("strokes", ["medium", "bold"])
@pytest.mark.parametrize("aspect", [1, 4 / 3, 3 / 2, 16 / 9, 3])
def test_a_picture_of_any_shape_begins_as_one_of_a_megapixel(strokes: Strokes, aspect: float) -> None:
    one, twelve = (
        pass_sizes(painted_px(round(math.sqrt(pixels / aspect)), strokes), strokes, aspect) for pixels in (1e6, 12e6)
    )
    assert twelve[: len(one)] == one
    assert len(twelve) == len(one) + 1


@pytest.mark.parametrize("strokes", ["fine", "medium", "bold"])
def test_passes_grow_evenly_to_the_size_of_the_picture(strokes: Strokes) -> None:
    for px in (1, 200, 399, 768, 1536, 3000, 12000):
        sizes = pass_sizes(px, strokes)
        assert sizes[-1] == px
        assert sizes == sorted(set(sizes))
        growth = [b / a for a, b in itertools.pairwise(sizes)]
        assert all(1.4 < g < 3.4 for g in growth)
        assert sizes[0] >= min(px, SMALLEST_PX)
    assert len(pass_sizes(3000, "fine")) == 1
    assert len(pass_sizes(SMALLEST_PX, strokes)) == 1


def test_a_twelve_megapixel_picture_takes_few_passes_and_little_more_work() -> None:
    sizes = pass_sizes(3000, "medium")
    assert sum(px**2 for px in sizes) < 1.5 * 3000**2


def test_the_next_pass_sees_photograph_and_painting_and_of_faces_the_photograph() -> None:
    photo, painted = np.full((400, 300, 3), 100, np.uint8), np.full((160, 120, 3), 200, np.uint8)
    shown = mixed(photo, painted, "medium", [Face(0.25, 0.5, 0.1)])
    assert shown.dtype == np.uint8
    assert shown[350, 20, 0] == pytest.approx(100 + 100 * SHARE["medium"], abs=1)
    assert shown[100, 150, 0] == pytest.approx(100 + 100 * SHARE_ON_SUBJECTS, abs=1)
    deep = mixed(photo.astype(np.uint16) * 257, painted.astype(np.uint16) * 257, "medium", [])
    assert deep[350, 20, 0] == pytest.approx(257 * int(shown[350, 20, 0]), abs=257)


def test_what_is_full_of_detail_keeps_most_of_the_photograph() -> None:
    photo = np.full((200, 300, 3), 120, np.uint8)
    photo[:, 150:] = np.random.default_rng(0).integers(60, 180, (200, 150, 1))
    shown = mixed(photo, np.full((90, 135, 3), 220, np.uint8), "bold", []).astype(float)
    share = (shown - photo) / (220.0 - photo)
    assert share[:, :120].mean() == pytest.approx(SHARE["bold"], abs=0.01)
    assert share[:, 180:].mean() == pytest.approx(SHARE_ON_SUBJECTS, abs=0.02)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(landscape(480, 400, 3))


def test_pictures_are_painted_coarse_to_fine_by_default(tiny: Path, photo: Image.Image) -> None:
    stylizer = Stylizer.load(tiny, device="cpu", engine="torch", precision="fp32")
    auto, medium, fine, bold = (
        stylizer.stylize(photo, strokes=s).tobytes() for s in ("auto", "medium", "fine", "bold")
    )
    assert auto == medium
    assert len({medium, fine, bold}) == 3
    assert stylizer.stylize(photo).tobytes() == auto  # the same again


def test_every_pass_may_be_done_in_tiles(tiny: Path, photo: Image.Image) -> None:
    stylizer = Stylizer.load(tiny, device="cpu", engine="torch", precision="fp32")
    whole, tiled = (np.asarray(stylizer.stylize(photo, tile_px=px), int) for px in (None, 96))
    # What a pass paints is rounded to 8 bits, and what the next one is shown of it again.
    assert np.abs(whole - tiled).mean() < 0.25


def test_strength_masks_and_colours_come_last(tiny: Path, photo: Image.Image) -> None:
    stylizer = Stylizer.load(tiny, device="cpu", engine="torch", precision="fp32")
    full = np.asarray(stylizer.stylize(photo), float)
    half = np.asarray(stylizer.stylize(photo, strength=0.5), float)
    assert np.abs(half - (full + np.asarray(photo, float)) / 2).max() <= 1
    assert stylizer.stylize(photo, strength=0).tobytes() == photo.tobytes()
    mask = Image.new("L", photo.size, 0)
    mask.paste(255, (0, 0, 240, 400))
    masked = np.asarray(stylizer.stylize(photo, mask=mask, feather=0), float)
    np.testing.assert_array_equal(masked[:, 240:], np.asarray(photo, float)[:, 240:])
    assert np.abs(masked[:, :240] - full[:, :240]).max() <= 1


def test_masks_with_styles_of_their_own_are_painted_in_every_pass(several: Path, photo: Image.Image) -> None:
    stylizer = Stylizer.load(several, device="cpu", engine="torch", precision="fp32")
    left = Image.new("L", photo.size, 0)
    left.paste(255, (0, 0, 240, 400))
    out = stylizer.stylize(photo, mask={"a": left, "b": left.point(lambda value: 255 - value)}, feather=0)
    a, b = (np.asarray(stylizer.stylize(photo, style=name), float) for name in "ab")
    found = np.asarray(out, float)
    assert np.abs(found - a)[:, :200].mean() < np.abs(found - b)[:, :200].mean()
    assert np.abs(found - b)[:, 280:].mean() < np.abs(found - a)[:, 280:].mean()


def test_faces_are_not_looked_for_in_a_single_pass(
    tiny: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(pipeline, "find_faces", fail)
    Stylizer.load(tiny, device="cpu", engine="torch", precision="fp32").stylize(photo, strokes="fine")
