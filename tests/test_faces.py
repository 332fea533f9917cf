"""Faces are found where there are some, and nowhere else: a cheek of a cat that counts as one is painted wrongly."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from skimage import data

from fast_style.images import resized
from fast_style.images.faces import find_faces
from fast_style.scenes import landscape


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_face_is_found_on_a_real_photograph(scale: float) -> None:
    """Whose other round things, a helmet and a badge, are none."""
    photo = data.astronaut()
    (face,) = find_faces(resized(photo, (round(512 * scale), round(512 * scale))))
    assert (face.row, face.column) == pytest.approx((0.23, 0.44), abs=0.03)
    assert 0.1 < face.radius < 0.17


def test_other_subjects_have_none() -> None:
    pictures = [data.chelsea(), data.coffee(), data.rocket(), data.hubble_deep_field(), landscape(300, 200, 1)]
    assert [find_faces(picture) for picture in pictures] == [[]] * len(pictures)


def test_pictures_of_16_bits_are_looked_at_too() -> None:
    photo = data.astronaut()
    assert find_faces(photo.astype(np.uint16) * 257) == find_faces(photo)


def test_a_panorama_is_looked_at_smaller() -> None:
    """At a short side of 900 px this one would have 100 million pixels."""
    assert find_faces(np.zeros((240, 30000, 3), np.uint8)) == []


def test_threads_may_look_at_once() -> None:
    """Pictures of several sizes: the detector keeps the one that it looks at."""
    pictures = [resized(data.astronaut(), (side, 300)) for side in (300, 420, 540, 660)]
    alone = [find_faces(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(find_faces, pictures * 3)) == alone * 3
