"""Islands and seams of what textures are wrapped around, and the pixels that triangles cover."""

import numpy as np
import pytest

from fast_style.meshes.raster import cells, sampled
from fast_style.meshes.surface import Surface

from .sample_models import ball, box, grid, sample_parts, vase


@pytest.mark.parametrize(
    ("parts", "islands", "seams", "borders"),
    [(box(), 6, 48, 0), (vase(0.0), 1, 20, 48), (ball((0, 0, 0), 1.0), 2, 48, 0), (sample_parts(), 9, 116, 48)],
    ids=["box", "vase", "ball", "all"],
)
def test_islands_and_seams_are_found(parts: list, islands: int, seams: int, borders: int) -> None:
    surface = Surface.joined(parts)
    assert surface.islands.max() + 1 == islands
    assert surface.seams.sum() == seams
    assert (surface.partners < 0).sum() == borders
    there = surface.partners.ravel() >= 0
    assert (surface.partners.ravel()[surface.partners.ravel()[there]] == np.flatnonzero(there)).all()


def test_edges_of_more_than_two_triangles_are_borders() -> None:
    places = np.array([[[0, 0, 0], [1, 0, 0], p] for p in ([0, 1, 0], [0, -1, 0], [0, 0, 1])], float)
    surface = Surface(places, np.random.default_rng(0).uniform(size=(3, 3, 2)))
    assert (surface.partners == -1).all()


def test_an_unfolding_keeps_the_lengths() -> None:
    surface = Surface.joined(vase(0.0))
    along, beside = np.moveaxis(surface.unfolding(), -1, 0)
    third = np.linalg.norm(np.roll(surface.places, -2, 1) - surface.places, axis=-1)
    edge = np.linalg.norm(np.roll(surface.places, -1, 1) - surface.places, axis=-1)
    assert np.allclose(edge * np.hypot(along, beside), third)


def test_triangles_without_area_are_apart_from_the_others() -> None:
    places, uv = box()[0]
    surface = Surface.joined([(places, uv), (places, np.full_like(uv, 0.5)), (np.zeros_like(places), uv)])
    solid, points = surface.solid()
    assert (len(solid.uv), len(points.uv)) == (len(uv), 2 * len(uv))


def test_damaged_numbers_are_left_out() -> None:
    places, uv = box()[0]
    broken = places.copy()
    broken[0, 0, 0] = np.nan
    assert len(Surface.joined([(broken, uv)]).uv) == len(uv) - 1


TILES = [(3, 0.9, True), (-2, 1.0, True), (0.3, 0.9, False), (0, 2.0, False)]


@pytest.mark.parametrize(("shift", "size", "fits"), TILES)
def test_islands_in_other_tiles_are_moved_into_the_first(shift: float, size: float, fits: bool) -> None:
    points = np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0], [0.0], indexing="ij"), -1)[:, :, 0]
    surface = Surface.joined([grid(points, shift + size * points[..., :2])])
    moved = surface.within_tile()
    assert (moved is not None) == fits
    if moved:
        assert moved.uv.min() >= -0.06 and moved.uv.max() <= 1.06


def test_cells_are_those_whose_centres_lie_inside() -> None:
    corners = np.random.default_rng(1).uniform(-10, 40, (20, 3, 2))
    y, x = np.mgrid[:25, :30] + 0.5
    found = np.zeros((20, 25 * 30), bool)
    for part in cells(corners, (25, 30)):
        found[part.triangles, part.pixels] = True
        centres = np.stack([part.pixels % 30, part.pixels // 30], -1) + 0.5
        assert np.abs(part.interpolated(corners) - centres).max() < 0.01
    for triangle, mine in zip(corners, found, strict=True):
        sides = []
        for (ax, ay), (bx, by) in zip(triangle, np.roll(triangle, -1, 0), strict=True):
            sides.append((bx - ax) * (y - ay) - (by - ay) * (x - ax))
        inside = (np.array(sides) >= 0).all(0) | (np.array(sides) <= 0).all(0)
        assert (inside.ravel() != mine).sum() <= 1


def test_colours_at_centres_are_those_of_the_pixels() -> None:
    picture = np.random.default_rng(2).uniform(size=(5, 7, 2))
    at = np.stack(np.meshgrid(np.arange(7), np.arange(5)), -1).reshape(-1, 2) + 0.5
    for order in (1, 3):
        assert np.allclose(sampled(picture, at, order), picture.reshape(-1, 2), atol=1e-5)
