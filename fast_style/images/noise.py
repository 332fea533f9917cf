"""Add input noise, fixed by position: what a network makes strokes of where a photograph is smooth.

The noise is the same for all styles, spots of several scales, or has the marks of one painting (`noise_texture.py`).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .color import LUMA
from .maps import cell_means, full_scale, in_strips, window_means

Array = NDArray[np.float32]
Pixels = NDArray[Any]

# Sigma in px of the Gaussians that make spots of white noise, and the standard deviation of each in steps of 8-bit
# pictures. Noise of single pixels is averaged away by the first layers; the coarse scales are for large marks.
SPOTS_PX, LEVELS = (4.0, 16.0, 48.0), (3.0, 5.0, 6.0)
# The sides of the noise, which repeats beyond them: more than is seen of one smooth surface, and quickly made.
PERIOD_PX = (512, 512)
# A place is smooth where lightness deviates by less than SMOOTH_LEVELS steps of 8-bit pictures, over windows of
# WINDOW_CELLS cells of 4 px.
WINDOW_CELLS, SMOOTH_LEVELS = 5, 6.0
# Weights below this add less than a step of an 8-bit picture.
LEAST_WEIGHT = 1 / 32


def add_noise(
    photo: Pixels,
    strength: float,
    period_px: tuple[int, int] = PERIOD_PX,
    origin: tuple[int, int] = (0, 0),
    noises: Sequence[tuple[Array, Array]] = (),
) -> Pixels:
    """Add noise where a photograph is smooth: (H, W, 3) uint8, uint16, or float32 in [0, 1], to the same.

    strength: 1 for that of SPOTS_PX and LEVELS. The noise depends on the place alone, so that it stays where it is from
    frame to frame; period_px: height and width after which it repeats; origin: row and column of the noise at the
    photograph's first pixel, 0 or more. noises: in the place of the usual one and of `period_px`, each as
    `noise_of_several_scales` returns it, and the share of it in each cell of 4 px, or (1, 1) where it is one.
    """
    if not strength:
        return photo
    weight = smoothness(photo)
    if float(weight.max()) < LEAST_WEIGHT:
        return photo
    result, white = photo.copy(), full_scale(photo)
    noises = noises or [(usual_noise(period_px), np.ones((1, 1), np.float32))]
    # Sums before they are rounded and clipped: once.
    for strips in zip(*(in_strips(weight * share, photo.shape[:2]) for _, share in noises), strict=True):
        rows = strips[0][0]
        if max(float(here.max()) for _, here in strips) < LEAST_WEIGHT:
            continue
        lit = sum(
            _part(noise, rows, photo.shape[1], origin) * here
            for (noise, _), (_, here) in zip(noises, strips, strict=True)
        )
        lit *= np.float32(strength / 255) * white
        part = photo[rows].astype(np.float32) + lit[..., None]
        part = part.clip(0, white, out=part)
        result[rows] = part if photo.dtype == np.float32 else part + np.float32(0.5)
    return result


def _part(noise: Array, rows: slice, width: int, origin: tuple[int, int]) -> Array:
    """The noise, which repeats, of some rows of a picture of that width."""
    down = np.arange(origin[0] + rows.start, origin[0] + rows.stop) % noise.shape[0]
    part: Array = noise[down[:, None], np.arange(origin[1], origin[1] + width) % noise.shape[1]]
    return part


def smoothness(photo: Pixels, levels: float = SMOOTH_LEVELS, window_cells: int = WINDOW_CELLS) -> Array:
    """Compute how smooth a photograph is in each cell of 4 px, 0 to 1: (H, W, 3) to (H / 4, W / 4), rounded up.

    exp(-(d / levels)^2), where d is the standard deviation of lightness in a window around, in steps of 8-bit pictures.
    """
    light = lightness(photo)
    mean, square = (window_means(cell_means(plane), window_cells) for plane in (light, light * light))
    weight: Array = np.exp((mean * mean - square).clip(None, 0) / np.float32(levels**2))
    return weight


def lightness(photo: Pixels) -> Array:
    """Compute the lightness of a picture: (H, W, 3) to (H, W) in steps of 8-bit pictures."""
    if photo.dtype == np.uint8:
        return np.asarray(Image.fromarray(photo).convert("L"), np.float32)
    light: Array = photo @ (LUMA * (np.float32(255) / full_scale(photo)))
    return light


def is_uniform(photo: Any) -> bool:
    """Return whether a picture, (H, W, 3) or array or tensor (1, 3, H, W), is of one colour: a film's fade, a page.

    Instance norms leave nothing of it; networks answer with a loud grid that has nothing to do with the colour.
    """
    planar = photo.ndim == 4
    middle = photo[..., photo.shape[2] // 2, :] if planar else photo[len(photo) // 2]
    first = middle[..., :1] if planar else middle[0]
    whole = first[..., None] if planar else first
    return bool((middle == first).all()) and bool((photo == whole).all())  # most pictures are told by one row


def noise_of_several_scales(height: int, width: int) -> Array:
    """Return (height, width) in steps of 8-bit pictures, mean 0, that repeats: the sum over SPOTS_PX."""
    scales = enumerate(zip(SPOTS_PX, LEVELS, strict=True))
    return sum(
        (level * spots(height, width, px, seed) for seed, (px, level) in scales), np.zeros((height, width), np.float32)
    )


def spots(height: int, width: int, sigma_px: float, seed: int = 0) -> Array:
    """Return (height, width), mean 0, deviation 1: white noise under a Gaussian, which repeats."""
    noise = np.random.default_rng(seed).standard_normal((height, width))
    squared = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.rfftfreq(width) ** 2
    spectrum = np.fft.rfft2(noise) * np.exp(-2 * (np.pi * sigma_px) ** 2 * squared)
    spectrum[0, 0] = 0
    blurred = np.fft.irfft2(spectrum, s=(height, width))
    result: Array = (blurred / max(float(blurred.std()), 1e-6)).astype(np.float32)
    return result


def usual_noise(period_px: tuple[int, int] = PERIOD_PX) -> Array:
    """Return the noise of SPOTS_PX that repeats after that height and width: (H, W) in steps of 8-bit pictures."""
    return _usual() if period_px == PERIOD_PX else noise_of_several_scales(*period_px)


@cache
def _usual() -> Array:
    """The noise of all pictures but those that repeat, which have one of their own size each."""
    return noise_of_several_scales(*PERIOD_PX)
