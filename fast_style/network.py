"""The transformer network of Johnson et al. 2016 with conditional instance normalization."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .options import NetworkOptions

# Tiles start on multiples of this, so that strided convolutions see them as they see the whole.
STRIDE = 4
# The smallest side that the 9x9 reflection padding and the instance norm at a quarter of the size allow.
SMALLEST_PX = 5


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
        mean, variance = statistics(x)
        if blend.shape[-2:] != (1, 1):
            blend = shrink(blend, x.shape[-2], x.shape[-1])
        scale = mix(self.weight, blend) * torch.rsqrt(variance + self.eps)
        shift = mix(self.bias, blend) - mean * scale
        return (x.float() * scale + shift).to(x.dtype)


def mix(rows: Tensor, blend: Tensor) -> Tensor:
    """rows: (styles, C); blend: (N, styles, H, W). Their products' sum over the styles: (N, C, H, W) float32."""
    if blend.shape[-2:] == (1, 1):
        return (blend[:, :, None] * rows.float()[:, :, None, None]).sum(1)  # autocast leaves this in float32
    return F.conv2d(blend, rows.float().T[:, :, None, None]).float()


class ConvNorm(nn.Module):
    """Reflection padding, convolution, instance norm: the unit that every stage but the last is made of."""

    def __init__(self, inputs: int, outputs: int, kernel: int, styles: int, stride: int = 1) -> None:
        super().__init__()
        # A bias would be removed again by the norm's mean.
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect", bias=False)
        self.norm = ConditionalInstanceNorm(outputs, styles)

    def forward(self, x: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """x: (N, inputs, H, W) to (N, outputs, H / stride, W / stride), rounded up."""
        out: Tensor = self.norm(self.conv(x), blend, statistics)
        return out


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around which the input is added; no ReLU after the sum (Gross & Wilber 2016)."""

    def __init__(self, channels: int, styles: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3, styles)
        self.second = ConvNorm(channels, channels, 3, styles)

    def forward(self, x: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """x: (N, C, H, W), and the same out."""
        out: Tensor = x + self.second(F.relu(self.first(x, blend, statistics)), blend, statistics)
        return out


class TransformerNetwork(nn.Module):
    """Image in, stylized image out, in one pass.

    Deviations from Johnson et al.: instance norm for batch norm (Ulyanov et al. 2016), reflection padding in every
    convolution instead of once at the input, nearest-neighbour up-sampling + convolution for transposed convolution
    (Odena et al. 2016), output 0.5 + 0.6 tanh so that black and white are reached where tanh still has a gradient.
    """

    def __init__(self, options: NetworkOptions = NetworkOptions()) -> None:
        super().__init__()
        w, s = options.width, options.styles
        self.options = options
        self.down1 = ConvNorm(3, w, 9, s)
        self.down2 = ConvNorm(w, 2 * w, 3, s, stride=2)
        self.down3 = ConvNorm(2 * w, 4 * w, 3, s, stride=2)
        self.blocks = nn.ModuleList(ResidualBlock(4 * w, s) for _ in range(options.blocks))
        self.up1 = ConvNorm(4 * w, 2 * w, 3, s)
        self.up2 = ConvNorm(2 * w, w, 3, s)
        self.out = nn.Conv2d(w, 3, 9, padding=4, padding_mode="reflect")

    @property
    def reach_px(self) -> int:
        """How far from a pixel the input may lie that changes it, apart from the statistics; a multiple of STRIDE."""
        # Half of each kernel times the stride it works at: 9x9; two 3x3 down; blocks at a quarter; two 3x3 up; 9x9. The
        # nearest-neighbour doublings shift by up to 3 px.
        exact = 4 + 1 + 2 + 2 * 4 * self.options.blocks + 4 + 2 + 4 + 3
        return -(-exact // STRIDE) * STRIDE

    def forward(self, image: Tensor, blend: Tensor | None = None, statistics: Statistics = own_statistics) -> Tensor:
        """image: RGB (N, 3, H, W) in [0, 1], any size from 1x1.

        blend: (N, styles), weights of the styles per image, or (N, styles, H, W), per pixel; None means the first
        style alone. statistics: called once per norm, in order.
        Returns (N, 3, H, W); values leave [0, 1] by up to 0.1 (tanh) and are for the caller to clamp.
        """
        height, width = image.shape[-2:]
        x = pad_to_smallest(image)
        if blend is None:
            blend = F.one_hot(image.new_zeros(len(image), dtype=torch.long), self.options.styles).float()
        blend = blend[:, :, None, None] if blend.ndim == 2 else fit(blend, *x.shape[-2:])
        for part in self.parts():
            x = part(x, blend, statistics)
        return x[..., :height, :width]

    def parts(self) -> list[Callable[..., Tensor]]:
        """The network in parts, one after the other, between which activations are small; arguments as `forward`'s."""
        return [self.encode, *self.blocks, self.decode]

    def encode(self, image: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """(N, 3, H, W), sides SMALLEST_PX or more, to (N, 4w, H/4, W/4), rounded up."""
        x = F.relu(self.down1(image, blend, statistics))  # (N, w, H, W)
        x = F.relu(self.down2(x, blend, statistics))  # (N, 2w, H/2, W/2), rounded up
        return F.relu(self.down3(x, blend, statistics))

    def decode(self, x: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """(N, 4w, H/4, W/4) to (N, 3, H, W), up to 3 px more than came in."""
        x = F.relu(self.up1(double(x), blend, statistics))  # (N, 2w, H/2, W/2)
        x = F.relu(self.up2(double(x), blend, statistics))  # (N, w, H, W)
        x = self.out(x)
        return 0.5 + 0.6 * torch.tanh(x.float()) if self.options.output == "tanh" else x.float()


def fit(blend: Tensor, height: int, width: int) -> Tensor:
    """Weights per pixel (N, styles, H, W), last row and column repeated up to the size that `decode` works at."""
    more = [-(-side // STRIDE) * STRIDE - have for side, have in zip((width, height), blend.shape[:1:-1], strict=True)]
    return F.pad(blend, (0, more[0], 0, more[1]), mode="replicate")


def shrink(blend: Tensor, height: int, width: int) -> Tensor:
    """What `fit` made, averaged over the pixels of a layer of that size; tiles on multiples of STRIDE see the same."""
    step = max(1, round(max(blend.shape[-2:]) / max(height, width)))
    return (F.avg_pool2d(blend, step) if step > 1 else blend)[..., :height, :width]


def double(x: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, 2H, 2W) by repeating each pixel."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def pad_to_smallest(image: Tensor) -> Tensor:
    """Repeats the last row and column until both sides measure SMALLEST_PX."""
    height, width = image.shape[-2:]
    if min(height, width) >= SMALLEST_PX:
        return image
    return F.pad(image, (0, max(0, SMALLEST_PX - width), 0, max(0, SMALLEST_PX - height)), mode="replicate")
