"""Uneven ground under a picture, by position: what networks make strokes of where a photograph shows nothing."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engines.tiling import Box

Array = NDArray[np.float32]

# Sigma in px of the blur that makes spots of noise. Noise of single pixels is averaged away by the first layers.
SPOT_PX = 4.0
# The sides of the ground, which repeats beyond them: more than are seen of one smooth surface, and quickly made.
PERIOD_PX = (512, 512)
# Of pictures of one colour, in steps of 8-bit pictures: enough for strokes as anywhere.
LEAST = 6.0


class Grain:
    """A fixed ground that parts of a picture share: the same pixel gets the same grain in any tile and any frame."""

    def __init__(self, levels: float, period_px: tuple[int, int] = PERIOD_PX) -> None:
        """levels: standard deviation in steps of 8-bit pictures; period_px: height and width."""
        spots = _usual() if period_px == PERIOD_PX else ground(*period_px)
        self.ground = spots * np.float32(levels / 255)

    def __call__(self, photo: Array, box: Box) -> Array:
        """photo: (N, 3, h, w) in [0, 1], that part of the picture; the same brighter and darker by the ground, cut."""
        rows, columns = (np.arange(start, end) for start, end in ((box.top, box.bottom), (box.left, box.right)))
        part = self.ground.take(rows, 0, mode="wrap").take(columns, 1, mode="wrap")
        lit: Array = (photo + part).clip(0, 1)
        return lit


def blank(photo: Any) -> bool:
    """Whether a picture, array (H, W, 3) or array or tensor (1, 3, H, W), is of one colour: a film's fade, a page.

    Instance norms leave nothing of it; networks answer with a loud grid that has nothing to do with the colour.
    """
    planar = photo.ndim == 4
    middle = photo[..., photo.shape[2] // 2, :] if planar else photo[len(photo) // 2]
    first = middle[..., :1] if planar else middle[0]
    whole = first[..., None] if planar else first
    return bool((middle == first).all()) and bool((photo == whole).all())  # most pictures are told by one row


def ground(height: int, width: int) -> Array:
    """(height, width), mean 0, deviation 1: white noise, blurred by a Gaussian across the edges, so that it repeats."""
    noise = np.random.default_rng(0).standard_normal((height, width))
    squared = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.rfftfreq(width) ** 2
    spectrum = np.fft.rfft2(noise) * np.exp(-2 * (np.pi * SPOT_PX) ** 2 * squared)
    spectrum[0, 0] = 0
    spots = np.fft.irfft2(spectrum, s=(height, width))
    result: Array = (spots / max(float(spots.std()), 1e-6)).astype(np.float32)
    return result


@cache
def _usual() -> Array:
    """The ground of all pictures but those that repeat, which have one of their own size each."""
    return ground(*PERIOD_PX)
