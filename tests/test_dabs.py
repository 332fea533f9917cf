from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fast_style import Stylizer
from fast_style.data.styles import find_styles
from fast_style.inference import dabs, pipeline
from fast_style.inference.dabs import merged_into_dabs
from fast_style.models import checkpoint
from fast_style.options import StyleOptions

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


@pytest.fixture
def merged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Sizes of what is merged, in which each pixel becomes white."""
    sizes = []

    def noted(painted: Pixels) -> Pixels:
        sizes.append(painted.shape[:2])
        return np.full_like(painted, 255)

    monkeypatch.setattr(pipeline, "merged_into_dabs", noted)
    return sizes


PHOTO = Image.new("RGB", (360, 240), "skyblue")


def test_the_finest_pass_is_merged_once_and_one_fine_pass_only_if_asked(
    tiny: Path, merged: list[tuple[int, ...]]
) -> None:
    stylizer = Stylizer.load(tiny, device="cpu")
    stylizer.stylize(PHOTO, strokes="fine")
    stylizer.stylize(PHOTO, grain="kept")
    assert merged == []
    stylizer.stylize(PHOTO)
    assert merged == [(240, 360)]
    assert np.asarray(stylizer.stylize(PHOTO, strokes="fine", grain="merged")).min() == 255


@pytest.mark.parametrize("how", [{"strokes": "fine"}, {"tileable": True}])
def test_the_photograph_has_no_grain_to_merge(
    several: Path, merged: list[tuple[int, ...]], how: dict[str, Any]
) -> None:
    """Where a mask is black, and as far as the strength is less than one."""
    stylizer, busy = Stylizer.load(several, device="cpu"), Image.effect_noise((360, 240), 60).convert("RGB")
    black = Image.new("L", busy.size)
    black.paste(255, (0, 0, 90, 240))

    def painted(grain: str, **changes: Any) -> NDArray[np.float64]:
        return np.asarray(stylizer.stylize(busy, grain=grain, **how, **changes), float)

    black_right = {"mask": black, "feather": 0.0}
    np.testing.assert_array_equal(painted("merged", **black_right)[:, 120:], painted("kept", **black_right)[:, 120:])
    half = painted("kept", strength=0.5) + (255 - painted("kept")) / 2
    assert np.abs(painted("merged", strength=0.5) - half).max() < 2
    assert merged


@pytest.fixture
def dotted(several: Path, tmp_path: Path) -> Stylizer:
    """A network of several styles, the first of which consists of dots."""
    loaded = checkpoint.load(several)
    first, *others = loaded.styles
    replace(loaded, styles=[first | {"grain": "kept"}, *others]).save(tmp_path / "dotted.pth")
    return Stylizer.load(tmp_path / "dotted.pth", device="cpu")


def test_styles_that_consist_of_grain_keep_it(dotted: Stylizer, merged: list[tuple[int, ...]]) -> None:
    first, second = dotted.styles[:2]
    dotted.stylize(PHOTO, style=first)
    assert merged == []
    assert np.asarray(dotted.stylize(PHOTO, style=second)).min() == 255
    assert np.asarray(dotted.stylize(PHOTO, style=first, grain="merged")).min() == 255
    half = np.asarray(dotted.stylize(PHOTO, style=f"{first}=0.5,{second}=0.5"), float)
    kept = np.asarray(dotted.stylize(PHOTO, style=f"{first}=0.5,{second}=0.5", grain="kept"), float)
    assert np.abs(half - (kept + 255) / 2).max() < 2


def test_each_side_of_a_mask_has_its_own(dotted: Stylizer, merged: list[tuple[int, ...]]) -> None:
    first, second = dotted.styles[:2]
    left = np.zeros((240, 360), np.uint8)
    left[:, :180] = 255
    masks = {first: Image.fromarray(left), second: Image.fromarray(255 - left)}
    painted = np.asarray(dotted.stylize(PHOTO, mask=masks))
    kept = np.asarray(dotted.stylize(PHOTO, mask=masks, grain="kept"))
    np.testing.assert_array_equal(painted[:, :160], kept[:, :160])
    assert painted[:, 200:].min() == 255


def test_the_checkpoint_says_what_the_training_was_told(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "dots.png")
    for keep in (False, True):
        (style,) = find_styles(StyleOptions(style=(tmp_path / "dots.png",), keep_grain=keep))
        assert style.describe().get("grain") == ("kept" if keep else None)


def test_the_shipped_pointillist_keeps_its_dots() -> None:
    """Judges preferred them 8 times of 8."""
    assert [style.get("grain") for style in checkpoint.load(checkpoint.find("grande_jatte")).styles] == ["kept"]
