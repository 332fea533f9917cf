"""Between 8- or 16-bit pixels, as Pillow has them, and the contract: RGB, float32, (1, 3, H, W), [0, 1]."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image

Pixels = NDArray[Any]
"""Pixels as files have them: uint8 or uint16, shape (H, W, 3), or (H, W, 4) with straight (unassociated) alpha."""


def unit(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """(H, W, 3) uint8 or uint16 to (1, 3, H, W) float32 in [0, 1]."""
    scaled = pixels.transpose(2, 0, 1)[None].astype(np.float32, order="C")
    scaled /= np.float32(np.iinfo(pixels.dtype).max)
    return scaled


def quantized(array: NDArray[np.float32], dtype: DTypeLike = np.uint8) -> NDArray[Any]:
    """(1, 3, H, W) float32 to (H, W, 3) of an unsigned integer type, clamped to [0, 1] and rounded."""
    most = np.float32(np.iinfo(np.dtype(dtype)).max)
    planes = array[0] * most
    planes += np.float32(0.5)
    rounded = planes.clip(0, most, out=planes).astype(dtype)
    pixels = np.empty((*rounded.shape[1:], 3), dtype)
    for channel in range(3):  # twice as quick as to transpose
        pixels[..., channel] = rounded[channel]
    return pixels


def to_array(image: Image.Image) -> NDArray[np.float32]:
    """An RGB Pillow image to (1, 3, H, W) float32 in [0, 1]."""
    return unit(np.asarray(image))


def from_array(array: NDArray[np.float32]) -> Image.Image:
    """(1, 3, H, W) float32 to an RGB Pillow image, clamped to [0, 1] and rounded to 8 bit."""
    return Image.fromarray(quantized(array))


def eight_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """Round uint16 pixels of any shape to uint8; return uint8 pixels as they are."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def resized(pixels: NDArray[Any], size: tuple[int, int], box: tuple[int, int, int, int] | None = None) -> NDArray[Any]:
    """(H, W, 3) uint8 or uint16 at another width and height, all of it or what lies in `box` (Lanczos)."""
    if pixels.shape[1::-1] == size and box is None:
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, box))
    most = np.iinfo(pixels.dtype).max
    channels = [Image.fromarray(c.astype(np.float32)) for c in np.moveaxis(np.atleast_3d(pixels), -1, 0)]
    planes = [np.asarray(channel.resize(size, Image.Resampling.LANCZOS, box)) for channel in channels]
    result = (np.stack(planes, -1) + np.float32(0.5)).clip(0, most).astype(pixels.dtype)
    return result if pixels.ndim == 3 else result[..., 0]


def with_short_side(size: tuple[int, int], short_side_px: int | None) -> tuple[int, int]:
    """Width and height in proportion with that short side; None leaves them."""
    if short_side_px is None:
        return size
    scale = short_side_px / min(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize_short_side(image: Image.Image, short_side_px: int) -> Image.Image:
    """The same picture with that short side, the other in proportion (Lanczos)."""
    size = with_short_side(image.size, short_side_px)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
