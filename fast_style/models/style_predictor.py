"""Define the network that predicts, from a painting, the blend of a transformer's style rows that paints like it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .structure import PREDICTOR_CHANNELS, PREDICTOR_HIDDEN
from .vgg_layers import MEAN, STD


class StylePredictor(nn.Module):
    """Map paintings to weights of the transformer's style rows (Ghiasi et al. 2017).

    The rows are a basis of the scales and shifts of all norms, their weights the embedding of a painting. As a blend
    of styles has the same form, whatever paints blends paints any painting. Where Ghiasi et al. average the last
    features of Inception-v3, this takes mean and standard deviation of each channel at every size, as style losses do
    (Huang & Belongie 2017), of a convolutional network small enough to run beside the transformer.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, rows: int) -> None:
        """rows: style rows of the transformer."""
        super().__init__()
        sides = zip((3, *PREDICTOR_CHANNELS), PREDICTOR_CHANNELS, strict=False)
        self.convs = nn.ModuleList(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1) for inputs, outputs in sides)
        self.hidden = nn.Linear(2 * sum(PREDICTOR_CHANNELS), PREDICTOR_HIDDEN)
        self.head = nn.Linear(PREDICTOR_HIDDEN, rows)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, painting: Tensor) -> Tensor:
        """Predict blends from RGB paintings (N, 3, H, W) in [0, 1], short side PREDICTOR_PX: (N, rows) float32."""
        out: Tensor = self.head(F.relu(self.hidden(self.features(painting))))
        return out

    def features(self, painting: Tensor) -> Tensor:
        """Return mean and standard deviation of each channel at every size, (N, 2 * channels of all sizes)."""
        x, found = (painting - self.mean) / self.std, []
        for conv in self.convs:
            x = F.relu(conv(x))
            mean = x.mean((2, 3))
            found += [mean, ((x - mean[..., None, None]).square().mean((2, 3)) + 1e-6).sqrt()]
        return torch.cat(found, 1)
