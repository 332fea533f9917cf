"""Grain in calm areas gives way to the broader marks of the pass before; strokes, faces and subjects stay."""

import numpy as np
import pytest
from PIL import Image

from fast_style import Stylizer
from fast_style.images.faces import Face
from fast_style.images.noise import smoothness
from fast_style.inference import broad_strokes
from fast_style.inference.broad_strokes import BROAD_SHARE, with_broad_strokes
from fast_style.inference.enlargement import enlarged
from fast_style.scenes import landscape

SIZE = (400, 600)


def sand(size: tuple[int, int] = SIZE, cell: int = 2, seed: int = 0) -> np.ndarray:
    """Marks without a direction, (H, W, 3)."""
    marks = np.random.default_rng(seed).integers(60, 200, (-(-size[0] // cell), -(-size[1] // cell), 1), np.uint8)
    return marks.repeat(cell, 0).repeat(cell, 1).repeat(3, 2)[: size[0], : size[1]]


def share(painted: np.ndarray, before: np.ndarray, photo: np.ndarray, faces: list[Face] | None = None) -> np.ndarray:
    """Share of the pass before in what comes out, by rows and columns of 40 px."""
    calm = smoothness(photo)
    found = with_broad_strokes(painted, before, photo, calm, faces or [])
    assert found.dtype == painted.dtype
    change = (enlarged(before, photo, calm).astype(float) - painted)[..., 0]
    moved = (found.astype(float) - painted)[..., 0]
    blocks = [part.reshape(10, 40, 15, 40).sum((1, 3)) for part in (moved * change, change * change)]
    return np.asarray(blocks[0] / blocks[1])


@pytest.fixture
def wall() -> np.ndarray:
    return np.full((*SIZE, 3), 120, np.uint8)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_grain_gives_way_where_the_photograph_is_calm(wall: np.ndarray, kind: type) -> None:
    deep = kind(np.iinfo(kind).max // 255)
    photo = wall.copy()
    photo[:, 300:] = sand((400, 300))
    found = share(sand() * deep, sand((180, 270), 4, 1) * deep, photo * deep)
    np.testing.assert_allclose(found[:, :6], BROAD_SHARE, atol=0.02)
    np.testing.assert_allclose(found[:, 9:], 0, atol=0.02)


def test_strokes_that_have_a_direction_stay(wall: np.ndarray) -> None:
    hatching = (130 + 60 * np.sin((np.arange(600) + 0.5 * np.arange(400)[:, None]) * 1.2))[..., None].repeat(3, 2)
    assert share(hatching.astype(np.uint8), sand((180, 270), 4, 1), wall).max() < 0.02


def test_faint_marks_do_not_wash_out_contrast(wall: np.ndarray) -> None:
    faint = 130 + (sand((180, 270), 4, 1).astype(int) - 130) // 4
    assert share(sand(), faint.astype(np.uint8), wall).max() < 0.02


def test_faces_keep_what_was_painted(wall: np.ndarray) -> None:
    found = share(sand(), sand((180, 270), 4, 1), wall, [Face(0.25, 0.2, 0.2)])
    assert np.abs(found[1:4, 2:4]).max() < 0.02
    np.testing.assert_allclose(found[:, 9:], BROAD_SHARE, atol=0.02)


def test_pictures_are_painted_so_and_the_rest_of_them_as_before(tiny: object, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = Image.fromarray(landscape(480, 400, 3))
    stylizer = Stylizer.load(str(tiny), device="cpu", engine="torch", precision="fp32")
    calm = smoothness(np.asarray(photo)).repeat(4, 0).repeat(4, 1)
    with monkeypatch.context() as patch:
        for name, value in (("GRAIN", 1.1), ("STROKES", 1.2), ("WEAK", -2), ("STRONG", -1)):
            patch.setattr(broad_strokes, name, value)  # whatever the untrained network paints is taken for grain
        broad = np.asarray(stylizer.stylize(photo), float)
    monkeypatch.setattr(broad_strokes, "BROAD_SHARE", 0)
    plain = np.asarray(stylizer.stylize(photo), float)
    changed = np.abs(broad - plain).mean(2)
    assert changed[calm > 0.9].mean() > 2
    assert changed[calm < 0.01].mean() < 0.05 * changed[calm > 0.9].mean()
