"""Define the norm layers of the networks, and blends of styles that may vary from pixel to pixel."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .structure import NORM_EPSILON, STRIDE

Statistics = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Map activations (N, C, H, W) to the mean and variance, (N, C, 1, 1) float32 each, that normalize them: their own, or
in a tile those of the whole picture."""


def own_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Compute mean and variance of each channel of each image: (N, C, H, W) to (N, C, 1, 1) float32, twice."""
    variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
    return mean, variance


class StyleNorm(nn.Module):
    """Define the base class of the norm layers, which `TransformerNetwork.norms` finds.

    Contract: every parameter has the shape (styles, channels), so that styles can be added, chosen and averaged as
    rows and channels pruned as columns; `forward` takes activations, the blend of styles and `Statistics`, which it
    calls once.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels


class ConditionalInstanceNorm(StyleNorm):
    """Normalize each channel and apply one scale and shift per style (Dumoulin et al. 2017); statistics in float32.

    With one style this is the affine instance norm of Ulyanov et al. 2016.
    """

    def __init__(self, channels: int, styles: int, eps: float = NORM_EPSILON) -> None:
        super().__init__(channels)
        self.weight = nn.Parameter(torch.ones(styles, channels))
        self.bias = nn.Parameter(torch.zeros(styles, channels))
        self.eps = eps

    def forward(self, x: Tensor, blend: Tensor, statistics: Statistics = own_statistics) -> Tensor:
        """Return the normalized activations, of x's shape and dtype.

        x: (N, C, H, W). blend: weights of the styles, (N, styles, 1, 1), or per pixel as returned by `fit`.
        """
        if statistics is own_statistics and blend.shape[-2:] == (1, 1) and x[0, 0].numel() > 1:
            return _fused(x, blend_rows(self.weight, blend), blend_rows(self.bias, blend), self.eps)
        mean, variance = statistics(x)
        if blend.shape[-2:] != (1, 1):
            blend = downsample_blend(blend, x.shape[-2], x.shape[-1])
        scale = blend_rows(self.weight, blend) * torch.rsqrt(variance + self.eps)
        shift = blend_rows(self.bias, blend) - mean * scale
        return (x.float() * scale + shift).to(x.dtype)


def _fused(x: Tensor, scale: Tensor, shift: Tensor, eps: float) -> Tensor:
    """Compute instance norm with the batch-norm operator, one batch per image: ten times as quick on a CPU.

    x: (N, C, H, W); scale, shift: (N or 1, C, 1, 1) float32. Statistics are float32 whatever x is.
    """
    n, c, h, w = x.shape
    weight, bias = (row.expand(n, c, 1, 1).reshape(n, c) for row in (scale, shift))
    if x.is_contiguous() or x.is_cuda:  # as the channels of one image: a single call
        out = F.batch_norm(x.reshape(1, n * c, h, w), None, None, weight.flatten(), bias.flatten(), True, eps=eps)
        like = torch.contiguous_format if x.is_contiguous() else torch.channels_last
        return out.view(n, c, h, w).contiguous(memory_format=like)
    each = zip(x.split(1), weight, bias, strict=True)
    return torch.cat([F.batch_norm(image, None, None, scale, shift, True, eps=eps) for image, scale, shift in each])


def blend_rows(rows: Tensor, blend: Tensor) -> Tensor:
    """Sum the styles' rows (styles, C), weighted by a blend (N, styles, H, W): (N, C, H, W) float32."""
    if blend.shape[-2:] == (1, 1):
        return (blend[:, :, None] * rows.float()[:, :, None, None]).sum(1)  # autocast leaves this in float32
    return F.conv2d(blend, rows.float().T[:, :, None, None]).float()


def fit(blend: Tensor, height: int, width: int) -> Tensor:
    """Pad weights per pixel (N, styles, H, W) to multiples of STRIDE, repeating the last row and column."""
    more = [-(-side // STRIDE) * STRIDE - have for side, have in zip((width, height), blend.shape[:1:-1], strict=True)]
    return F.pad(blend, (0, more[0], 0, more[1]), mode="replicate")


def downsample_blend(blend: Tensor, height: int, width: int) -> Tensor:
    """Average a result of `fit` over the pixels of a layer of that size; tiles on multiples of STRIDE agree."""
    step = max(1, round(max(blend.shape[-2:]) / max(height, width)))
    return (F.avg_pool2d(blend, step) if step > 1 else blend)[..., :height, :width]
