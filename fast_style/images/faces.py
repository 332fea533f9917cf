"""Find faces with scikit-image's cascade of local binary patterns (Liao et al. 2007)."""

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import images

Array = NDArray[np.float32]
log = logging.getLogger(__name__)

# Short side in px at which faces are looked for, and the smallest face there.
LOOK_AT_PX, SMALLEST_PX = 256, 24


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
    """Find faces that look at the camera in (H, W, 3) uint8 or uint16; none where scikit-image is not installed."""
    detector = _detector()
    if detector is None:
        return []
    eight = photo if photo.dtype == np.uint8 else (photo >> 8).astype(np.uint8)
    height, width = eight.shape[:2]
    scale = LOOK_AT_PX / min(height, width)
    small = images.resized(eight, (max(1, round(width * scale)), max(1, round(height * scale))))
    found = detector.detect_multi_scale(
        img=small,
        scale_factor=1.2,
        step_ratio=1,
        min_size=(SMALLEST_PX, SMALLEST_PX),
        max_size=(LOOK_AT_PX, LOOK_AT_PX),
    )
    rows, columns = small.shape[:2]
    return [
        Face((f["r"] + f["height"] / 2) / rows, (f["c"] + f["width"] / 2) / columns, 0.65 * f["height"] / rows)
        for f in found
    ]


@cache
def _detector() -> Any:
    try:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade
    except ImportError:
        log.info('faces are painted like everything else: pip install "fast_style[faces]" looks for them')
        return None
    return Cascade(lbp_frontal_face_cascade_filename())
