"""Displace what is painted in calm areas, so that no mark stands at equal distances from the next.

Convolutions paint the same mark wherever they see the same, on a surface without detail at every period of a lattice.
Each place is moved by a few px, to and fro over some marks, as a hand never repeats a row exactly.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images.maps import in_strips
from ..images.noise import spots

Array = NDArray[np.float32]
Pixels = NDArray[Any]

# Standard deviation of the displacement in px, and sigma in px of the Gaussian that it varies over. Lattices of 8 to 24
# px are gone with these; 2 px leave half of them, 4 px bands of 24 px; 6 px draw dots out.
DEVIATION_PX, SIGMA_PX = 5.0, 16.0
# From so many px before the edges of the picture the displacement falls to 0.
EDGE_PX = 4 * DEVIATION_PX
# The displacement repeats after so many px, down and across.
PERIOD_PX = 512
# Places less calm than this are left where they are.
LEAST_WEIGHT = 1 / 16


def displaced(painted: Pixels, calm: Array) -> Pixels:
    """Displace a painted picture where its photograph is calm: (H, W, 3) uint8 or uint16, to the same.

    calm: 0 to 1 in cells of 4 px (H / 4, W / 4). The displacement depends on the place alone, so that it stays where it
    is from frame to frame; it is interpolated linearly.
    """
    if float(calm.max()) < LEAST_WEIGHT:
        return painted
    result, flat, (height, width) = painted.copy(), painted.reshape(-1, 3), painted.shape[:2]
    below, right = width * (height > 1), int(width > 1)
    for rows, weight in in_strips(calm * calm, (height, width)):  # squared: less where a subject begins
        places = np.flatnonzero(weight > LEAST_WEIGHT)
        down, across = np.divmod(places, width)
        down += rows.start
        moved = _field().take(down % PERIOD_PX * PERIOD_PX + across % PERIOD_PX, 1) * weight.ravel()[places]
        above, share_y = _whole_and_part(down, moved[0], height)
        left, share_x = _whole_and_part(across, moved[1], width)
        first = above * width + left
        upper = _between(flat.take(first, 0), flat.take(first + right, 0), share_x)
        first += below
        lower = _between(flat.take(first, 0), flat.take(first + right, 0), share_x)
        result[rows].reshape(-1, 3)[places] = _between(upper, lower, share_y) + np.float32(0.5)
    return result


def _whole_and_part(places: NDArray[np.intp], moved: Array, count: int) -> tuple[NDArray[np.intp], Array]:
    """Split moved places of 0 to count - 1 into the pixel before each, of which there is a next one, and the rest."""
    start = places.astype(np.float32)
    near = np.minimum(start, count - 1 - start) / np.float32(EDGE_PX)  # pixels are not pulled in from beyond the edge
    at = (start + moved * near.clip(0, 1)).clip(0, count - 1)
    whole = np.minimum(at.astype(np.intp), max(0, count - 2))
    return whole, (at - whole.astype(np.float32))[:, None]


def _between(one: NDArray[Any], other: NDArray[Any], share: Array) -> Array:
    start = one.astype(np.float32)
    result: Array = start + share * (other.astype(np.float32) - start)
    return result


@cache
def _field() -> Array:
    """The displacement down and across in px, row by row: (2, PERIOD_PX * PERIOD_PX)."""
    fields = [spots(PERIOD_PX, PERIOD_PX, SIGMA_PX, seed).ravel() for seed in (11, 12)]
    return np.float32(DEVIATION_PX) * np.stack(fields)
