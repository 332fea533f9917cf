"""Enlarge what was painted of a large picture to its full size, with crisp strokes and the photograph's fine detail.

The last pass over a picture of 12 megapixels takes as long as 12 pictures of one megapixel, and adds only what is finer
than two pixels of the pass before. Enlarged pictures lack just that. It is put back without a network: edges of strokes
are sharpened by a soft form of the toggle mapping of Kramer & Bruckner 1975 ("Iterations of a non-linear transformation
for enhancement of digital images"), and where the photograph is full of detail its own light and dark is added,
as in the joint upsampling of Kopf et al. 2007.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import images
from ..images.color import LUMA
from ..images.maps import CELL_PX, full_scale, in_strips
from ..system.threads import overlapped

Array = NDArray[np.float32]
Pixels = NDArray[Any]

# Differences between neighbours, as a share of the range, that are half sharpened: what is flat stays flat.
FLAT = 4 / 255
# Resizings and strips that are done at a time, each in a thread; Pillow and NumPy let them run side by side.
THREADS = 2


def enlarged(painted: Pixels, photo: Pixels, calm: Array) -> Pixels:
    """Enlarge a painted picture to the size of its photograph, both (H, W, 3) of one type, uint8 or uint16.

    calm: the `smoothness` of the photograph at the painted picture's size, in cells of 4 px of it. Where it is 1 no
    detail is added, so that the grain of a photograph does not show in its sky.
    """
    size, small = photo.shape[:2], painted.shape[:2]
    large: Any
    light: Any
    large, light = overlapped((partial(images.resized, painted, size[::-1]), partial(_light, photo, small)), THREADS)
    result = np.empty_like(photo)

    def strips() -> Iterator[Callable[[], None]]:
        for rows, share in in_strips(1 - calm, size, (CELL_PX * size[0] / small[0], CELL_PX * size[1] / small[1])):
            yield partial(_fill, result, large, light, rows, share)

    for _ in overlapped(strips(), THREADS):
        pass
    return result


def _light(photo: Pixels, small: tuple[int, int]) -> tuple[Pixels, Pixels]:
    """The light of a photograph, (H, W), in its own type, and what is left of it at a smaller height and width."""
    grey = _grey(photo)
    return grey, images.resized(images.resized(grey, small[::-1]), photo.shape[1::-1])


def _grey(photo: Pixels) -> Pixels:
    if photo.dtype == np.uint8:
        return np.asarray(Image.fromarray(photo).convert("L"))
    return np.concatenate([(part @ LUMA + np.float32(0.5)).astype(photo.dtype) for part in np.array_split(photo, 16)])


def _fill(result: Pixels, large: Pixels, light: tuple[Pixels, Pixels], rows: slice, share: Array) -> None:
    """Write some rows of the result. light: of `_light`; share: of the detail between the two, (rows, W)."""
    fine, coarse = (plane[rows].astype(np.float32) for plane in light)
    white = full_scale(result)
    painted = _crisp(large, rows, np.float32(FLAT) * white)
    painted += (share * (fine - coarse))[..., None]
    painted += np.float32(0.5)
    result[rows] = painted.clip(0, white, out=painted)


def _crisp(picture: Pixels, rows: slice, flat: np.float32) -> Array:
    """Some rows of a picture, each value moved towards the nearer of the extremes of the 3x3 px around it."""
    padded = picture[np.arange(rows.start - 1, rows.stop + 1).clip(0, len(picture) - 1)]
    here = padded[1:-1].astype(np.float32)
    up, down = _extremes(padded, np.maximum) - here, here - _extremes(padded, np.minimum)
    nearer = (down - up) / (down + up + flat)
    here += nearer * np.where(nearer > 0, up, down)
    return here


def _extremes(padded: Pixels, extreme: Any) -> Pixels:
    """Largest or smallest of 3x3 px: (h + 2, W, 3) to (h, W, 3)."""
    tall = extreme(extreme(padded[:-2], padded[2:]), padded[1:-1])
    wide: Pixels = tall.copy()
    extreme(wide[:, 1:], tall[:, :-1], out=wide[:, 1:])
    extreme(wide[:, :-1], tall[:, 1:], out=wide[:, :-1])
    return wide
