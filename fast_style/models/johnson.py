"""Define the transformer network of Johnson et al. 2016 with conditional instance normalization."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ..options import NetworkOptions
from . import structure
from .attention import WindowAttention
from .layers import ConvNorm, ResidualBlock, double, pad_to_smallest
from .norms import Statistics, StyleNorm, fit, own_statistics
from .style_predictor import StylePredictor


class TransformerNetwork(nn.Module):
    """Stylize an image in one forward pass.

    Deviations from Johnson et al.: instance norm for batch norm (Ulyanov et al. 2016), reflection padding in every
    convolution instead of once at the input, nearest-neighbour up-sampling + convolution for transposed convolution
    (Odena et al. 2016), output 0.5 + 0.6 tanh so that black and white are reached where tanh still has a gradient.
    """

    def __init__(self, options: NetworkOptions = NetworkOptions()) -> None:
        super().__init__()
        w, s = options.width, options.styles
        self.options = options
        self._make_encoder(w, s)
        attention = [
            WindowAttention(4 * w, shifted=i % 2 == 1) if options.attention else None for i in range(options.blocks)
        ]
        self.blocks = nn.ModuleList(ResidualBlock(4 * w, s, layer) for layer in attention)
        self._make_decoder(w, s)
        self.predictor = StylePredictor(s) if options.predictor else None

    def _make_encoder(self, w: int, s: int) -> None:
        self.down1 = ConvNorm(3, w, 9, s)
        self.down2 = ConvNorm(w, 2 * w, 3, s, stride=2)
        self.down3 = ConvNorm(2 * w, 4 * w, 3, s, stride=2)

    def _make_decoder(self, w: int, s: int) -> None:
        self.up1 = ConvNorm(4 * w, 2 * w, 3, s)
        self.up2 = ConvNorm(2 * w, w, 3, s)
        self.out = nn.Conv2d(w, 3, 9, padding=4, padding_mode="reflect")

    @property
    def stride(self) -> int:
        """Return the px of which tiles must start on a multiple, to be in phase with strides and attention windows."""
        return structure.stride(self.options)

    @property
    def reach_px(self) -> int:
        """Return the radius of the receptive field in px, a multiple of `stride`; norm statistics are not counted."""
        return structure.reach_px(self.options)

    def forward(self, image: Tensor, blend: Tensor | None = None, statistics: Statistics = own_statistics) -> Tensor:
        """Stylize RGB images (N, 3, H, W) in [0, 1] of any size from 1x1.

        blend: (N, styles), weights of the styles per image, or (N, styles, H, W), per pixel; None means the first
        style alone. statistics: called once per norm, in the order of `norms`.
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
        """Return the stages to run one after the other, between which activations are small; arguments as `forward`'s.

        Tiled inference runs a stage over all tiles before the next, to measure exact statistics.
        """
        return [self.encode, *self.blocks, self.decode]

    def norms(self) -> dict[str, StyleNorm]:
        """Return the norm layers by name, in the order in which `forward` runs them."""
        return {name: module for name, module in self.named_modules() if isinstance(module, StyleNorm)}

    def style_parameters(self) -> list[str]:
        """Return the names of the parameters that hold one row per style: those of the norm layers."""
        return [f"{name}.{kind}" for name, norm in self.norms().items() for kind, _ in norm.named_parameters()]

    def style_gram(self) -> NDArray[np.floating]:
        """Compute the inner products of the styles' affine rows, (styles, styles) float64; slerp follows their angles.

        A row holds every parameter of every norm that belongs to a style.
        """
        return structure.style_gram(self.get_parameter(name).detach().cpu().numpy() for name in self.style_parameters())

    def encode(self, image: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """Map images (N, 3, H, W), sides SMALLEST_PX or more, to features (N, 4w, H/4, W/4), rounded up."""
        x = F.relu(self.down1(image, blend, statistics))  # (N, w, H, W)
        x = F.relu(self.down2(x, blend, statistics))  # (N, 2w, H/2, W/2), rounded up
        return F.relu(self.down3(x, blend, statistics))

    def decode(self, x: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """Map features (N, 4w, H/4, W/4) to images (N, 3, H, W), up to 3 px larger than the encoded ones."""
        x = F.relu(self.up1(double(x), blend, statistics))  # (N, 2w, H/2, W/2)
        x = F.relu(self.up2(double(x), blend, statistics))  # (N, w, H, W)
        return self.to_rgb(self.out(x))

    def to_rgb(self, x: Tensor) -> Tensor:
        """Apply the last activation, in float32."""
        return 0.5 + 0.6 * torch.tanh(x.float()) if self.options.output == "tanh" else x.float()
