"""Tell calm and detailed, dark and light places of pictures apart, so that each is compared with its like."""

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
MIDDLE, STEP = 0.45, 0.06
"""Lightness, of a range of 1, that divides dark places of photographs from light ones, and the transition's width."""
TINY = 1e-4
"""Deviations below are taken for this: a tenth of a step of an 8-bit picture."""


def photo_regions(photo: Tensor) -> Tensor:
    """Measure the shares of four regions in each pixel of a photograph: (N, 3, H, W) in [0, 1] to (N, 4, H, W), sum 1.

    They are calm and dark, calm and light, detailed and dark, detailed and light. Calm is exp(-(d / CALM_DEVIATION)^2),
    where d is the standard deviation of lightness in a window around; light is what is above MIDDLE in the mean there.
    """
    mean, deviation = _statistics(photo, PHOTO_WINDOW_PX)
    calm = torch.exp(-(deviation / CALM_DEVIATION).square())
    return _divided(calm, torch.sigmoid((mean - MIDDLE) / STEP))


def painting_regions(painting: Tensor) -> Tensor:
    """Divide a painting into the regions of `photo_regions`: (1, 3, H, W) in [0, 1] to (1, 4, H, W), sum 1.

    Painted surfaces are never as calm as photographs are, and some paintings are dark: the calmer and the darker half
    of each are its own.
    """
    mean, deviation = _statistics(painting, PAINTING_WINDOW_PX)
    loudness = deviation.log()
    calm = torch.sigmoid((loudness.median() - loudness) / EDGE)
    return _divided(calm, torch.sigmoid((mean - mean.median()) / STEP))


def _divided(calm: Tensor, light: Tensor) -> Tensor:
    """From two shares, (N, 1, H, W) each, to those of the four regions."""
    return torch.cat([tone * part for part in (calm, 1 - calm) for tone in (1 - light, light)], 1)


def _statistics(picture: Tensor, window_px: int) -> tuple[Tensor, Tensor]:
    """Compute mean and standard deviation of lightness in windows: (N, 3, H, W) to (N, 1, H, W) float32 twice."""
    light = torch.einsum("nchw,c->nhw", picture.float(), picture.new_tensor(LUMINANCE, dtype=torch.float32))[:, None]
    side = min(window_px, *picture.shape[-2:])
    side -= 1 - side % 2

    def mean(plane: Tensor) -> Tensor:
        return F.avg_pool2d(plane, side, 1, side // 2, count_include_pad=False)

    center = light.mean((2, 3), keepdim=True)  # squares of differences to it are small: less is lost to rounding
    shifted = light - center
    around = mean(shifted)
    return around + center, (mean(shifted.square()) - around.square()).clamp_min(TINY**2).sqrt()
