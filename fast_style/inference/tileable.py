"""Make pictures that repeat without a seam, for tiled backgrounds and 3D materials: (H, W, 3) uint8 or uint16."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import images

Pixels = NDArray[Any]


def periodic(pixels: Pixels) -> Pixels:
    """Remove the jumps between opposite edges of a picture (Moisan 2011, "Periodic plus Smooth").

    What is taken away is the smoothest picture that has the same jumps, so that nothing is cut, mirrored or faded.
    """
    rows, columns = pixels.shape[:2]
    laplacian = 2 * np.cos(2 * np.pi * np.arange(rows) / rows)[:, None] - 4
    laplacian = laplacian + 2 * np.cos(2 * np.pi * np.arange(columns) / columns)[None]
    laplacian[0, 0] = 1  # the mean, which stays
    channels = [channel - _smooth(channel, laplacian) for channel in np.moveaxis(pixels.astype(np.float32), -1, 0)]
    most = np.iinfo(pixels.dtype).max
    return (np.stack(channels, -1) + 0.5).clip(0, most).astype(pixels.dtype)


def _smooth(channel: NDArray[np.float32], laplacian: NDArray[np.float64]) -> NDArray[np.float64]:
    """The picture without period whose Laplacian lies in the jumps at the edges alone."""
    jumps = np.zeros_like(channel)
    jumps[0] += channel[-1] - channel[0]
    jumps[-1] += channel[0] - channel[-1]
    jumps[:, 0] += channel[:, -1] - channel[:, 0]
    jumps[:, -1] += channel[:, 0] - channel[:, -1]
    spectrum = np.fft.fft2(jumps) / laplacian
    spectrum[0, 0] = 0
    return np.fft.ifft2(spectrum).real


def wrapped(pixels: Pixels, margin_px: int) -> Pixels:
    """Continue a periodic picture with a margin on every side."""
    return np.pad(pixels, ((margin_px, margin_px), (margin_px, margin_px), (0, 0)), mode="wrap")


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize a periodic picture to that width and height: the resampling sees across the edges."""
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    # Lanczos reaches three pixels of the smaller of the two sizes.
    margin = 3 * max(width // size[0] + 1, height // size[1] + 1)
    return images.resized(wrapped(pixels, margin), size, (margin, margin, margin + width, margin + height))


def on_grid(pixels: Pixels, stride: int) -> Pixels:
    """Resize to the nearest size whose sides are multiples of `stride`, so that the network's grid repeats too."""
    height, width = (max(stride, round(side / stride) * stride) for side in pixels.shape[:2])
    return resized(pixels, (width, height))
