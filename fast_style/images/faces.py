"""Find faces with dlib's histograms of oriented gradients (Dalal & Triggs 2005; King 2015, max-margin detection)."""

import logging
import math
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import images
from .color import LUMA

Array = NDArray[np.float32]
log = logging.getLogger(__name__)

# Short side in px at which faces are looked for. dlib's smallest face is 80 px, so 9 % of it.
LOOK_AT_PX = 900
# Pixels at most there: a panorama is looked at smaller.
MOST_PIXELS = 3e6
# Least score of a face: at 0 patches on clothes count, and a bird; of 160 photographs none had a false face at 0.3.
LEAST_SCORE = 0.3
# Radius of a face in heights of what dlib returns, which reaches from the eyebrows to the chin.
RADIUS = 0.72
# dlib's detector keeps the picture that it looks at, and lets other threads run meanwhile: two at once crash.
_looking = threading.Lock()


@dataclass(frozen=True)
class Face:
    """Describe a face as shares of the picture's height and width: its centre and its radius (of the height)."""

    row: float
    column: float
    radius: float

    def distance(self, rows: Array, columns: Array, size: tuple[int, int]) -> Array:
        """Compute distances from the centre in radii; rows, columns: shares; size: height and width of the picture."""
        away: Array = np.hypot(rows - self.row, (columns - self.column) * size[1] / size[0]) / self.radius
        return away


def find_faces(photo: NDArray[Any]) -> list[Face]:
    """Find faces that are turned to the camera in (H, W, 3) uint8 or uint16; none where dlib is not installed."""
    detector = _detector()
    if detector is None:
        return []
    height, width = photo.shape[:2]
    scale = min(LOOK_AT_PX / min(height, width), math.sqrt(MOST_PIXELS / (height * width)))
    small = images.resized(_eight_bit(photo), (max(1, round(width * scale)), max(1, round(height * scale))))
    grey = (small @ LUMA + np.float32(0.5)).astype(np.uint8)
    with _looking:
        found, _, _ = detector.run(grey, 0, LEAST_SCORE)
    rows, columns = small.shape[:2]
    return [
        Face(
            (box.top() + box.bottom()) / 2 / rows,
            (box.left() + box.right()) / 2 / columns,
            RADIUS * (box.bottom() - box.top()) / rows,
        )
        for box in found
    ]


def _eight_bit(photo: NDArray[Any]) -> NDArray[np.uint8]:
    return photo if photo.dtype == np.uint8 else (photo >> 8).astype(np.uint8)


@cache
def _detector() -> Any:
    try:
        import dlib
    except ImportError:
        log.info('faces are painted like everything else: pip install "fast_style[faces]" looks for them')
        return None
    return dlib.get_frontal_face_detector()
