"""Paint calm areas with a broader brush where a style has no strokes at the size of the picture, only grain.

The last pass covers a calm sky with its finest marks. Where these have a direction (hatching, bands, edges of planes)
they are what the style consists of. Where they have none they look like sand, and the broader marks of the pass before
are the better strokes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images.faces import Face
from ..images.maps import cell_means, soft_means, window_means
from ..images.noise import lightness
from ..images.structure_tensor import anisotropy, gradient_products
from .enlargement import enlarged
from .strokes import beside_faces, blended

Array = NDArray[np.float32]
Pixels = NDArray[Any]

# Share of the pass before where the photograph is calm and the marks have no direction.
BROAD_SHARE = 0.7
# Coherence up to which marks are grain, and from which on they are strokes. Means over three skies: 0.23 for the sand
# of *adele*, 0.32 *shipwreck*, 0.41 *cubist*, 0.59 for the hatching of *starry_night*, 0.74 for the planes of *udnie*.
GRAIN, STROKES = 0.25, 0.35
# Contrast of the pass before, relative to what is painted now, up to which it is too weak, and from which on it has
# its whole share: fainter marks wash a sky out. The same skies: *udnie* 0.44, *wave* 0.63, *cubist* 0.72, *adele* 0.99.
WEAK, STRONG = 0.85, 0.95
# Pictures with a smaller share than this everywhere are left as they are.
LEAST_SHARE = 1 / 32
# Widths of windows in cells of 4 px: of the marks whose directions are compared, and of the surroundings that are
# judged as one, since planes are empty between their edges.
MARKS_CELLS, AROUND_CELLS = 5, 15
# What is added to squares of steps of 8-bit pictures, so that what is empty has no direction.
LEAST = 1.0


def with_broad_strokes(painted: Pixels, before: Pixels, photo: Pixels, calm: Array, faces: list[Face]) -> Pixels:
    """Give grain in calm areas the broader marks of the pass before.

    painted, photo: (H, W, 3) of one type, uint8 or uint16; before: the smaller picture of the pass before. calm: the
    `smoothness` of the photograph. Faces keep what is painted there.
    """
    marks = lightness(painted)
    share = np.float32(BROAD_SHARE) * calm * ((STROKES - _coherence(marks, calm)) / (STROKES - GRAIN)).clip(0, 1)
    if float(share.max()) < LEAST_SHARE:
        return painted
    large = enlarged(before, photo, calm)
    contrast = np.sqrt(_variance(lightness(large), calm) / _variance(marks, calm))
    share *= ((contrast - WEAK) / (STRONG - WEAK)).clip(0, 1)
    return blended(painted, large, beside_faces(share, faces, (photo.shape[0], photo.shape[1])))


def _coherence(light: Array, where: Array) -> Array:
    """Compute how far marks share one direction around each cell of 4 px: (H, W) to (H / 4, W / 4), rounded up.

    0 for grain, 1 for parallel lines: the difference of the eigenvalues of the structure tensor over their sum (Bigun &
    Granlund 1987), both averaged over the surroundings. light: lightness in steps of 8-bit pictures; where: the weight
    of each cell.
    """
    products = (soft_means(cell_means(plane), MARKS_CELLS) for plane in gradient_products(light))
    difference, both = (soft_means(where * plane, AROUND_CELLS) for plane in anisotropy(products, LEAST))
    result: Array = difference / (both + np.float32(1e-6))
    return result


def _variance(light: Array, where: Array) -> Array:
    """Compute the variance of what marks look like from afar, in cells of 4 px: (H, W) to (H / 4, W / 4)."""
    cells = cell_means(light)
    near = window_means(cells * cells, MARKS_CELLS) - window_means(cells, MARKS_CELLS) ** 2
    result: Array = soft_means(where * near.clip(0, None), AROUND_CELLS) + np.float32(1e-3 * LEAST)
    return result
