from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from fast_style import Stylizer
from fast_style.images import resized
from fast_style.images.faces import Face
from fast_style.images.noise import smoothness
from fast_style.inference import pipeline
from fast_style.inference.halos import _grown, without_halos

Pixels = NDArray[np.uint8]
HEIGHT, WIDTH = 240, 360
SKY, RIM_PX = (70, 90, 150), 20


def blurred(mask: NDArray[np.bool_], sigma_px: float) -> NDArray[np.float32]:
    soft = Image.fromarray((255 * mask).astype(np.uint8)).filter(ImageFilter.GaussianBlur(sigma_px))
    return np.asarray(soft, np.float32) / np.float32(255)


@pytest.fixture(scope="module")
def tower() -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[80:, 130:230] = True
    return mask


@pytest.fixture(scope="module")
def photo(tower: NDArray[np.bool_]) -> Pixels:
    """A calm sky around a bright tower of windows."""
    rng = np.random.default_rng(0)
    picture = np.full((HEIGHT, WIDTH, 3), SKY, np.uint8)
    picture[tower] = rng.integers(150, 256, (tower.sum(), 1))
    return picture


@pytest.fixture(scope="module")
def painted(photo: Pixels, tower: NDArray[np.bool_]) -> Pixels:
    """Strokes of 6 px, and beside the tower a rim of 20 px that is much darker than the sky."""
    strokes = 12 * np.sign(np.sin(np.arange(WIDTH) / 2))[:, None]
    rim = blurred(tower, RIM_PX / 2)[..., None] * ~tower[..., None]
    result = photo + strokes - 160 * rim
    result[tower] = photo[tower]
    return np.asarray(result.clip(0, 255), np.uint8)


def beside_and_far(picture: Pixels) -> tuple[float, float]:
    """Mean values of the sky up to 12 px to the left of the tower, and 60 px further on."""
    return float(picture[120:220, 116:128].mean()), float(picture[120:220, 50:62].mean())


def test_the_rim_of_a_tower_gets_the_colour_of_the_sky_and_the_tower_stays(
    photo: Pixels, painted: Pixels, tower: NDArray[np.bool_]
) -> None:
    beside, far = beside_and_far(painted)
    assert far - beside > 25  # or there is nothing to remove
    result = without_halos(painted, photo, smoothness(photo), [])
    beside, far_now = beside_and_far(result)
    assert abs(far_now - beside) < 6
    assert abs(far_now - far) < 2
    np.testing.assert_array_equal(result[tower], painted[tower])
    strokes = [np.abs(np.diff(each[120, 100:128, 0].astype(float))).max() for each in (painted, result)]
    assert strokes[1] > 0.7 * strokes[0]


def test_the_rim_stays_where_the_photograph_has_one(photo: Pixels, painted: Pixels, tower: NDArray[np.bool_]) -> None:
    """What shines around a lamp, and the pale edge of a cloud, belong to the subject."""
    shining = photo.copy()
    near = (blurred(tower, 4) > 0.02) & ~tower
    shining[near] = (10, 10, 20)
    result = without_halos(painted, shining, smoothness(shining), [])
    changed = np.abs(result[near].astype(int) - painted[near]).mean()
    everywhere = np.abs(without_halos(painted, photo, smoothness(photo), [])[near].astype(int) - painted[near]).mean()
    assert changed < everywhere / 4


def test_pictures_without_a_calm_area_and_without_edges_stay_as_they_are(photo: Pixels, painted: Pixels) -> None:
    busy = np.random.default_rng(1).integers(0, 256, photo.shape).astype(np.uint8)
    assert without_halos(painted, busy, smoothness(busy), []) is painted
    plain = np.full_like(photo, 128)
    np.testing.assert_array_equal(without_halos(painted, plain, smoothness(plain), []), painted)


def test_sixteen_bits_are_mended_as_eight_are(photo: Pixels, painted: Pixels) -> None:
    eight = without_halos(painted, photo, smoothness(photo), [])
    deep_photo, deep = (each.astype(np.uint16) * 257 for each in (photo, painted))
    sixteen = without_halos(deep, deep_photo, smoothness(deep_photo), [])
    assert sixteen.dtype == np.uint16
    assert np.abs(sixteen / 257 - eight).max() < 2


