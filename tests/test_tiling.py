import numpy as np
import pytest

from fast_style.engines.tiling import Box, merge, spread, tiles


@pytest.mark.parametrize(("height", "width"), [(100, 130), (64, 64), (1, 300), (257, 63)])
def test_cores_cover_the_picture_once_on_the_networks_grid(height: int, width: int) -> None:
    covered = np.zeros((height, width), int)
    for tile in tiles(height, width, 66, 4, 12):
        covered[tile.core.slices] += 1
        assert tile.core.top % 4 == tile.core.left % 4 == tile.window.top % 4 == tile.window.left % 4 == 0
        assert max(tile.core.size) <= 64
    assert (covered == 1).all()


def test_windows_reach_as_far_as_they_must_and_can() -> None:
    middle = tiles(300, 300, 100, 4, 12)[4]
    assert middle.core == Box(100, 100, 200, 200)
    assert middle.window == Box(88, 88, 212, 212)
    assert middle.core.within(middle.window) == Box(12, 12, 112, 112)
    assert tiles(300, 300, 100, 4, 12)[0].window == Box(0, 0, 112, 112)


def test_merged_statistics_are_those_of_the_union() -> None:
    values = np.random.default_rng(0).normal(3, 2, (2, 1000))
    cut = [values[:, :10], values[:, 10:700], values[:, 700:]]
    parts = [np.stack([np.full(2, v.shape[1]), v.mean(1), v.var(1)]).astype(np.float32) for v in cut]
    np.testing.assert_allclose(merge(parts), [values.mean(1), values.var(1)], rtol=1e-5)


def test_a_sample_is_spread_over_rows_and_columns() -> None:
    every = tiles(800, 1200, 100, 4, 8)
    few = spread(every, 24)
    assert len({tile.core for tile in few}) == 24
    for side in ("left", "top"):
        places = [getattr(tile.core, side) for tile in few]
        counts = [places.count(place) for place in {getattr(tile.core, side) for tile in every}]
        assert min(counts) >= 1
        assert max(counts) <= 5
    # Every quarter of the picture has its share.
    quarters = [(tile.core.top >= 400, tile.core.left >= 600) for tile in few]
    assert all(4 <= quarters.count((a, b)) <= 8 for a in (False, True) for b in (False, True))
    assert spread(every, 96) == every
