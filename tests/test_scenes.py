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
