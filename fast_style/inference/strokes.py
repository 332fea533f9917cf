"""Paint from coarse to fine: strokes in proportion to the picture, at more than one scale.

A network paints strokes of one size in pixels. So a picture is first painted small, where that size is a large part of
it; what was painted is enlarged, mixed with the photograph and painted again, until the picture has its own size.
"""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..images.faces import Face
from ..images.maps import full_scale, in_strips
from ..images.noise import smoothness

Array = NDArray[np.float32]
Pixels = NDArray[Any]
Strokes = Literal["fine", "medium", "bold"]

# Short side in px of the coarsest pass, as a share of the picture's and at most; below SMALLEST_PX nothing is left of
# a subject.
COARSEST = {"medium": (0.45, 346), "bold": (0.3, 230)}
SMALLEST_PX = 160
# Between two passes a picture grows about so much; what would grow by less is painted once.
GROWTH, LEAST_GROWTH = 2.2, 1.5
# Pixels of the pass to which later ones add only finer strokes: pictures of one megapixel and of more are the same
# painting.
WHOLE_PIXELS = 1e6
# Short side in px up to which the last pass has the picture's own size, and how often what larger pictures are painted
# at fits into theirs. They are enlarged (`enlargement.py`), since a pass over 12 megapixels takes 40 s on two cores.
MOST_PX, MOST_ENLARGED = 1300, 2.3
# Share of the painted picture in what the next pass is shown: where the photograph is smooth, and on faces and where
# it is full of detail, by `smoothness` with DETAIL_LEVELS.
SHARE = {"medium": 0.6, "bold": 0.7}
SHARE_ON_SUBJECTS = 0.15
DETAIL_LEVELS = 15.0


def painted_px(short_side_px: int, strokes: Strokes) -> int:
    """Return the short side in px of the last pass over a picture: its own, or less of what is larger than MOST_PX."""
    if strokes == "fine" or short_side_px <= MOST_PX:
        return short_side_px
    return max(MOST_PX, round(short_side_px / MOST_ENLARGED))


def whole_px(aspect: float) -> int:
    """Return the short side in px of the pass to which later ones add finer strokes. aspect: long to short side."""
    return round(math.sqrt(WHOLE_PIXELS / aspect))


def pass_sizes(short_side_px: int, strokes: Strokes, aspect: float = 4 / 3) -> list[int]:
    """Return the short sides in px of the passes that paint a picture, coarse to fine; the last is the picture's.

    aspect: long to short side.
    """
    if strokes == "fine":
        return [short_side_px]
    (part, most_px), whole = COARSEST[strokes], whole_px(aspect)
    coarsest = max(SMALLEST_PX, min(most_px, round(part * min(short_side_px, whole))))
    if short_side_px < LEAST_GROWTH * coarsest:
        return [short_side_px]
    if short_side_px < LEAST_GROWTH * whole:
        return [*_growing(coarsest, short_side_px), short_side_px]
    return [*_growing(coarsest, whole), *_growing(whole, short_side_px), short_side_px]


def _growing(first_px: int, last_px: int) -> list[int]:
    """Sizes from the first on, each about GROWTH times the one before, up to but without the last."""
    passes = max(1, round(math.log(last_px / first_px) / math.log(GROWTH)))
    growth = (last_px / first_px) ** (1 / passes)
    return [round(first_px * growth**i) for i in range(passes)]


def mixed(photo: Pixels, painted: Pixels, strokes: Strokes, faces: list[Face]) -> Pixels:
    """Mix a photograph (H, W, 3) with what was painted of it at a smaller size: what the next pass is shown.

    Faces, and what else is full of detail, keep most of the photograph: strokes as wide as an eye are no portrait.
    """
    large, size = images.resized(painted, photo.shape[1::-1]), (photo.shape[0], photo.shape[1])
    smooth = beside_faces(smoothness(photo, DETAIL_LEVELS), faces, size)
    return blended(photo, large, SHARE_ON_SUBJECTS + np.float32(SHARE[strokes] - SHARE_ON_SUBJECTS) * smooth)


def blended(first: Pixels, second: Pixels, share: Array) -> Pixels:
    """Mix two pictures (H, W, 3) of one type. share: that of the second one, in cells of 4 px."""
    result = np.empty_like(first)
    for rows, here in in_strips(share, first.shape[:2]):
        part = first[rows].astype(np.float32)
        part += here[..., None] * (second[rows] - part)
        result[rows] = part if first.dtype == np.float32 else (part + np.float32(0.5)).clip(0, full_scale(first))
    return result


def beside_faces(smooth: Array, faces: list[Face], size: tuple[int, int]) -> Array:
    """Smoothness in cells without the faces: nothing of it inside them, all of it at one and a half radii."""
    down, across = (((np.arange(count) + 0.5) / count).astype(np.float32) for count in smooth.shape)
    for face in faces:
        smooth = np.minimum(smooth, (2 * face.distance(down[:, None], across, size) - 2).clip(0, 1))
    return smooth
