import numpy as np

from fast_style import scenes


def test_landscapes_are_reproducible_and_rich() -> None:
    a, b, c = scenes.landscape(96, 64, 7), scenes.landscape(96, 64, 7), scenes.landscape(96, 64, 8)
    assert a.shape == (64, 96, 3)
    assert a.dtype == np.uint8
    assert np.array_equal(a, b)
    assert np.abs(a.astype(int) - c).mean() > 5
    sky, water = a[:10].astype(int), a[-10:].astype(int)
    assert sky[..., 2].mean() > sky[..., 0].mean()
    assert water.mean() < sky.mean()
    assert len(np.unique(a.reshape(-1, 3), axis=0)) > 2000


def test_winter_has_snow_and_no_lake_and_a_bowl_is_no_vase() -> None:
    summer, winter = scenes.landscape(96, 128, 7).astype(int), scenes.landscape(96, 128, 7, winter=True).astype(int)
    assert winter[-40:].mean() > 1.5 * summer[-40:].mean()  # the ground, where the lake was
    assert np.abs(summer - winter).mean() > 30
    vase, bowl = scenes.still_life(48, 64, 3).astype(int), scenes.still_life(48, 64, 3, bowl=True).astype(int)
    assert np.abs(vase - bowl).mean() > 20
    yellow = (bowl[..., 0] > 150) & (bowl[..., 1] > 110) & (bowl[..., 2] < 90)
    assert yellow.sum() > 30  # lemons


def test_still_lifes_are_reproducible_and_lit_from_the_left() -> None:
    a, b, c = scenes.still_life(72, 48, 7), scenes.still_life(72, 48, 7), scenes.still_life(72, 48, 8)
    assert a.shape == (48, 72, 3)
    assert a.dtype == np.uint8
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    table, wall = a[-6:].astype(int), a[:6].astype(int)
    assert table.mean() > wall.mean() + 40
    blue = a[..., 2].astype(int) - a[..., 0] > 30
    assert blue[:30, :36].sum() > 50  # the vase
    fruit = a[..., 0].astype(int) - a[..., 2] > 100
    assert fruit[:, 36:].sum() > 50
    warm = a[fruit].mean(1)
    assert warm.max() > 2 * warm.min()  # a lit side and a shaded one
