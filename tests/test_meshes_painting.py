"""Textures painted as they are seen on the model: laid out upright, without seams, in their own size."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fast_style.inference.masks import Mask
from fast_style.meshes import painting
from fast_style.meshes.blending import owners
from fast_style.meshes.charts import charts, layout
from fast_style.meshes.raster import sampled
from fast_style.meshes.surface import Surface
from fast_style.options import StylizeOptions
from fast_style.scenes import noise
from fast_style.stylizer import Stylizer

from .sample_models import Part, ball, box, draw, grid, sample_parts, vase

SIDE_PX = 128


class Painter:
    """Stands in for a Stylizer: paints by a function of the picture."""

    def __init__(self, paint: Callable[[Any], Any]) -> None:
        self.engine, self._paint = SimpleNamespace(reach_px=8), paint
        self.calls: list[tuple[Any, StylizeOptions, Any]] = []

    def stylize(self, picture: Any, options: StylizeOptions, masks: Any, progress: Any) -> Any:
        self.calls.append((picture, options, masks))
        return self._paint(picture)


def paint(
    painter: Painter, texture: Any, surface: Surface, options: StylizeOptions = StylizeOptions(), masks: Any = ()
) -> Any:
    return painting.paint(painter, texture, surface, options, masks)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface.joined(sample_parts())


@pytest.fixture(scope="module")
def texture() -> Any:
    return draw(sample_parts(), SIDE_PX)


def steps(texture: Any, surface: Surface) -> tuple[float, float]:
    """Mean difference of what lies a texel from seams, on either side, and of texels as far apart inside islands."""
    height, width = texture.shape[:2]
    middles, inside = [], []
    for face, edge in np.argwhere(surface.seams):
        other, entered = divmod(int(surface.partners[face, edge]), 3)
        ends = [surface.uv[f, [e, (e + 1) % 3]] * (width, height) for f, e in ((face, edge), (other, entered))]
        if surface.vertices[face, edge] != surface.vertices[other, entered]:
            ends[1] = ends[1][::-1]
        shares = np.linspace(0.15, 0.85, 4)[:, None]
        sides = []
        for f, (start, end) in zip((face, other), ends, strict=True):
            inwards = surface.uv[f].mean(0) * (width, height) - (start + end) / 2
            sides.append(start + shares * (end - start) + inwards / np.linalg.norm(inwards))
            inside.append([sides[-1] + 2 * inwards / np.linalg.norm(inwards), sides[-1]])
        middles.append(sides)
    across, within = (np.moveaxis(np.array(each), 1, 0).reshape(2, -1, 2) for each in (middles, inside))
    differences = [np.abs(sampled(texture, one) - sampled(texture, other)).mean() for one, other in (across, within)]
    return float(differences[0]), float(differences[1])


def noisy(picture: Any) -> Any:
    """A painter whose marks depend on the place in the picture: what two islands get has nothing in common."""
    rng, (height, width) = np.random.default_rng(0), picture.shape[:2]
    marks = np.stack([noise(rng, height, width, 1.2) for _ in range(3)], -1)
    return (128 + 40 * marks).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("parts", [box(), vase(0.0), ball((0, 0, 0), 1.0)], ids=["box", "vase", "ball"])
def test_what_is_painted_goes_on_across_seams(parts: list[Part]) -> None:
    surface, texture = Surface.joined(parts), draw(parts, SIDE_PX)
    across, inside = steps(noisy(texture), surface)
    assert across > 1.3 * inside  # as a picture
    across, inside = steps(paint(Painter(noisy), texture, surface), surface)
    assert across <= 1.1 * inside


def test_what_is_painted_as_it_was_stays_as_it_was(surface: Surface, texture: Any) -> None:
    result = paint(Painter(lambda picture: picture), texture, surface)
    seen = (owners(surface, (SIDE_PX, SIDE_PX)) >= 0).reshape(SIDE_PX, SIDE_PX)
    difference = np.abs(result.astype(int) - texture)[seen]
    assert difference.mean() < 1.5 and np.percentile(difference, 99) <= 20


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strength_zero_is_the_texture_bit_for_bit(surface: Surface, texture: Any, dtype: Any) -> None:
    deep = texture.astype(dtype) * (257 if dtype == np.uint16 else 1)
    result = paint(Painter(lambda picture: picture), deep, surface, StylizeOptions(strength=0.0))
    assert result.dtype == dtype and np.array_equal(result, deep)


def test_masks_lie_over_the_texture(surface: Surface, texture: Any) -> None:
    left = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    left[:, : SIDE_PX // 2] = 255
    painter = Painter(lambda picture: picture)

    def masked(picture: Any) -> Any:
        (mask,) = painter.calls[-1][2]
        return np.where(np.asarray(mask.image)[..., None] > 127, 255 - picture, picture)

    painter._paint = masked
    result = paint(painter, texture, surface, StylizeOptions(feather=0), (Mask(Image.fromarray(left)),))
    seen = (owners(surface, (SIDE_PX, SIDE_PX)) >= 0).reshape(SIDE_PX, SIDE_PX)
    right = np.s_[:, SIDE_PX // 2 + 2 :]
    # A seam may have one side to the left and one to the right.
    assert np.abs(result[right].astype(int) - texture[right])[seen[right]].mean() < 3
    middle_of_a_side = np.s_[14:26, 14:26]
    changed = 255 - texture[middle_of_a_side].astype(int)
    assert np.abs(result[middle_of_a_side] - changed).mean() < 2


def test_a_working_size_is_that_of_the_texture(surface: Surface, texture: Any) -> None:
    painter = Painter(lambda picture: picture)
    paint(painter, texture, surface, StylizeOptions(size=SIDE_PX // 2))
    sheet, options, _ = painter.calls[0]
    assert options.size == pytest.approx(min(sheet.shape[:2]) / 2, abs=1)


@pytest.mark.parametrize("turns", [0, 3, -1], ids=["as is", "turned", "mirrored"])
def test_islands_are_laid_out_upright_as_seen_from_outside(turns: int) -> None:
    t = np.linspace(0, 1, 3)
    down, across = np.meshgrid(t, t, indexing="ij")
    points = np.stack([across, 1 - down, 0 * down], -1)  # seen from +z
    u, v = (1 - across, down) if turns < 0 else (across, down)
    for _ in range(max(0, turns)):
        u, v = 1 - v, u
    places, uv = grid(points, np.stack([u, v], -1))
    texels = 100 * uv
    linear = layout(places, texels, 100.0)
    laid = texels @ linear.T
    laid -= laid.min((0, 1))
    wanted = 100 * np.stack([places[..., 0], 1 - places[..., 1]], -1)
    assert np.allclose(laid, wanted, atol=1e-6)


def test_stretched_islands_are_laid_out_unstretched() -> None:
    t = np.linspace(0, 1, 3)
    down, across = np.meshgrid(t, t, indexing="ij")
    places, uv = grid(np.stack([1.5 * across, -down, 0 * down], -1), np.stack([across, down], -1))
    laid = (100 * uv) @ layout(places, 100 * uv, 100 / 1.5**0.5).T
    assert np.ptp(laid[..., 0]) / np.ptp(laid[..., 1]) == pytest.approx(1.5)


def test_slivers_have_a_layout() -> None:
    rng = np.random.default_rng(0)
    texels = np.array([[[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]]])
    for _ in range(50):
        along, beside = rng.normal(size=(2, 3))
        places = np.array([[0 * along, along, along / 2 + 2e-13 * beside]])
        assert np.isfinite(layout(places, texels, 50.0)).all()


def test_islands_that_need_too_much_room_are_painted_as_a_picture(caplog: Any) -> None:
    # Each goes from corner to corner of the texture, so that its chart is as large as that.
    places = np.array([[[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.99, 0.0]]])
    uv = np.array([[[0.0, 0.0], [1.0, 1.0], [1.0, 0.97]]])
    count, side_px = 400, 256
    shifts = np.arange(count)[:, None, None]
    surface = Surface(places + [0, 0, 2] * shifts, uv + [0, -1e-3] * shifts * np.array([[[0], [1], [1]]]))
    texture = np.zeros((side_px, side_px, 3), np.uint8)
    painter = Painter(lambda picture: 255 - picture)
    assert (paint(painter, texture, surface) == 255).all()
    assert painter.calls[0][0].shape == texture.shape and "too much memory" in caplog.text


def test_a_sheet_that_does_not_fit_into_memory_is_not_made(surface: Surface, monkeypatch: Any, caplog: Any) -> None:
    monkeypatch.setattr("fast_style.images.limits.available_bytes", lambda: 10**6)
    monkeypatch.setattr("fast_style.images.limits.SMALL_BYTES", 0)
    texture = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    painter = Painter(lambda picture: 255 - picture)
    assert (paint(painter, texture, surface) == 255).all()
    assert painter.calls[0][0].shape == texture.shape and "too much memory" in caplog.text


def test_long_islands_across_each_other_make_no_large_sheet(caplog: Any) -> None:
    # Both are as long as the texture, one is turned: rows as high as one, as wide as the other, and nearly empty.
    places = np.array(
        [[[0.0, 0.0, 0.0], [0.0, -9.0, 0.0], [0.02, 0.0, 0.0]], [[5.0, 0, 0], [14.0, 0, 0], [5, 0.02, 0]]]
    )
    uv = np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 0.4]], [[0.0, 0.5], [1.0, 0.5], [0.0, 0.9]]])
    texture = np.zeros((8, 6000, 3), np.uint8)
    painter = Painter(lambda picture: 255 - picture)
    assert (paint(painter, texture, Surface(places, uv)) == 255).all()
    assert painter.calls[0][0].shape == texture.shape and "too much memory" in caplog.text


def test_margins_show_what_lies_across_the_seams(surface: Surface) -> None:
    shown = owners(surface, (SIDE_PX, SIDE_PX))
    for chart in charts(surface, shown, (SIDE_PX, SIDE_PX), 12.0)[:6]:  # the sides of the box
        places = chart.interpolated(surface.places).reshape(*chart.size, 3)
        middle, right = places[chart.size[0] // 2], chart.size[1] - 6
        assert np.isfinite(middle[6]).all() and np.isfinite(middle[right]).all()
        # Half of the margin away from the edge, around the corner.
        assert np.sort(np.abs(middle[6]))[-1] == pytest.approx(1, abs=1e-6)


def test_mirrored_halves_share_their_texels() -> None:
    (places, uv), *_ = box()
    surface = Surface.joined([(places, uv), (-places[:, ::-1], uv[:, ::-1])])
    shown = owners(surface, (64, 64))
    assert set(surface.islands[shown[shown >= 0]]) == {surface.islands[0]}
    assert len(charts(surface, shown, (64, 64), 8.0)) == 1


def test_palettes_are_painted_as_pictures(texture: Any) -> None:
    places, uv = box()[0]
    result = paint(Painter(lambda picture: 255 - picture), texture, Surface(places, np.full_like(uv, 0.5)))
    assert np.array_equal(result, 255 - texture)


def test_single_texels_beside_islands_are_painted_too(texture: Any) -> None:
    places, uv = box()[0]
    point = np.full_like(uv, 0.9)
    result = paint(Painter(lambda p: 255 - p), texture, Surface.joined([(places, uv), (places, point)]))
    at = int(0.9 * SIDE_PX)
    assert np.array_equal(result[at, at], 255 - texture[at, at])


def test_a_tileable_texture_is_painted_as_a_picture(surface: Surface, texture: Any) -> None:
    painter = Painter(lambda picture: picture)
    paint(painter, texture, surface, StylizeOptions(tileable=True))
    assert painter.calls[0][0].shape == texture.shape and painter.calls[0][1].tileable


def test_with_a_network(tiny: Any, surface: Surface, texture: Any) -> None:
    stylizer = Stylizer.load(tiny, device="cpu", engine="torch")
    result = painting.paint(stylizer, texture, surface, StylizeOptions())
    assert result.shape == texture.shape and not np.array_equal(result, texture)
