"""Tell the calm places of pictures from the detailed ones, so that each is compared with its like."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .regularizers import LUMINANCE

PHOTO_WINDOW_PX, PAINTING_WINDOW_PX = 11, 21
"""Sides of the windows over which lightness deviates. That of photographs is as wide as what stays detailed beside an
edge; that of paintings holds several strokes."""
CALM_DEVIATION = 0.05
"""Standard deviation of lightness, of a range of 1, at which a photograph is no longer calm."""
EDGE = 0.25
"""Width of the transition between the two halves of a painting, in natural logarithms of the deviation."""
TINY = 1e-4
"""Deviations below are taken for this: a tenth of a step of an 8-bit picture."""


def photo_regions(photo: Tensor) -> Tensor:
    """Measure how calm and how detailed each pixel of a photograph is: (N, 3, H, W) in [0, 1] to (N, 2, H, W).

    Both are from 0 to 1 and their sum is 1: calm is exp(-(d / CALM_DEVIATION)^2), where d is the standard deviation of
    lightness in a window around.
    """
    calm = torch.exp(-(_deviation(photo, PHOTO_WINDOW_PX) / CALM_DEVIATION).square())
    return torch.cat([calm, 1 - calm], 1)


def painting_regions(painting: Tensor) -> Tensor:
    """Divide a painting into its calmer and its more detailed half: (1, 3, H, W) in [0, 1] to (1, 2, H, W), sum 1.

    Painted surfaces are never as calm as photographs are, so that the halves of each painting are its own.
    """
    deviation = _deviation(painting, PAINTING_WINDOW_PX).log()
    calm = torch.sigmoid((deviation.median() - deviation) / EDGE)
    return torch.cat([calm, 1 - calm], 1)


def _deviation(picture: Tensor, window_px: int) -> Tensor:
    """Compute the standard deviation of lightness in windows: (N, 3, H, W) to (N, 1, H, W) float32."""
    light = torch.einsum("nchw,c->nhw", picture.float(), picture.new_tensor(LUMINANCE, dtype=torch.float32))[:, None]
    side = min(window_px, *picture.shape[-2:])
    side -= 1 - side % 2

    def mean(plane: Tensor) -> Tensor:
        return F.avg_pool2d(plane, side, 1, side // 2, count_include_pad=False)

    center = light.mean((2, 3), keepdim=True)  # squares of differences to it are small: less is lost to rounding
    shifted = light - center
    return (mean(shifted.square()) - mean(shifted).square()).clamp_min(TINY**2).sqrt()
