"""Keeping the photograph's colours: its chroma, or the mean and covariance of its colours."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Kind = Literal["none", "luminance", "statistics"]

# Luma of ITU-R BT.601, which JPEG uses too.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def preserve(kind: Kind, photo: Array, styled: Array) -> Array:
    """`styled` with the colours of `photo`: both RGB (N, 3, H, W) in [0, 1]; returns the same, clamped.

    luminance: each pixel has the luma of `styled` and the chroma of `photo` (Gatys et al. 2016, section "colour").
    statistics: the colours of `styled` moved linearly to the mean and covariance of those of `photo`.
    """
    if kind == "luminance":
        return with_luma(photo, luma(styled))
    if kind == "statistics":
        pairs = zip(photo, styled, strict=True)
        return np.stack([_match(one, other) for one, other in pairs]).clip(0, 1)
    return styled


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


def _match(photo: Array, styled: Array) -> Array:
    """(3, H, W) each: the linear map between the two Gaussians that moves colours least (Pitié & Kokaram 2007)."""
    wanted_mean, wanted = _statistics(photo)
    mean, covariance = _statistics(styled)
    root = _power(covariance, 0.5)
    back = _power(covariance, -0.5)
    transport = back @ _power(root @ wanted @ root, 0.5) @ back
    flat = styled.reshape(3, -1).astype(np.float64) - mean[:, None]
    return (transport @ flat + wanted_mean[:, None]).reshape(styled.shape).astype(np.float32)


def _statistics(image: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (3,) and covariance (3, 3) of the colours; the tiny diagonal keeps flat pictures invertible."""
    flat = image.reshape(3, -1).astype(np.float64)
    return flat.mean(1), np.cov(flat, bias=True) + 1e-8 * np.eye(3)


def _power(matrix: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """Power of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    result: NDArray[np.float64] = (vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T
    return result
