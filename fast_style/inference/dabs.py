"""Merge the grain of a painted picture into dabs, each of one colour and with a sharp edge; lines stay as they are.

What a network paints finest is in part lines, and in part grain of one to three pixels, which from near looks like
noise and from afar like a print of a photograph. A brush leaves areas of one colour. The filter of Kuwahara et al. 1976
("Processing of RI-angiocardiographic images") makes such areas: each pixel takes the mean of that window around it
which varies least. This is its smooth form (Papari et al. 2007, "Artistic edge and corner enhancing smoothing"): the
mean of all windows that contain the pixel, each with a weight that falls with its variance. Alone it steps outlines
and breaks thin lines, so that it works only where marks have no direction.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images.maps import full_scale, near_means
from ..images.noise import lightness
from ..images.structure_tensor import anisotropy, gradient_products
from ..system.threads import PIXEL_THREADS, overlapped

Array = NDArray[np.float32]
Pixels = NDArray[Any]

# Variance, the sum over the channels in squares of steps of 8-bit pictures, at which the weight of a window is a
# quarter: of the windows over an edge those beside it count alone.
VARIANCE = 30.0
# Coherence up to which marks are grain and merge, and from which on they are lines and stay.
GRAIN, LINES = 0.35, 0.7
# How many windows of 3 px, one after the other, directions are averaged over: a Gaussian with a sigma of 1.4 px.
AROUND = 4
# Sum of the squared gradients by Sobel, in steps of 8-bit pictures, below which nothing has a direction: 5 steps a px.
LEAST = 1280.0
# Rows that are merged at once, so that they stay in a processor's cache, and those around that they depend on.
STRIP_ROWS, REACH_PX = 32, AROUND + 1


def merged_into_dabs(painted: Pixels) -> Pixels:
    """Merge grain into dabs: (H, W, 3) uint8 or uint16, to the same."""
    result = np.empty_like(painted)
    for _ in overlapped((partial(_merge, painted, result, *strip) for strip in _strips(len(painted))), PIXEL_THREADS):
        pass
    return result


def _merge(painted: Pixels, result: Pixels, rows: slice, around: slice) -> None:
    """Write some rows of the result, from these and those that they depend on."""
    white = full_scale(painted)
    step = white / np.float32(255)
    planes = np.moveaxis(painted[around] / step, -1, 0).astype(np.float32)
    planes += _share(lightness(painted[around])) * (_kuwahara(planes) - planes)
    inner = np.moveaxis(planes[:, rows.start - around.start :][:, : rows.stop - rows.start], 0, -1)
    result[rows] = (inner * step + np.float32(0.5)).clip(0, white)


def _strips(height: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows, and these with those that they depend on."""
    for top in range(0, height, STRIP_ROWS):
        bottom = min(height, top + STRIP_ROWS)
        yield slice(top, bottom), slice(max(0, top - REACH_PX), min(height, bottom + REACH_PX))


def _share(light: Array) -> Array:
    """Share of what is merged at each pixel, by the directions around it: (H, W) to the same."""
    products = np.stack(gradient_products(light))
    for _ in range(AROUND):
        products = near_means(products)
    difference, both = anisotropy(products, LEAST)
    share: Array = ((LINES - difference / both) / np.float32(LINES - GRAIN)).clip(0, 1)
    return share


def _kuwahara(planes: Array) -> Array:
    """Mean of the windows that contain each pixel, by their variance: (3, H, W), steps of 8-bit pictures."""
    means = near_means(planes)
    variance = (near_means(np.square(planes).sum(0)) - np.square(means).sum(0)).clip(0, None)
    weights = np.square(1 / (1 + variance / np.float32(VARIANCE)))
    merged: Array = near_means(weights * means) / near_means(weights)
    return merged
