"""Convert between the pixels of files (uint8, uint16) and the float images that networks take."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image

from .limits import check_size

FloatImage = NDArray[np.float32]
"""RGB image or batch of images: float32, shape (N, 3, H, W), range [0, 1]."""
Pixels = NDArray[Any]
"""Pixels as files have them: uint8 or uint16, shape (H, W, 3), or (H, W, 4) with straight (unassociated) alpha."""


def unit(pixels: Pixels) -> FloatImage:
    """Scale pixels (H, W, 3), uint8 or uint16, to a float32 image (1, 3, H, W) in [0, 1]."""
    scaled = pixels.transpose(2, 0, 1)[None].astype(np.float32, order="C")
    scaled /= np.float32(np.iinfo(pixels.dtype).max)
    return scaled


def quantized(array: FloatImage, dtype: DTypeLike = np.uint8) -> Pixels:
    """Round an image (1, 3, H, W), clamped to [0, 1], to pixels (H, W, 3) of an unsigned integer type."""
    most = np.float32(np.iinfo(np.dtype(dtype)).max)
    planes = array[0] * most
    planes += np.float32(0.5)
    rounded = planes.clip(0, most, out=planes).astype(dtype)
    pixels = np.empty((*rounded.shape[1:], 3), dtype)
    for channel in range(3):  # twice as fast as a transpose
        pixels[..., channel] = rounded[channel]
    return pixels


def to_array(image: Image.Image) -> FloatImage:
    """Convert an RGB Pillow image to a float32 image (1, 3, H, W) in [0, 1]."""
    return unit(np.asarray(image))


def from_array(array: FloatImage) -> Image.Image:
    """Convert an image (1, 3, H, W), clamped to [0, 1], to an RGB Pillow image of 8 bit per channel."""
    return Image.fromarray(quantized(array))


def eight_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """Round uint16 pixels of any shape to uint8; return uint8 pixels as they are."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Turn pixels (H, W, C) upright that have an EXIF orientation of 1 to 8."""
    if orientation == 1:
        return pixels
    mirrored = pixels[:, ::-1] if orientation in (2, 4, 5, 7) else pixels
    quarters = {2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}[orientation]
    return np.ascontiguousarray(np.rot90(mirrored, quarters))


def resized(pixels: Pixels, size: tuple[int, int], box: tuple[int, int, int, int] | None = None) -> Pixels:
    """Resize pixels (H, W) or (H, W, C), uint8 or uint16, by a Lanczos filter, in their own depth.

    size: width and height of the result. box: left, top, right and bottom of the part to use; None is the whole.
    """
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
    """Return the width and height in proportion to `size` whose short side is `short_side_px`; None keeps `size`.

    Raises FastStyleError when that picture would have more pixels than the limit or than fit into memory.
    """
    if short_side_px is None:
        return size
    scale = short_side_px / min(size)
    scaled = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    check_size(scaled, f"size {short_side_px}")
    return scaled


def resize_short_side(image: Image.Image, short_side_px: int) -> Image.Image:
    """Resize a picture by a Lanczos filter so that its short side is `short_side_px`, in proportion."""
    size = with_short_side(image.size, short_side_px)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