def test_faces_keep_their_shades(photo: Pixels, painted: Pixels) -> None:
    face = Face(row=0.7, column=0.35, radius=0.15)
    rim = np.s_[150:190, 114:130]
    for faces, stays in (([], False), ([face], True)):
        result = without_halos(painted, photo, smoothness(photo), faces)
        assert np.array_equal(result[rim], painted[rim]) == stays


def test_halos_are_removed_after_every_pass_but_not_after_one_fine_pass(
    tiny: Path, photo: Pixels, painted: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    stylizer, picture = Stylizer.load(tiny, device="cpu"), Image.fromarray(photo)
    monkeypatch.setattr(pipeline, "even_base_color", lambda result, seen, *others: resized(painted, seen.shape[1::-1]))
    beside, far = beside_and_far(np.asarray(stylizer.stylize(picture)))
    assert abs(far - beside) < 6
    sizes = []

    def noted(result: Pixels, seen: Pixels, *others: object) -> Pixels:
        sizes.append(seen.shape)
        return result

    monkeypatch.setattr(pipeline, "without_halos", noted)
    stylizer.stylize(picture)
    stylizer.stylize(picture, strokes="fine")
    assert sizes == [(160, 240, 3), (240, 360, 3)]


@pytest.mark.parametrize("shape", [(3, 5), (8, 8), (33, 5)])
def test_small_pictures(shape: tuple[int, int]) -> None:
    photo = np.full((*shape, 3), 100, np.uint8)
    photo[:, -2:] = 250
    assert without_halos(photo, photo, smoothness(photo), []).shape == photo.shape


def test_an_area_ends_softly_where_the_photograph_has_no_edge() -> None:
    """Or one sees a step: a visor is flat, of one colour and not calm, and the area goes on into it for some cells."""
    core = np.zeros((40, 40), np.float32)
    core[:, :10] = 1
    reached, area = _grown(core, np.ones_like(core), np.full((40, 40, 6), 100, np.float32))
    along = reached[20]
    assert (along[:18] == 1).all()
    assert (along[27:] == 0).all()
    assert np.abs(np.diff(along)).max() < 0.25
    np.testing.assert_allclose(area[reached > 0], 100, rtol=1e-4)


def test_a_rim_with_a_sharp_outer_border_goes_wholly_and_strokes_across_it_stay(
    photo: Pixels, tower: NDArray[np.bool_]
) -> None:
    """Around lit towers networks paint an outline of some ten px that is nearly black."""
    near = (blurred(tower, 4) > 0.01) & ~tower
    assert 6 < near[160].sum() / 2 < 14
    strokes = 10 * np.sign(np.sin(np.arange(HEIGHT) / 2))[:, None, None]
    painted = (photo + strokes + 40.0).clip(0, 255)
    painted[near] -= 90
    painted[tower] = photo[tower]
    result = without_halos(painted.clip(0, 255).astype(np.uint8), photo, smoothness(photo), [])
    rim, sky = result[120:220, 118:128].astype(float), result[120:220, 60:90].astype(float)
    assert np.abs(rim.mean((0, 1)) - sky.mean((0, 1))).max() < 8
    assert rim.mean((1, 2)).std() > 0.6 * sky.mean((1, 2)).std()


def test_bands_make_the_same_picture(photo: Pixels, painted: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = without_halos(painted, photo, smoothness(photo), [])
    monkeypatch.setattr("fast_style.inference.halos.BAND_PX", 96)
    banded = without_halos(painted, photo, smoothness(photo), [])
    assert np.abs(banded.astype(int) - whole).max() <= 1


def test_rims_stay_where_a_sky_is_painted_in_planes_that_differ_as_much(photo: Pixels, painted: Pixels) -> None:
    planes = painted.astype(int)
    planes[:, np.arange(WIDTH) // 40 % 2 == 0] += 90
    result = without_halos(planes.clip(0, 255).astype(np.uint8), photo, smoothness(photo), [])
    moved = np.abs(result.astype(int) - planes.clip(0, 255))[120:220, 108:128].mean()
    everywhere = np.abs(without_halos(painted, photo, smoothness(photo), []).astype(int) - painted)
    assert moved < everywhere[120:220, 108:128].mean() / 4
