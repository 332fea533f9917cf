"""Large pictures are painted at less than their size, and enlarged with the photograph's detail."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fast_style import Stylizer, images
from fast_style.images import maps
from fast_style.images.noise import smoothness
from fast_style.inference import pipeline, single_pass, strokes
from fast_style.inference.enlargement import enlarged
from fast_style.inference.strokes import MOST_ENLARGED, MOST_PX, painted_px, pass_sizes
from fast_style.scenes import landscape

from .conftest import picture

SIZE, SMALL = (203, 161), (90, 71)


def flat(value: int, size: tuple[int, int] = SIZE, kind: type = np.uint8) -> NDArray[Any]:
    return np.full((size[1], size[0], 3), value * (np.iinfo(kind).max // 255), kind)


def calm(value: float) -> NDArray[np.float32]:
    return np.full(maps.shape_in_cells(SMALL[::-1]), value, np.float32)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_fine_detail_of_the_photograph_is_added_where_it_is_not_calm(kind: type) -> None:
    scale = np.iinfo(kind).max // 255
    checks = np.indices(SIZE[::-1]).sum(0) % 2 * 40 - 20  # finer than the small picture can show
    photo = (flat(120, kind=kind) + (checks * scale)[..., None]).astype(kind)
    painted = flat(180, SMALL, kind)
    added = enlarged(painted, photo, calm(0.0)).astype(float) / scale - 180
    assert np.abs(added[4:-4, 4:-4] - checks[4:-4, 4:-4, None]).max() < 3
    assert np.array_equal(enlarged(painted, photo, calm(1.0)), flat(180, kind=kind))


def test_edges_of_strokes_are_sharper_than_enlarged_ones_and_have_no_halo() -> None:
    painted = flat(60, SMALL)
    painted[:, 44:] = 110
    painted[:, 46:] = 160
    plain = images.resized(painted, SIZE)[80, :, 0].astype(float)
    crisp = enlarged(painted, flat(99), calm(0.0))[80, :, 0].astype(float)
    assert np.abs(np.diff(crisp)).max() > 1.2 * np.abs(np.diff(plain)).max()
    assert plain.min() <= crisp.min() and crisp.max() <= plain.max()


def test_it_is_the_same_painting() -> None:
    painted, photo = np.asarray(picture(*SMALL, 1)), np.asarray(picture(*SIZE, 2))
    large = enlarged(painted, photo, smoothness(images.resized(photo, SMALL)))
    assert np.abs(images.resized(large, SMALL).astype(float) - painted).mean() < 3


def test_strips_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    painted, photo = np.asarray(picture(*SMALL, 1)), np.asarray(picture(*SIZE, 2))
    shares = smoothness(images.resized(photo, SMALL))
    whole = enlarged(painted, photo, shares)
    monkeypatch.setattr(maps, "STRIP_PX", 17)
    assert np.array_equal(enlarged(painted, photo, shares), whole)


def test_the_painted_size_grows_with_the_picture_and_is_its_own_up_to_a_limit() -> None:
    sizes = [painted_px(px, "medium") for px in range(1, 9000, 7)]
    assert sizes == sorted(sizes)
    for px in (1, 500, MOST_PX):
        assert painted_px(px, "medium") == px
    for px in (MOST_PX + 1, 3000, 8000):
        assert max(MOST_PX, px / MOST_ENLARGED - 1) <= painted_px(px, "bold") < px
        assert painted_px(px, "fine") == px


def test_a_twelve_megapixel_picture_takes_the_arithmetic_of_less_than_four() -> None:
    passes = pass_sizes(painted_px(3000, "medium"), "medium")
    assert sum(px * px * 4 / 3 for px in passes) < 4e6
    assert sum(px * px * 3 / 2 for px in pass_sizes(painted_px(8000, "medium"), "medium")) < 0.25 * 96e6


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Short sides of the passes that pictures take from now on; those above 260 px count as large."""
    monkeypatch.setattr(strokes, "MOST_PX", 260)
    seen: list[int] = []
    run = single_pass.run

    def recorded(*arguments: Any) -> Any:
        seen.append(min(arguments[3].shape[:2]))
        return run(*arguments)

    monkeypatch.setattr(pipeline.single_pass, "run", recorded)
    return seen


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_large_pictures_are_painted_smaller_unless_the_size_is_asked_for(
    tiny: Path, passes: list[int], kind: type
) -> None:
    stylizer = Stylizer.load(tiny, device="cpu")
    photo: NDArray[Any] = landscape(480, 330, 3).astype(kind)
    photo *= np.iinfo(kind).max // 255
    result = stylizer.stylize(photo)
    assert result.shape == photo.shape and result.dtype == kind
    assert max(passes) == 260
    assert np.array_equal(stylizer.stylize(photo), result)
    passes.clear()
    stylizer.stylize(photo, size=330)
    assert max(passes) == 330
    passes.clear()
    stylizer.stylize(photo, strokes="fine")
    assert passes == [330]


def test_strength_and_masks_apply_at_full_size(tiny: Path, passes: list[int]) -> None:
    stylizer, photo = Stylizer.load(tiny, device="cpu"), landscape(480, 330, 3)
    full = stylizer.stylize(photo).astype(float)
    half = stylizer.stylize(photo, strength=0.5).astype(float)
    assert np.abs(half - (full + photo) / 2).max() <= 1
    mask = Image.new("L", (480, 330), 0)
    mask.paste(255, (0, 0, 240, 330))
    masked = stylizer.stylize(photo, mask=mask, feather=0)
    assert np.array_equal(masked[:, 240:], photo[:, 240:])
    assert np.abs(masked[:, :240] - full[:, :240]).max() <= 1
