from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fast_style import Stylizer
from fast_style.inference import dabs, pipeline
from fast_style.inference.dabs import merged_into_dabs

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def grainy() -> Pixels:
    """Two colours with a slanting edge between them, under grain of one pixel."""
    down, across = np.mgrid[:120, :160]
    colors = np.where((across > 60 + down // 3)[..., None], (200, 160, 90), (60, 80, 130))
    return (colors + np.random.default_rng(0).normal(0, 12, (120, 160, 1))).clip(0, 255).astype(np.uint8)


def test_grain_merges_and_edges_stay_sharp(grainy: Pixels) -> None:
    merged = merged_into_dabs(grainy)
    for columns in (slice(5, 50), slice(110, 155)):
        assert merged[:, columns].std(0).mean() < 0.5 * grainy[:, columns].std(0).mean()
    before, after = (np.abs(np.diff(each[60].astype(float), axis=0)).max() for each in (grainy, merged))
    assert after > 0.75 * before


def test_lines_and_outlines_stay_as_they_are() -> None:
    """A filter of Kuwahara alone breaks lines of one and two pixels, and steps slanting outlines."""
    down, across = np.mgrid[:96, :96]
    lines = np.full((96, 96, 3), 220, np.uint8)
    lines[np.abs(across - 40 - down // 4) < 2] = 30
    lines[(down - 70) ** 2 + (across - 75) ** 2 < 150] = 90
    changed = np.abs(merged_into_dabs(lines).astype(int) - lines)
    assert changed[8:88, 45:58].mean() < 0.3
    assert changed.mean() < 1


def test_flat_pictures_stay_and_strips_have_no_seams(grainy: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = np.full((70, 50, 3), (13, 200, 255), np.uint8)
    np.testing.assert_array_equal(merged_into_dabs(flat), flat)
    merged = merged_into_dabs(grainy)
    monkeypatch.setattr(dabs, "STRIP_ROWS", 1000)
    np.testing.assert_array_equal(merged_into_dabs(grainy), merged)


def test_sixteen_bits_are_merged_as_eight_are(grainy: Pixels) -> None:
    deep = merged_into_dabs(grainy.astype(np.uint16) * 257)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - merged_into_dabs(grainy)).max() < 2.1


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (33, 3)])
def test_small_pictures(shape: tuple[int, int]) -> None:
    assert merged_into_dabs(np.zeros((*shape, 3), np.uint8)).shape == (*shape, 3)


def test_the_finest_pass_is_merged_once_and_one_fine_pass_is_not(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def noted(painted: Pixels) -> Pixels:
        sizes.append(painted.shape[:2])
        return merged_into_dabs(painted)

    monkeypatch.setattr(pipeline, "merged_into_dabs", noted)
    stylizer, photo = Stylizer.load(tiny, device="cpu"), Image.new("RGB", (360, 240), "skyblue")
    stylizer.stylize(photo, strokes="fine")
    assert sizes == []
    stylizer.stylize(photo)
    assert sizes == [(240, 360)]
