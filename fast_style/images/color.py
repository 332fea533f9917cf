"""Keeping the photograph's colours: its chroma, or the mean and covariance of its colours."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Kind = Literal["none", "luminance", "statistics"]

# Luma of ITU-R BT.601, which JPEG uses too.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Matching:
    """Gives a styled picture the colours of its photograph, whole or in parts.

    luminance: each pixel has the luma of the styled picture and the chroma of the photograph.
    statistics: the colours of the styled picture, moved linearly to the mean and covariance of the photograph's.
    Both after Gatys et al., "Preserving Color in Neural Artistic Style Transfer", 2016.
    """

    def __init__(self, kind: Kind, photo: Array, styled: Array) -> None:
        """photo, styled: RGB (N, 3, H, W) in [0, 1], the whole pictures (reduced ones will do)."""
        self.kind = kind
        pairs = zip(photo, styled, strict=True) if kind == "statistics" else ()
        self._maps = [_transport(one, other) for one, other in pairs]

    def __call__(self, photo: Array, styled: Array) -> Array:
        """The same part of both pictures, (N, 3, H, W) in [0, 1]; returns `styled` with its new colours, clamped."""
        if self.kind == "luminance":
            return with_luma(photo, luma(styled))
        if self.kind == "none":
            return styled
        moved = [_moved(image, *map_) for image, map_ in zip(styled, self._maps, strict=True)]
        return np.stack(moved).clip(0, 1)


def luma(image: Array) -> Array:
    """RGB (N, 3, H, W) to (N, 1, H, W)."""
    return np.einsum("c,nchw->nhw", LUMA, image)[:, None]


def with_luma(image: Array, wanted: Array) -> Array:
    """RGB (N, 3, H, W) with the luma `wanted` (N, 1, H, W); chroma is reduced where it would leave [0, 1]."""
    target = wanted.clip(0, 1)
    chroma = image - luma(image)
    room = np.where(chroma > 0, 1 - target, target)  # how far each channel may go
    scale = np.divide(room, np.abs(chroma), out=np.ones_like(chroma), where=np.abs(chroma) > 1e-6)
    result: Array = target + chroma * scale.min(axis=1, keepdims=True).clip(0, 1)
    return result


def _transport(photo: Array, styled: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix (3, 3) and offset (3,) between the two Gaussians that move colours least (Pitié & Kokaram 2007)."""
    wanted_mean, wanted = _statistics(photo)
    mean, covariance = _statistics(styled)
    root, back = _power(covariance, 0.5), _power(covariance, -0.5)
    matrix = back @ _power(root @ wanted @ root, 0.5) @ back
    return matrix, wanted_mean - matrix @ mean


def _moved(image: Array, matrix: NDArray[np.float64], offset: NDArray[np.float64]) -> Array:
    flat = matrix.astype(np.float32) @ image.reshape(3, -1) + offset.astype(np.float32)[:, None]
    moved: Array = flat.reshape(image.shape)
    return moved


def _statistics(image: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (3,) and covariance (3, 3) of the colours; the tiny diagonal keeps flat pictures invertible."""
    flat = image.reshape(3, -1).astype(np.float64)
    return flat.mean(1), np.cov(flat, bias=True) + 1e-8 * np.eye(3)


def _power(matrix: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """Power of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    result: NDArray[np.float64] = (vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T
    return result
