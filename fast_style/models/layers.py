"""Define the building blocks of the networks: convolution with norm, residual block, doubling, padding."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import WindowAttention
from .norms import ConditionalInstanceNorm, Statistics
from .structure import SMALLEST_PX


class ConvNorm(nn.Module):
    """Apply reflection padding, a convolution and the norm: the unit of every stage but the last."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, styles: int, stride: int = 1, padding: int | None = None
    ) -> None:
        """Build the unit; padding is half the kernel by default."""
        super().__init__()
        pad = kernel // 2 if padding is None else padding
        # A bias would be removed again by the norm's mean.
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, pad, bias=False, padding_mode="reflect" if pad else "zeros"
        )
        self.norm = ConditionalInstanceNorm(outputs, styles)

    def forward(self, x: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride), rounded up."""
        out: Tensor = self.norm(self.conv(x), blend, statistics)
        return out


class ResidualBlock(nn.Module):
    """Add two 3x3 convolutions to the input, without ReLU after the sum (Gross & Wilber 2016)."""

    def __init__(self, channels: int, styles: int, attention: WindowAttention | None = None) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3, styles)
        self.second = ConvNorm(channels, channels, 3, styles)
        self.attention = attention

    def forward(self, x: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        out: Tensor = x + self.second(F.relu(self.first(x, blend, statistics)), blend, statistics)
        return out if self.attention is None else out + self.attention(x)


def double(x: Tensor) -> Tensor:
    """Up-sample (N, C, H, W) to (N, C, 2H, 2W) by repeating each pixel (nearest neighbour)."""
    if x.requires_grad and torch.compiler.is_dynamo_compiling():
        # Inductor makes additions one by one, in memory, of the gradient of torch's own up-sampling; of this, sums.
        n, c, height, width = x.shape
        return x[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2).reshape(n, c, 2 * height, 2 * width)
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def pad_to_smallest(image: Tensor) -> Tensor:
    """Repeat the last row and column until both sides measure SMALLEST_PX."""
    height, width = image.shape[-2:]
    if min(height, width) >= SMALLEST_PX:
        return image
    return F.pad(image, (0, max(0, SMALLEST_PX - width), 0, max(0, SMALLEST_PX - height)), mode="replicate")
