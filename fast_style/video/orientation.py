"""Apply the display matrix of a film: turns, mirrors and transposes, as players do."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """Describe how stored pixels become upright: transposed first, then mirrored."""

    transpose: bool = False
    mirror_columns: bool = False
    mirror_rows: bool = False

    def __call__(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return (H, W, C) upright, as a view."""
        upright = pixels.swapaxes(0, 1) if self.transpose else pixels
        return upright[:: -1 if self.mirror_rows else 1, :: -1 if self.mirror_columns else 1]


def orientation_of(frame: Any) -> Orientation:
    """Return the orientation that the display matrix of a decoded frame (PyAV) asks for, to the nearest quarter turn.

    The matrix (ISO/IEC 14496-12) takes a point (x, y) to (a x + c y, b x + d y).
    """
    data = next((bytes(data) for data in frame.side_data if data.type.name == "DISPLAYMATRIX"), None)
    if data is None:
        return Orientation()
    (a, b, _), (c, d, _) = np.frombuffer(data[:36], np.int32).reshape(3, 3)[:2].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, mirror_columns=c < 0, mirror_rows=b < 0)
    return Orientation(False, mirror_columns=a < 0, mirror_rows=d < 0)
