"""Handle transparency: alpha is straight (unassociated), colours are never mixed with a ground unless they must be."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .arrays import Pixels


def flat(image: Image.Image) -> Image.Image:
    """Lay a picture of any mode on white where it is transparent; returns RGB."""
    if image.mode == "RGB":
        return image
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image).convert("RGB")


def fill_hidden(pixels: Pixels) -> Pixels:
    """Return the colours (H, W, 3) of pixels (H, W, 4), those under alpha 0 replaced by colours of their neighbours.

    What nobody sees is arbitrary (black, mostly); a convolution would carry it into what is seen. Colours where alpha
    is above 0 are returned unchanged. A fully transparent picture is white. The fill is the average of the visible
    colours of ever larger cells (push-pull, Gortler et al., "The Lumigraph", 1996).
    """
    colors, visible = pixels[..., :3], pixels[..., 3] > 0
    if visible.all():
        return np.ascontiguousarray(colors)
    if not visible.any():
        return np.full_like(colors, np.iinfo(pixels.dtype).max)
    weight = pixels[..., 3:].astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    fill = _pulled(colors * weight, weight)
    return np.where(visible[..., None], colors, (fill + np.float32(0.5)).astype(pixels.dtype))


def _pulled(total: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted means (H, W, 3) of sums (H, W, 3) and weights (H, W, 1), from coarser cells where a weight is 0."""
    mean = (total / np.where(weight > 0, weight, 1)).astype(np.float32, copy=False)
    if weight.all():
        return mean
    coarse = _pulled(_halved(total), _halved(weight)).repeat(2, 0).repeat(2, 1)
    filled: NDArray[np.float32] = np.where(weight > 0, mean, coarse[: len(mean), : mean.shape[1]])
    return filled


def _halved(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums of 2x2 cells: (H, W, C) to (ceil(H / 2), ceil(W / 2), C)."""
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], 2), axis=0)
    return np.add.reduceat(rows, np.arange(0, values.shape[1], 2), axis=1)


def unassociated(pixels: Pixels) -> Pixels:
    """Divide the colours of pixels (H, W, 4) with associated (premultiplied) alpha by their alpha."""
    most = np.float32(np.iinfo(pixels.dtype).max)
    alpha = pixels[..., 3:].astype(np.float32)
    colors = pixels[..., :3] * (most / np.where(alpha > 0, alpha, most))
    result = pixels.copy()
    result[..., :3] = (colors + np.float32(0.5)).clip(0, most)
    return result
