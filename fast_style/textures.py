"""Pictures that repeat without a seam, for tiled backgrounds and 3D materials."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]


def periodic(image: Image.Image) -> Image.Image:
    """An RGB picture without the jumps between its opposite edges (Moisan 2011, "Periodic plus Smooth").

    What is taken away is the smoothest picture that has the same jumps, so that nothing is cut, mirrored or faded.
    """
    pixels = np.asarray(image, np.float32)
    rows, columns = pixels.shape[:2]
    laplacian = 2 * np.cos(2 * np.pi * np.arange(rows) / rows)[:, None] - 4
    laplacian = laplacian + 2 * np.cos(2 * np.pi * np.arange(columns) / columns)[None]
    laplacian[0, 0] = 1  # the mean, which stays
    channels = [pixels[..., c] - _smooth(pixels[..., c], laplacian) for c in range(3)]
    return Image.fromarray((np.stack(channels, -1) + 0.5).clip(0, 255).astype(np.uint8))


def _smooth(channel: Array, laplacian: NDArray[np.float64]) -> NDArray[np.float64]:
    """The picture without period whose Laplacian lies in the jumps at the edges alone."""
    jumps = np.zeros_like(channel)
    jumps[0] += channel[-1] - channel[0]
    jumps[-1] += channel[0] - channel[-1]
    jumps[:, 0] += channel[:, -1] - channel[:, 0]
    jumps[:, -1] += channel[:, 0] - channel[:, -1]
    spectrum = np.fft.fft2(jumps) / laplacian
    spectrum[0, 0] = 0
    return np.fft.ifft2(spectrum).real


def wrapped(image: Image.Image, margin_px: int) -> Image.Image:
    """A periodic picture with a margin on every side that continues it."""
    edge = ((margin_px, margin_px), (margin_px, margin_px), (0, 0))
    return Image.fromarray(np.pad(np.asarray(image), edge, mode="wrap"))


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A periodic picture at that width and height: the resampling sees across the edges (Lanczos)."""
    if image.size == size:
        return image
    # Lanczos reaches three pixels of the smaller of the two sizes.
    margin = 3 * max(image.width // size[0] + 1, image.height // size[1] + 1)
    wide = wrapped(image, margin)
    box = (margin, margin, margin + image.width, margin + image.height)
    return wide.resize(size, Image.Resampling.LANCZOS, box)


def on_grid(image: Image.Image, stride: int) -> Image.Image:
    """The picture at the nearest size whose sides are multiples of `stride`, so that the network's grid repeats too."""
    width, height = (max(stride, round(side / stride) * stride) for side in image.size)
    return resized(image, (width, height))
