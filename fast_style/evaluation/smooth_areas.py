"""Measure what networks paint where a photograph is smooth: patches of colour, and one mark repeated on a lattice.

README.md in this folder describes the measures and how the thresholds were calibrated.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .. import images
from ..errors import FastStyleError
from ..images.maps import CELL_PX, cell_means
from ..images.noise import smoothness
from ..losses.regularizers import OPPONENTS

Array = NDArray[np.float64]
Pair = tuple[Image.Image, Image.Image]
"""A stylized picture and its photograph, RGB, of the same size."""

# A place of a photograph is calm, and a window of it smooth, from this `smoothness` on.
CALM = 0.5
# Patches are compared over cells of this share of the short side; smaller regions than this many cells are not judged.
CELLS, LEAST_CELLS = 8, 4
# Contrast of a picture that is its style's, not a patch, relative to the photograph's; quantile of the pairs of cells.
GAIN, QUANTILE = 2.0, 0.9
# Windows of a picture whose autocorrelations are averaged, at most, and of all at least; their step and side in px.
WINDOWS, LEAST_WINDOWS, STEP_PX, WINDOW_PX = 48, 4, 48, 96
# What dots at random reach, times the root of the number of windows.
CHANCE = 0.43
# Periods in px that are looked for, and the longest lag that is needed for them.
PERIODS_PX = (5, 24)
REACH_PX = 60
# Sigma in px of the Gaussians that take away grain and what is larger than marks, and that forgive marks out of line.
FINE_PX, LARGE_PX, LOOSE_PX = 1.0, 4.0, 0.8


def color_holes(pairs: Sequence[Pair]) -> float:
    """Measure patches of several colours inside calm regions, beyond the photographs; 0 where no region is calm.

    Mean over the pictures that have one of `color_hole`, as a share of the range.
    """
    found = [value for value in (color_hole(*pair) for pair in pairs) if value is not None]
    return float(np.mean(found)) if found else 0.0


def color_hole(picture: Image.Image, photo: Image.Image) -> float | None:
    """Measure how far the colours of one calm region lie apart, beyond the photograph; None where nothing is calm.

    Calm regions are connected places of the photograph without an edge. Over each, mean colours of cells of an eighth
    of the short side are compared pair by pair: the picture's difference, less GAIN times the photograph's. Returns the
    QUANTILE of the pairs, averaged over regions by their number of cells, as a share of the range.
    """
    regions = _calm_regions(photo)
    side = max(1, round(min(photo.size) / CELLS / CELL_PX))
    areas = np.bincount(regions.ravel())
    colors = [_colors(image) for image in (picture, photo)]
    values, counts = [], []
    for number in np.flatnonzero(areas >= LEAST_CELLS * side**2 / 2):
        if number == 0:  # what is not calm
            continue
        painted, seen = (_cell_colors(each, regions == number, side) for each in colors)
        if len(seen) >= LEAST_CELLS:
            excess = _differences(painted) - GAIN * _differences(seen)
            values.append(float(np.quantile(excess.clip(0), QUANTILE)))
            counts.append(len(seen))
    return float(np.average(values, weights=counts)) if values else None


def _calm_regions(photo: Image.Image) -> NDArray[np.int64]:
    """Number the connected calm places of a photograph, in cells of 4 px: (H / 4, W / 4); 0 is not calm."""
    try:
        from skimage.measure import label
    except ImportError as error:
        raise FastStyleError('the evaluation needs scikit-image: pip install "fast_style[evaluate]"') from error
    numbered: NDArray[np.int64] = label(smoothness(np.asarray(photo)) > CALM, connectivity=1)
    return numbered


def _colors(image: Image.Image) -> Array:
    """Return the mean colours of cells of 4 px: (H / 4, W / 4, 3) in [0, 1]."""
    pixels = np.asarray(image.convert("RGB"), np.float32) / np.float32(255)
    colors = np.stack([cell_means(pixels[..., channel]) for channel in range(3)], -1)
    return colors.astype(np.float64)


def _cell_colors(colors: Array, inside: NDArray[np.bool_], side: int) -> Array:
    """Average `_colors` over squares of that side that lie inside by half or more: (squares, 3)."""
    rows, columns = (np.arange(count) // side for count in inside.shape)
    cells = rows[:, None] * (columns[-1] + 1) + columns
    area = np.bincount(cells[inside], minlength=int(cells[-1, -1]) + 1)
    sums = [np.bincount(cells[inside], colors[inside, channel], len(area)) for channel in range(3)]
    kept = area >= side**2 / 2
    means: Array = np.stack(sums, -1)[kept] / area[kept, None]
    return means


def _differences(colors: Array) -> Array:
    """Return the mean absolute difference over the channels of each pair of rows."""
    one, other = np.triu_indices(len(colors), 1)
    means: Array = np.abs(colors[one] - colors[other]).mean(1)
    return means


def repeated_marks(pairs: Sequence[Pair], painting: Image.Image) -> float:
    """Measure one mark repeated at equal distances where photographs are smooth, beyond the painting: `second_period`.

    0 where there is too little that is smooth. The painting is seen at 512 px.
    """
    found, own = second_period(pairs), second_period([(images.resize_short_side(painting, 512), None)])
    return 0.0 if found is None else found - (own or 0.0)


def second_period(pairs: Sequence[tuple[Image.Image, Image.Image | None]]) -> float | None:
    """Measure how well pictures repeat after one period and after two: autocorrelation beyond chance, 0 to 1.

    Normalized autocorrelations of lightness and two colour differences, without what is larger than marks, are averaged
    over windows of all pictures where their photographs are smooth (anywhere without one): strokes at random cancel
    out, what a network repeats everywhere stays. Counted is the most that the peaks at a period and at twice that rise
    above the troughs at half, one and a half and two and a half, over all periods of PERIODS_PX in every direction
    where both are peaks, less CHANCE over the root of the number of windows, to which strokes at random reach. Strokes
    that keep a distance have the first peak, a lattice the second too. None with fewer than LEAST_WINDOWS windows.
    """
    found: list[Array] = []
    for picture, photo in pairs:
        planes = _marks(picture)
        places = list(_smooth_windows(planes.shape[1:], photo))
        step = max(1, -(-len(places) // WINDOWS))
        found += [_autocorrelation(planes[:, y : y + WINDOW_PX, x : x + WINDOW_PX]) for y, x in places[::step]]
    if len(found) < LEAST_WINDOWS:
        return None
    chance = CHANCE / math.sqrt(len(found))
    return max(0.0, _second_peak(np.mean(found, 0)) - chance)


def _marks(picture: Image.Image) -> Array:
    """Return lightness and two colour differences without grain and large shapes: (3, H, W) in 8-bit steps."""
    pixels, soft = (
        np.asarray(picture.filter(ImageFilter.GaussianBlur(sigma)), np.float64) for sigma in (FINE_PX, LARGE_PX)
    )
    planes: Array = np.moveaxis((pixels - soft) @ np.array(OPPONENTS).T, -1, 0)
    return planes


def _smooth_windows(size: tuple[int, ...], photo: Image.Image | None) -> Iterator[tuple[int, int]]:
    """Yield the upper left corners of windows where the photograph is smooth."""
    smooth = None if photo is None else smoothness(np.asarray(photo))
    cells = WINDOW_PX // CELL_PX
    for y in range(0, size[0] - WINDOW_PX + 1, STEP_PX):
        for x in range(0, size[1] - WINDOW_PX + 1, STEP_PX):
            row, column = y // CELL_PX, x // CELL_PX
            if smooth is None or smooth[row : row + cells, column : column + cells].mean() > CALM:
                yield y, x


def _autocorrelation(window: Array) -> Array:
    """Return the autocorrelation of (3, WINDOW_PX, WINDOW_PX), 1 at lag 0, to lags of REACH_PX each way."""
    side = (2 * WINDOW_PX, 2 * WINDOW_PX)
    power = np.abs(np.fft.rfft2(window - window.mean((1, 2), keepdims=True), side)) ** 2
    sums = np.fft.fftshift(np.fft.irfft2(power.sum(0), side))
    across = WINDOW_PX - np.abs(np.arange(-WINDOW_PX, WINDOW_PX))
    near = slice(WINDOW_PX - REACH_PX, WINDOW_PX + REACH_PX + 1)
    means = sums[near, near] / (across[near, None] * across[near])
    normalized: Array = means / (means[REACH_PX, REACH_PX] + 1)  # what differs by a step or less is not seen
    return normalized


def _second_peak(correlation: Array) -> float:
    from scipy.ndimage import gaussian_filter, map_coordinates, maximum_filter

    loose = gaussian_filter(correlation, LOOSE_PX)
    tops = maximum_filter(loose, 3)
    longest = PERIODS_PX[1]
    periods = np.mgrid[0 : longest + 1, -longest : longest + 1].reshape(2, -1)
    length = np.hypot(*periods)
    periods = periods[:, (length >= PERIODS_PX[0]) & (length <= longest)]
    half, trough, far = (map_coordinates(loose, periods * part + REACH_PX, order=1) for part in (0.5, 1.5, 2.5))
    first, second = (map_coordinates(tops, periods * part + REACH_PX, order=0) for part in (1, 2))
    rises = np.minimum(first - (half + trough) / 2, second - (trough + far) / 2)
    # On a slope, as beside the centre of long bands, what is higher than the mean of both sides need not be a peak.
    peaks = (first > np.maximum(half, trough)) & (second > np.maximum(trough, far))
    return float(rises[peaks].max(initial=0))
