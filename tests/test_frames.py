"""Frames at sizes of strokes: two paintings faded into each other, of arrays and of pictures with alpha."""

from typing import Literal

import numpy as np
import pytest

pytest.importorskip("av", reason='films need PyAV: pip install "fast_style[video]"')

from fast_style import Stylizer, images
from fast_style.images import Picture
from fast_style.options import StylizeOptions, VideoOptions
from fast_style.video.frames import FrameStylizer
from fast_style.video.types import Array, Content

from .conftest import picture
from .test_video import stylizer

__all__ = ["stylizer"]  # a fixture
KEYS = ("0=@x1", "1=@x1.5", "2=@x2")


def colors(content: Content) -> Array:
    return images.unit(content.colors if isinstance(content, Picture) else content)


@pytest.mark.parametrize("how", [StylizeOptions(), StylizeOptions(size=20), StylizeOptions(size=24, strength=0.6)])
@pytest.mark.parametrize("alpha", [False, True])
def test_sizes_in_between_are_two_paintings(stylizer: Stylizer, how: StylizeOptions, alpha: bool) -> None:
    frames = FrameStylizer(stylizer, how, VideoOptions(keyframes=KEYS))
    assert frames.working_size is None  # frames are painted at two sizes
    photo = picture(48, 40)
    if alpha:
        photo.putalpha(200)
    content = Picture(photo, "PNG", None, None) if alpha else np.asarray(photo)
    fine, mixed, coarse = (frames.job(content, time)() for time in (0, 1, 2))
    half = FrameStylizer(stylizer, StylizeOptions(size=(how.size or 40) // 2, strength=how.strength), VideoOptions())
    np.testing.assert_allclose(colors(mixed), (colors(fine) + colors(coarse)) / 2, atol=2 / 255)
    assert np.abs(colors(fine) - colors(coarse)).mean() > 0.01
    if how.strength != 1:
        np.testing.assert_allclose(colors(coarse), colors(half.job(content, 0)()))
    assert not isinstance(mixed, Picture) or np.asarray(mixed.image)[..., 3].min() == 200


def test_an_output_size_does_not_disturb_them(stylizer: Stylizer) -> None:
    frames = FrameStylizer(stylizer, StylizeOptions(output_size=20), VideoOptions(keyframes=KEYS))
    content = np.asarray(picture(48, 40))
    assert colors(frames.job(content, 0.5)()).shape == colors(frames.job(content, 0)()).shape == (1, 3, 40, 48)


def test_live_frames_have_them_too(stylizer: Stylizer) -> None:
    kinds: tuple[Literal["none", "flow"], ...] = ("none", "flow")
    for temporal in kinds:
        video = VideoOptions(keyframes=KEYS, temporal=temporal)
        shown = [FrameStylizer(stylizer, StylizeOptions(), video).picture(picture(48, 40), time) for time in (0, 1, 2)]
        fine, mixed, coarse = (np.asarray(one).astype(int) for one in shown)
        np.testing.assert_allclose(mixed, (fine + coarse) / 2, atol=2)
        assert np.abs(fine - coarse).mean() > 2
