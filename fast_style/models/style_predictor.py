"""Define the network that predicts, from a painting, the blend of a transformer's style rows that paints like it."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .structure import PREDICTOR_CONVS, PREDICTOR_WIDTHS
from .vgg_layers import CHANNELS, MEAN, STD


class StylePredictor(nn.Module):
    """Map paintings to weights of the transformer's style rows (Ghiasi et al. 2017).

    The rows are a basis of the scales and shifts of all norms, their weights the embedding of a painting. As a blend
    of styles has the same form, whatever paints blends paints any painting. Where Ghiasi et al. average the last
    features of Inception-v3, this takes the root mean square of each channel of VGG19's relu1_1, relu2_1, relu3_1 and
    relu4_1, the roots of the diagonals of the style loss's Gram matrices. They are those of maps that imitate VGG19's:
    a network with half the channels is trained to (`training/vgg_imitation.py`). From there a linear map suffices.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, rows: int) -> None:
        """rows: style rows of the transformer."""
        super().__init__()
        inputs, self.blocks = 3, nn.ModuleList()
        for width, count in zip(PREDICTOR_WIDTHS, PREDICTOR_CONVS, strict=True):
            sides = [inputs, *[width] * count]
            self.blocks.append(nn.ModuleList(nn.Conv2d(sides[i], width, 3, padding=1) for i in range(count)))
            inputs = width
        self.maps = nn.ModuleList(nn.Conv2d(*sides, 1) for sides in zip(PREDICTOR_WIDTHS, CHANNELS, strict=False))
        features = sum(conv.out_channels for conv in self.maps if isinstance(conv, nn.Conv2d))
        # What imitates VGG19 learns from VGG19 alone, and is parameters all the same, as center and scale are: these
        # are what a training averages and saves.
        self.requires_grad_(False)
        self.center = nn.Parameter(torch.zeros(features), requires_grad=False)
        """Mean of each channel's root mean square over crops of paintings."""
        self.scale = nn.Parameter(torch.full((features,), features**-0.5), requires_grad=False)
        """What makes the features alike in size (`training/blend_fitting.py`)."""
        self.head = nn.Linear(features, rows)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, painting: Tensor) -> Tensor:
        """Predict blends from RGB paintings (N, 3, H, W) in [0, 1], short side PREDICTOR_PX: (N, rows) float32."""
        return self.blend(self.features(painting))

    def blend(self, features: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """Predict blends from what `features` returned, (N, rows) float32; by another weight and bias if given."""
        weight = self.head.weight if weight is None else weight
        bias = self.head.bias if bias is None else bias
        return F.linear((features - self.center) * self.scale, weight, bias)

    def features(self, painting: Tensor) -> Tensor:
        """Return the root mean square of each channel of `imitations`, (N, channels of all sizes) float32."""
        moments = (found.float().square().mean((2, 3)) for found in self.imitations(painting))
        return torch.cat([each.sqrt() for each in moments], 1)

    def imitations(self, painting: Tensor) -> Iterator[Tensor]:
        """Yield maps like VGG19's relu1_1, relu2_1, relu3_1 and relu4_1.

        painting: RGB (N, 3, H, W) in [0, 1], 8x8 px or larger. The maps are (N, C, H / 2^i, W / 2^i), rounded down, i
        from 0 to 3; one at a time is in memory where no gradients are asked for.
        """
        x = (painting - self.mean) / self.std
        for i, (block, last) in enumerate(zip(self.blocks, self.maps, strict=True)):
            x = F.max_pool2d(x, 2) if i else x
            assert isinstance(block, nn.ModuleList)  # what `__init__` made
            for conv in block:
                x = F.relu(conv(x))
                if conv is block[0]:
                    yield F.relu(last(x))
