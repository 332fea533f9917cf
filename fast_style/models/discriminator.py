"""Define the PatchGAN discriminator of Isola et al. 2017, as CycleGAN (Zhu et al. 2017) uses it."""

from torch import Tensor, nn

CHANNELS = (64, 128, 256, 512)
"""Of the convolutions before the last one: the first three halve the picture."""
KERNEL_PX = 4
SLOPE = 0.2
"""Of the leaky ReLUs below 0."""
INITIAL_DEVIATION = 0.02
"""Standard deviation of the initial kernels."""


class PatchDiscriminator(nn.Module):
    """Score every patch of 70x70 px of a picture: near 1 for real pictures, near 0 for generated ones."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, channels in enumerate(CHANNELS):
            stride = 2 if i < len(CHANNELS) - 1 else 1
            layers.append(nn.Conv2d(CHANNELS[i - 1] if i else 3, channels, KERNEL_PX, stride, padding=1))
            if i:  # the first layer sees colours as they are
                layers.append(nn.InstanceNorm2d(channels))
            layers.append(nn.LeakyReLU(SLOPE))
        self.layers = nn.Sequential(*layers, nn.Conv2d(CHANNELS[-1], 1, KERNEL_PX, padding=1))
        for module in self.layers:
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.normal_(module.weight, 0, INITIAL_DEVIATION)
                nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> Tensor:
        """Map RGB images (N, 3, H, W), about [0, 1] and sides of 24 px or more, to scores (N, 1, H/8 - 2, W/8 - 2)."""
        scores: Tensor = self.layers(2 * image - 1)
        return scores.float()
