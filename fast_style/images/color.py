"""Give a styled picture the colours of its photograph: the chroma, or the mean and covariance of the colours."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .arrays import FloatImage

Kind = Literal["none", "luminance", "statistics"]

# Luma of ITU-R BT.601, which JPEG uses too.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Matching:
    """Transfer the colours of a photograph to a styled picture, as a whole or part by part.

    luminance: each pixel takes the luma of the styled picture and the chroma of the photograph. statistics: a linear
    map gives the colours of the styled picture the mean and covariance of the photograph's. Both after Gatys et al.,
    "Preserving Color in Neural Artistic Style Transfer", 2016.
    """

    def __init__(self, kind: Kind, photo: FloatImage, styled: FloatImage) -> None:
        """Measure what the transfer needs of the whole pictures, (N, 3, H, W) in [0, 1], at any resolution."""
        self.kind = kind
        pairs = zip(photo, styled, strict=True) if kind == "statistics" else ()
        self._maps = [_transport(one, other) for one, other in pairs]

    def __call__(self, photo: FloatImage, styled: FloatImage) -> FloatImage:
        """Return `styled` with its new colours, clamped to [0, 1]; both are the same part, (N, 3, H, W) in [0, 1]."""
        if self.kind == "luminance":
            return with_luma(photo, luma(styled))
        if self.kind == "none":
            return styled
        moved = [_moved(image, *map_) for image, map_ in zip(styled, self._maps, strict=True)]
        return np.stack(moved).clip(0, 1)


def luma(image: FloatImage) -> FloatImage:
    """Compute the luma (N, 1, H, W) of RGB images (N, 3, H, W)."""
    return np.einsum("c,nchw->nhw", LUMA, image)[:, None]


def with_luma(image: FloatImage, wanted: FloatImage) -> FloatImage:
    """Give RGB images (N, 3, H, W) the luma `wanted` (N, 1, H, W); chroma is reduced where it would leave [0, 1]."""
    target = wanted.clip(0, 1)
    chroma = image - luma(image)
    room = np.where(chroma > 0, 1 - target, target)  # how far each channel may go
    scale = np.divide(room, np.abs(chroma), out=np.ones_like(chroma), where=np.abs(chroma) > 1e-6)
    result: FloatImage = target + chroma * scale.min(axis=1, keepdims=True).clip(0, 1)
    return result


def _transport(photo: FloatImage, styled: FloatImage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the optimal transport between the Gaussians of two pictures' colours (Pitié & Kokaram 2007).

    photo, styled: (3, H, W). Returns the matrix (3, 3) and the offset (3,) that map colours of `styled`.
    """
    wanted_mean, wanted = _statistics(photo)
    mean, covariance = _statistics(styled)
    root, back = _power(covariance, 0.5), _power(covariance, -0.5)
    matrix = back @ _power(root @ wanted @ root, 0.5) @ back
    return matrix, wanted_mean - matrix @ mean


def _moved(image: FloatImage, matrix: NDArray[np.float64], offset: NDArray[np.float64]) -> FloatImage:
    flat = matrix.astype(np.float32) @ image.reshape(3, -1) + offset.astype(np.float32)[:, None]
    moved: FloatImage = flat.reshape(image.shape)
    return moved


def _statistics(image: FloatImage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the mean (3,) and covariance (3, 3) of colours; a tiny diagonal keeps uniform pictures invertible."""
    flat = image.reshape(3, -1).astype(np.float64)
    return flat.mean(1), np.cov(flat, bias=True) + 1e-8 * np.eye(3)


def _power(matrix: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """Raise a symmetric positive matrix to a power."""
    values, vectors = np.linalg.eigh(matrix)
    result: NDArray[np.float64] = (vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T
    return result
