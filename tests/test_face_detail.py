"""Faces stay readable in what was painted of them."""

import numpy as np
import pytest

from fast_style.images.faces import Face
from fast_style.images.noise import add_noise
from fast_style.inference import face_detail
from fast_style.inference.face_detail import keep_faces

FACE = Face(row=0.5, column=0.4, radius=0.25)


def pictures(dtype: type = np.uint8) -> tuple[np.ndarray, np.ndarray]:
    """A photograph with stripes in the place of eyes and mouth, and a painting with a sun on them."""
    photo = np.full((160, 200, 3), 120, np.uint8)
    photo[60:100:8] = 60
    painted = np.full((160, 200, 3), (40, 80, 160), np.uint8)
    painted[70:86, 70:86] = (240, 220, 60)
    painted = add_noise(painted, 1.0)
    scale = np.iinfo(dtype).max // 255
    return photo.astype(dtype) * dtype(scale), painted.astype(dtype) * dtype(scale)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_photographs_detail_is_there_and_the_paintings_colour_stays(dtype: type) -> None:
    photo, painted = pictures(dtype)
    kept = keep_faces(painted, photo, [FACE])
    assert kept.dtype == dtype and kept.shape == painted.shape
    inside = np.s_[60:100, 60:100]
    light = [picture[inside].mean(-1).ravel() for picture in (photo, painted, kept)]
    before, after = (np.corrcoef(light[0], each)[0, 1] for each in light[1:])
    assert after > before + 0.3
    # The sun is half as bright, and what surrounds the face is as it was painted.
    scale = np.iinfo(dtype).max / 255
    sun = [
        float(picture[72:84, 72:84, 0].mean() - picture[72:84, 100:112, 0].mean()) / scale
        for picture in (painted, kept)
    ]
    assert sun[1] < 0.75 * sun[0]
    colours = [picture[32:128, 32:128].mean((0, 1)) / scale for picture in (painted, kept)]
    np.testing.assert_allclose(colours[1], colours[0], atol=4)
    assert np.array_equal(kept[:, 135:], painted[:, 135:]) and np.array_equal(kept[:25], painted[:25])


def test_without_faces_nothing_is_copied() -> None:
    photo, painted = pictures()
    assert keep_faces(painted, photo, []) is painted


def test_a_face_at_the_edge_is_cut_there() -> None:
    photo, painted = pictures()
    kept = keep_faces(painted, photo, [Face(row=0.0, column=1.0, radius=0.3)])
    assert not np.array_equal(kept[:40, 160:], painted[:40, 160:])
    assert np.array_equal(kept[60:], painted[60:])


def test_large_faces_are_done_on_a_reduced_picture_without_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, painted = (np.repeat(np.repeat(pixels, 5, 0), 5, 1) for pixels in pictures())
    quick = keep_faces(painted, photo, [FACE])
    monkeypatch.setattr(face_detail, "LEAST_SIGMA", 10**9)
    assert np.abs(quick.astype(int) - keep_faces(painted, photo, [FACE])).max() <= 1
