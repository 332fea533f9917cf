"""Flow, warping and occlusion on pictures whose motion is known."""

import builtins
from typing import Any

import numpy as np
import pytest

from fast_style import FastStyleError, images
from fast_style.video import flow

from .conftest import picture

pytest.importorskip("cv2", reason='flow needs OpenCV: pip install "fast_style[video]"')


def moved(x: int, y: int) -> tuple[flow.Array, flow.Array]:
    """A picture and the same with its content moved by x and y px to the right and down."""
    whole = images.to_array(picture(240, 200))
    return whole[:, :, 20:180, 20:220], whole[:, :, 20 - y : 180 - y, 20 - x : 220 - x]


def test_flow_finds_a_translation_and_warping_undoes_it() -> None:
    before, after = moved(5, -3)
    there = flow.FlowEstimator()(before, after)
    assert there.shape == (160, 200, 2)
    assert np.abs(np.median(there, axis=(0, 1)) - [5, -3]).max() < 0.1
    back = flow.warp(after, there)
    assert np.abs(back - before)[..., 10:-10, 10:-10].mean() < 0.01
    assert np.abs(after - before)[..., 10:-10, 10:-10].mean() > 0.03


def test_warping_samples_at_x_plus_flow_and_repeats_the_border() -> None:
    ramp = np.tile(np.arange(8, dtype=np.float32), (1, 1, 4, 1))
    right = np.zeros((4, 8, 2), np.float32)
    right[..., 0] = 2.5
    assert flow.warp(ramp, right, "linear")[0, 0, 0].tolist() == [2.5, 3.5, 4.5, 5.5, 6.5, 7, 7, 7]
    assert flow.inside(right).sum(1).tolist() == [5, 5, 5, 5]


def test_what_is_covered_is_not_consistent() -> None:
    """A square moves 12 px to the right over a still background and covers part of it."""
    ground, square = images.to_array(picture(160, 120, 1)), images.to_array(picture(40, 40, 2))
    before, after = ground.copy(), ground.copy()
    before[..., 40:80, 40:80] = square
    after[..., 40:80, 52:92] = square
    estimate = flow.FlowEstimator()
    seen = flow.consistent(estimate(before, after), estimate(after, before))
    assert seen[5:30, 5:-5].mean() > 0.95  # background far away
    assert seen[45:75, 45:75].mean() > 0.8  # the square itself
    assert seen[45:75, 83:90].mean() < 0.5  # what it covers


def test_boundaries_are_where_motion_changes() -> None:
    there = np.zeros((20, 30, 2), np.float32)
    there[:, 15:, 0] = 4
    edges = flow.boundaries(there)
    assert edges[:, 14:16].all()
    assert not edges[:, :13].any()
    assert not edges[:, 17:].any()


def test_tiny_pictures_have_no_flow() -> None:
    small = np.zeros((1, 3, 1, 5), np.float32)
    assert not flow.FlowEstimator()(small, small).any()
    assert not flow.boundaries(np.zeros((1, 5, 2), np.float32)).any()


def test_without_opencv_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def absent(name: str, *more: Any, **kinds: Any) -> Any:
        if name == "cv2":
            raise ImportError(name)
        return whole(name, *more, **kinds)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(FastStyleError, match=r"fast_style\[video\]"):
        flow.FlowEstimator()
