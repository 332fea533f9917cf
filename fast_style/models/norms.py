"""Conditional instance normalization, and the weights of styles that may vary from pixel to pixel."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Activations are smallest at a quarter of the picture's size; tiles start on multiples of this, so that strided
# convolutions see them as they see the whole.
STRIDE = 4

# From a layer's activations (N, C, H, W) to the mean and variance, (N, C, 1, 1) float32 each, that they are normalized
# with: their own, or, in a tile of a larger picture, those of the whole.
Statistics = Callable[[Tensor], tuple[Tensor, Tensor]]


def own_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel of each image: (N, C, H, W) to (N, C, 1, 1) float32, twice."""
    variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
    return mean, variance


class ConditionalInstanceNorm(nn.Module):
    """Instance norm with one scale and shift per style (Dumoulin et al. 2017); statistics in float32.

    With one style this is the affine instance norm of Ulyanov et al. 2016.
    """

    def __init__(self, channels: int, styles: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(styles, channels))
        self.bias = nn.Parameter(torch.zeros(styles, channels))
        self.eps = eps

    def forward(self, x: Tensor, blend: Tensor, statistics: Statistics = own_statistics) -> Tensor:
        """x: (N, C, H, W); blend: (N, styles, 1, 1), or as `fit` makes it: weights of the styles per pixel.

        Returns x's shape and type.
        """
        if statistics is own_statistics and blend.shape[-2:] == (1, 1) and x[0, 0].numel() > 1:
            return _normalized(x, mix(self.weight, blend), mix(self.bias, blend), self.eps)
        mean, variance = statistics(x)
        if blend.shape[-2:] != (1, 1):
            blend = shrink(blend, x.shape[-2], x.shape[-1])
        scale = mix(self.weight, blend) * torch.rsqrt(variance + self.eps)
        shift = mix(self.bias, blend) - mean * scale
        return (x.float() * scale + shift).to(x.dtype)


def _normalized(x: Tensor, scale: Tensor, shift: Tensor, eps: float) -> Tensor:
    """Instance norm by the operator of batch norm, for which each image is a batch: ten times as quick on a CPU.

    x: (N, C, H, W); scale, shift: (N or 1, C, 1, 1) float32. Statistics are float32 whatever x is.
    """
    n, c, h, w = x.shape
    weight, bias = (row.expand(n, c, 1, 1).reshape(n, c) for row in (scale, shift))
    if x.is_contiguous() or x.is_cuda:  # each channel of each image is one of a single image: one call for all
        out = F.batch_norm(x.reshape(1, n * c, h, w), None, None, weight.flatten(), bias.flatten(), True, eps=eps)
        like = torch.contiguous_format if x.is_contiguous() else torch.channels_last
        return out.view(n, c, h, w).contiguous(memory_format=like)
    each = zip(x.split(1), weight, bias, strict=True)
    return torch.cat([F.batch_norm(image, None, None, scale, shift, True, eps=eps) for image, scale, shift in each])


def mix(rows: Tensor, blend: Tensor) -> Tensor:
    """rows: (styles, C); blend: (N, styles, H, W). Their products' sum over the styles: (N, C, H, W) float32."""
    if blend.shape[-2:] == (1, 1):
        return (blend[:, :, None] * rows.float()[:, :, None, None]).sum(1)  # autocast leaves this in float32
    return F.conv2d(blend, rows.float().T[:, :, None, None]).float()


def fit(blend: Tensor, height: int, width: int) -> Tensor:
    """Weights per pixel (N, styles, H, W), last row and column repeated up to the size that `decode` works at."""
    more = [-(-side // STRIDE) * STRIDE - have for side, have in zip((width, height), blend.shape[:1:-1], strict=True)]
    return F.pad(blend, (0, more[0], 0, more[1]), mode="replicate")


def shrink(blend: Tensor, height: int, width: int) -> Tensor:
    """What `fit` made, averaged over the pixels of a layer of that size; tiles on multiples of STRIDE see the same."""
    step = max(1, round(max(blend.shape[-2:]) / max(height, width)))
    return (F.avg_pool2d(blend, step) if step > 1 else blend)[..., :height, :width]
