from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from fast_style import Stylizer
from fast_style.evaluation.smooth_areas import color_hole
from fast_style.images.noise import smoothness
from fast_style.inference import pipeline
from fast_style.inference.base_color import MOST_CELLS, _connected, _grid, even_base_color
from fast_style.inference.effect import Effect
from fast_style.inference.masks import Mask
from fast_style.inference.style_weights import Styles
from fast_style.options import StylizeOptions

Pixels = NDArray[np.uint8]
HEIGHT, WIDTH = 240, 360


@pytest.fixture(scope="module")
def sky() -> Pixels:
    """A calm sky over a busy ground, 240x360."""
    rng = np.random.default_rng(0)
    photo = np.full((HEIGHT, WIDTH, 3), (110, 150, 220), np.uint8)
    photo[160:] = rng.integers(0, 200, (80, WIDTH, 1))
    return photo


@pytest.fixture(scope="module")
def patchy(sky: Pixels) -> Pixels:
    """The sky in two colours with a soft edge between them, under strokes of 6 px."""
    share = np.zeros((HEIGHT, WIDTH), np.uint8)
    share[:, :180] = 255
    soft = np.asarray(Image.fromarray(share).filter(ImageFilter.GaussianBlur(30)), np.float32)[..., None] / 255
    strokes = 20 * np.sign(np.sin(np.arange(WIDTH) / 2))[:, None]
    painted = soft * (60, 90, 120) + (1 - soft) * (200, 190, 150) + strokes
    return painted.clip(0, 255).astype(np.uint8)


def effect_of(*masks: Mask) -> Effect:
    return Effect.of(Styles([{"name": "one"}, {"name": "two"}]), StylizeOptions(), masks, (HEIGHT, WIDTH))


def halves(painted: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return painted[20:130, 30:100].mean((0, 1)), painted[20:130, -100:-30].mean((0, 1))


def test_patches_of_one_sky_get_one_colour_and_strokes_stay(sky: Pixels, patchy: Pixels) -> None:
    even = even_base_color(patchy, sky, smoothness(sky), effect_of())
    (before, after) = (float(np.abs(np.subtract(*halves(each))).mean()) for each in (patchy, even))
    assert after < before / 3
    strokes = [np.abs(np.diff(each[80, 150:210, 0].astype(float))).max() for each in (patchy, even)]
    assert strokes[1] > 0.9 * strokes[0]
    np.testing.assert_array_equal(even[200:], patchy[200:])  # the ground is not calm


def test_no_step_is_left_where_two_patches_meet() -> None:
    """What is coarser than strokes is a mean over both patches there: what is added to one would lack in the other."""
    across = np.arange(720)
    strokes = 20 * np.sign(np.sin(across / 2))[:, None]
    colors = np.where((across < 360)[:, None], (60, 90, 120), (200, 190, 150)) + strokes
    torn = np.broadcast_to(colors, (480, 720, 3)).astype(np.uint8)
    sky = np.full_like(torn, 150)
    even = even_base_color(torn, sky, smoothness(sky), effect_of())

    def step(picture: Pixels) -> float:
        left, right = (picture[100:380, columns].mean((0, 1)) for columns in (np.s_[320:345], np.s_[375:400]))
        return float(np.abs(left - right).mean())

    assert step(torn) > 80
    assert step(even) < step(torn) / 4
    within = [np.abs(np.diff(each[200, 280:340, 0].astype(float))).max() for each in (torn, even)]
    assert within[1] > 0.9 * within[0]


def test_colours_that_the_photograph_tells_apart_stay_apart(sky: Pixels, patchy: Pixels) -> None:
    photo = sky.copy()
    photo[:160, :180] = (230, 190, 120)
    one, other = halves(even_base_color(patchy, photo, smoothness(photo), effect_of()))
    assert np.abs(one - other).mean() > 0.9 * np.abs(np.subtract(*halves(patchy))).mean()


def test_a_sky_that_brightens_is_not_painted_black_and_white(sky: Pixels, patchy: Pixels) -> None:
    """It may differ somewhat more than in the photograph, not by what a network makes of it; its gradient stays."""
    photo = sky.copy()
    photo[:160] = np.linspace((95, 135, 205), (125, 165, 235), WIDTH).astype(np.uint8)
    even = even_base_color(patchy, photo, smoothness(photo), effect_of())
    before, after, seen = (float(np.abs(np.subtract(*halves(each))).mean()) for each in (patchy, even, photo))
    assert 0.5 * seen < after < 0.65 * before
    left, right = halves(even)
    assert (right > left).all()


def in_two_colours(share: NDArray[np.bool_], sigma_px: float) -> Pixels:
    """A dark colour where `share` is true and a pale one elsewhere, with an edge that is a little soft."""
    mask = Image.fromarray((255 * share).astype(np.uint8)).filter(ImageFilter.GaussianBlur(sigma_px))
    soft = np.asarray(mask, np.float32)[..., None] / 255
    return (soft * (60, 90, 120) + (1 - soft) * (200, 190, 150)).astype(np.uint8)


def holes(painted: Pixels, photo: Pixels) -> float:
    found = color_hole(Image.fromarray(painted), Image.fromarray(photo))
    assert found is not None
    return found


@pytest.mark.parametrize("at", [90, 180])
@pytest.mark.parametrize("steps", [20, 40, 60, 90])
def test_a_sky_that_brightens_has_no_edge_between_two_colours(sky: Pixels, steps: int, at: int) -> None:
    """Networks paint a deep blue dark and what is a little paler cream."""
    photo = sky.copy()
    deep, pale = (np.array((110, 150, 210)) + move for move in (-steps / 2, steps / 2))
    photo[:160] = np.linspace(deep, pale, WIDTH).astype(np.uint8)
    painted = in_two_colours(np.broadcast_to(np.arange(WIDTH) < at, (HEIGHT, WIDTH)), 8)
    assert holes(painted, photo) > 0.1
    assert holes(even_base_color(painted, photo, smoothness(photo), effect_of()), photo) < 0.01


def test_patches_a_few_strokes_wide_are_evened_too(sky: Pixels) -> None:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] // 40  # a sixth of the short side
    painted = in_two_colours((y + x) % 2 > 0, 5)
    even = even_base_color(painted, sky, smoothness(sky), effect_of())
    assert holes(even, sky) < 0.6 * holes(painted, sky)


