"""Large pictures keep what was painted of them when they were smaller."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fast_style import Stylizer, images
from fast_style.inference import coarse_colors, pipeline, strokes
from fast_style.inference.coarse_colors import keep_coarse_colors

from .conftest import picture


def smooth(width: int, height: int, seed: int) -> NDArray[Any]:
    """A picture (H, W, 3) whose colours change slowly, none near black or white."""
    small = picture(6, 5, seed).point(lambda value: 80 + value // 3)
    return np.asarray(small.resize((width, height)))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_what_the_smaller_painting_shows_comes_from_it(kind: type) -> None:
    scale = np.iinfo(kind).max // 255
    coarse: NDArray[Any] = (smooth(90, 70, 1).astype(int) * scale).astype(kind)
    strokes = np.indices((161, 203)).sum(0) % 2 * 40 - 20
    painted = ((smooth(203, 161, 2).astype(int) + strokes[..., None]) * scale).astype(kind)
    kept = keep_coarse_colors(painted, coarse)
    assert kept.dtype == kind and kept.shape == painted.shape
    seen = images.resized(kept, (90, 70)).astype(float) / scale
    assert abs(seen - coarse / scale).mean() < 2
    fine = kept.astype(float) / scale - np.asarray(images.resized(coarse, (203, 161))).astype(float) / scale
    assert abs(fine[..., 0] - strokes).mean() < 4  # and the strokes of the larger one are there


def test_seen_at_less_than_its_size_it_is_the_smaller_painting() -> None:
    """Down to marks of two pixels of what is seen; a linear interpolation leaves a third of the difference."""
    rng = np.random.default_rng(0)
    coarse, painted = (rng.integers(60, 196, (*size, 3)).astype(np.uint8) for size in ((216, 289), (325, 433)))
    kept, own, wanted = (
        images.resized(each, (171, 128)).astype(float)
        for each in (keep_coarse_colors(painted, coarse), painted, coarse)
    )
    assert (kept - wanted).std() < 0.28 * (own - wanted).std()


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    coarse, painted = smooth(95, 76, 4), smooth(203, 161, 5)
    whole = keep_coarse_colors(painted, coarse)
    monkeypatch.setattr(coarse_colors, "STRIP_PX", 17)
    assert abs(keep_coarse_colors(painted, coarse).astype(int) - whole).max() <= 1


def test_the_same_painting_is_left_as_it_is() -> None:
    painted = smooth(200, 160, 3)
    coarse = images.resized(painted, (95, 76))
    assert abs(keep_coarse_colors(painted, coarse).astype(int) - painted).max() <= 2


def test_only_what_is_a_painting_already_is_kept(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []

    def keep(painted: NDArray[Any], coarse: NDArray[Any]) -> NDArray[Any]:
        kept.append((len(coarse), len(painted)))
        return keep_coarse_colors(painted, coarse)

    def merge(painted: NDArray[Any]) -> NDArray[Any]:
        merged.append(len(painted))
        return painted

    merged: list[int] = []
    monkeypatch.setattr(pipeline, "keep_coarse_colors", keep)
    monkeypatch.setattr(pipeline, "merged_into_dabs", merge)
    stylizer = Stylizer.load(tiny, device="cpu")
    stylizer.stylize(smooth(400, 700, 4))
    assert (kept, merged) == ([], [700])
    monkeypatch.setattr(strokes, "WHOLE_PIXELS", 240 * 323)
    stylizer.stylize(smooth(520, 700, 4))
    assert kept == [(323, 700)]  # rows: short sides of 240 and 520 px
    assert merged[1:] == [323, 700]  # a picture of the smaller size would have its dabs
