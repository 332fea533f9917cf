"""Between Pillow's 8-bit images and the contract: RGB, float32, (1, 3, H, W), [0, 1]."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def to_array(image: Image.Image) -> NDArray[np.float32]:
    """An RGB Pillow image to (1, 3, H, W) float32 in [0, 1]."""
    pixels = np.asarray(image, dtype=np.float32) / np.float32(255)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def from_array(array: NDArray[np.float32]) -> Image.Image:
    """(1, 3, H, W) float32 to an RGB Pillow image, clamped to [0, 1] and rounded to 8 bit."""
    pixels = np.clip(array[0].transpose(1, 2, 0) * np.float32(255) + np.float32(0.5), 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def resize_short_side(image: Image.Image, short_side_px: int) -> Image.Image:
    """The same picture with that short side, the other in proportion (Lanczos)."""
    scale = short_side_px / min(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