def test_an_area_beside_a_building_is_one(sky: Pixels) -> None:
    """A place whose neighbour on the left is not calm belongs to what lies on its right all the same."""
    weight = np.ones((4, 6), np.float32)
    weight[:3, 0] = weight[:2, 1] = weight[0, 2] = 0  # a tower that leans
    connected = _connected(weight, np.zeros((24, 3), np.float32)).reshape(4, 6, 4, 6)
    calm = weight > 0
    assert connected[calm][:, calm].all()
    assert not connected[calm][:, ~calm].any()


def test_styles_of_their_own_do_not_share_a_colour(sky: Pixels, patchy: Pixels) -> None:
    left = np.zeros((HEIGHT, WIDTH), np.uint8)
    left[:, :180] = 255
    masks = [Mask(Image.fromarray(left), "one"), Mask(Image.fromarray(255 - left), "two")]
    one, other = halves(even_base_color(patchy, sky, smoothness(sky), effect_of(*masks)))
    assert np.abs(one - other).mean() > 0.9 * np.abs(np.subtract(*halves(patchy))).mean()


def test_a_style_of_its_own_is_evened_up_to_its_edge(sky: Pixels, patchy: Pixels) -> None:
    upper = np.zeros((HEIGHT, WIDTH), np.uint8)
    upper[:80] = 255
    masks = [Mask(Image.fromarray(upper), "one"), Mask(Image.fromarray(255 - upper), "two")]
    even = even_base_color(patchy, sky, smoothness(sky), effect_of(*masks))
    before, after = (
        np.abs(each[50:110, 30:100].mean((0, 1)) - each[50:110, -100:-30].mean((0, 1))) for each in (patchy, even)
    )
    assert after.mean() < before.mean() / 3


def test_depth_is_kept_and_busy_pictures_are_left_alone(sky: Pixels, patchy: Pixels) -> None:
    deep_sky = sky.astype(np.uint16) * 257
    deep = even_base_color(patchy.astype(np.uint16) * 257, deep_sky, smoothness(deep_sky), effect_of())
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - even_base_color(patchy, sky, smoothness(sky), effect_of())).max() < 1.1
    busy = np.random.default_rng(0).integers(0, 255, sky.shape, np.uint8)
    assert even_base_color(patchy, busy, smoothness(busy), effect_of()) is patchy


@pytest.mark.parametrize("shape", [(1, 1), (3, 5000), (5000, 3), (750, 1000), (16, 16)])
def test_panoramas_have_few_cells(shape: tuple[int, int]) -> None:
    rows, columns = _grid(*shape)
    assert rows * columns <= 1.2 * MOST_CELLS
    assert rows >= 1 <= columns


def test_pictures_are_evened_in_every_pass_but_not_in_one_fine_pass(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def noted(painted: Pixels, photo: Pixels, calm: NDArray[np.float32], effect: Effect) -> Pixels:
        sizes.append(photo.shape[:2])
        return even_base_color(painted, photo, calm, effect)

    monkeypatch.setattr(pipeline, "even_base_color", noted)
    stylizer, photo = Stylizer.load(tiny, device="cpu"), Image.new("RGB", (360, 240), "skyblue")
    stylizer.stylize(photo, strokes="fine")
    assert sizes == []
    stylizer.stylize(photo)
    assert sizes == [(160, 240), (240, 360)]


def test_marks_of_the_pass_before_bring_no_patches_back(
    tiny: Path, sky: Pixels, patchy: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "with_broad_strokes", lambda *given: patchy)
    painted = np.asarray(Stylizer.load(tiny, device="cpu").stylize(Image.fromarray(sky)))
    before, after = (float(np.abs(np.subtract(*halves(each))).mean()) for each in (patchy, painted))
    assert after < before / 3
