"""Keep faces readable in a painted picture: half of their light and dark is the photograph's."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images.color import LUMA
from ..images.faces import Face
from ..images.maps import full_scale, in_strips

Array = NDArray[np.float32]
Pixels = NDArray[Any]

SHARE = 0.5
"""Share of the photograph in what is finer than COARSE. At 0.35 one sees suns on cheeks, at 0.6 a photograph."""
COARSE = 0.35
"""Size in radii of the face of what stays as it was painted: its colours, and which side is in the light."""
REACH = 1.2
"""Distance from the centre, in radii, at which nothing is changed; from REACH - 0.5 on it grows less."""
LEAST_SIGMA = 8
"""Sigma in cells of a Gaussian that is computed of a reduced picture. A large face took seconds as it is."""


def keep_faces(painted: Pixels, photo: Pixels, faces: list[Face]) -> Pixels:
    """Return what was painted, (H, W, 3) uint8 or uint16, with detail of the photograph's light in its faces.

    The photograph's detail, in grey, replaces SHARE of the painted detail. Its contrast is at most that of what was
    painted. What is coarser than COARSE is the painting's own. Both pictures have one size and dtype.
    """
    result = painted
    for face in faces:
        rows, columns = _around(face, painted.shape[0], painted.shape[1])
        if result is painted:
            result = painted.copy()
        result[rows, columns] = _kept(result, photo, face, rows, columns)
    return result


def _around(face: Face, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of the square that reaches as far as anything is changed."""
    reach = REACH * face.radius * height
    row, column = face.row * height, face.column * width
    return (
        slice(max(0, int(row - reach)), min(height, int(row + reach) + 1)),
        slice(max(0, int(column - reach)), min(width, int(column + reach) + 1)),
    )


def _kept(painted: Pixels, photo: Pixels, face: Face, rows: slice, columns: slice) -> Pixels:
    height, width = painted.shape[:2]
    sigma, most = COARSE * face.radius * height, full_scale(painted)
    own = painted[rows, columns].astype(np.float32)
    light = photo[rows, columns] @ LUMA
    detail = light - _blurred(light, sigma)
    lost = own - np.stack([_blurred(own[..., i], sigma) for i in range(3)], -1)
    down, across = ((np.arange(of.start, of.stop) + 0.5) / side for of, side in ((rows, height), (columns, width)))
    away = face.distance(down[:, None].astype(np.float32), across.astype(np.float32), (height, width))
    inside = away < 1
    contrast = (lost @ LUMA)[inside].std() / max(float(detail[inside].std()), 1e-3 * most)
    share = SHARE * (2 * (REACH - away)).clip(0, 1)
    kept = own + share[..., None] * (min(1.0, float(contrast)) * detail[..., None] - lost)
    return (kept + np.float32(0.5)).clip(0, most).astype(painted.dtype)


def _blurred(plane: Array, sigma: float) -> Array:
    """Blur (h, w) by a Gaussian, its edges repeated; by a wide one as many px at a time as make no difference."""
    # Of the extra `faces`, without which there are none.
    from scipy.ndimage import gaussian_filter

    step = max(1, int(sigma / LEAST_SIGMA))
    padded = np.pad(plane, [(0, -side % step) for side in plane.shape], mode="edge")
    cells = padded.reshape(len(padded) // step, step, -1, step).mean((1, 3), dtype=np.float32)
    small = gaussian_filter(cells, sigma / step, mode="nearest")
    if step == 1:
        return small
    size = plane.shape[0], plane.shape[1]
    return np.concatenate([rows for _, rows in in_strips(small, size, (step, step))])
