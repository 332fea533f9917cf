"""Measure how far marks share one direction (structure tensor, Bigun & Granlund 1987)."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def gradient_products(light: Array) -> tuple[Array, Array, Array]:
    """Multiply the gradients of lightness, by Sobel: (H, W) to across * across, down * down and across * down."""
    light = np.pad(light, 1, mode="edge")
    tall = light[:-2] + 2 * light[1:-1] + light[2:]
    wide = light[:, :-2] + 2 * light[:, 1:-1] + light[:, 2:]
    across, down = tall[:, 2:] - tall[:, :-2], wide[2:] - wide[:-2]
    return across * across, down * down, across * down


def anisotropy(products: Iterable[Array], least: float) -> tuple[Array, Array]:
    """Return the difference and the sum of the eigenvalues of averaged `gradient_products`.

    Their ratio, the coherence, is 0 for grain and 1 for parallel lines. least: added to the sum, in squares of steps,
    so that what is nearly empty has no direction.
    """
    across, down, both = products
    return np.hypot(across - down, 2 * both), across + down + np.float32(least)
