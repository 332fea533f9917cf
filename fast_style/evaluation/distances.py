"""Content and style distance of finished pictures: 8 bit, as a user gets them."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from PIL import Image

from .. import images
from ..losses.perceptual import PerceptualLoss, load_vgg, style_target
from ..options import EvaluationOptions, LossOptions
from ..system.hardware import pick_device

# The same layers for every model, whatever it was trained with, so that figures can be compared.
CONTENT_LAYERS = ("relu3_3", "relu4_1")
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")

Terms = dict[str, float]


class Judge:
    """Measures pictures against one style."""

    def __init__(self, options: EvaluationOptions) -> None:
        losses = LossOptions(
            CONTENT_LAYERS,
            STYLE_LAYERS,
            style_weight=options.style_weight,
            vgg_padding="zeros",
            vgg_weights=options.vgg_weights,
        )
        self.device = pick_device(options.device)
        assert options.style  # checked by those who need a judge
        vgg = load_vgg(losses).to(self.device)
        self.painting = images.resize_short_side(images.read(options.style).rgb, options.style_size)
        target = style_target(vgg, [self.tensor(self.painting)], STYLE_LAYERS)
        self.loss = PerceptualLoss(losses, vgg, [target])

    def tensor(self, image: Image.Image) -> torch.Tensor:
        """An RGB picture on the judge's device: (1, 3, H, W) in [0, 1]."""
        return torch.from_numpy(images.to_array(image)).to(self.device)

    @torch.no_grad()
    def __call__(self, picture: Image.Image, photo: Image.Image) -> Terms:
        """Distances of an RGB picture to its photograph (of one size) and to the style; `total` is the objective."""
        style = torch.zeros(1, dtype=torch.long, device=self.device)
        terms = self.loss(self.tensor(picture), self.tensor(photo), style)
        return {name: float(value) for name, value in terms.items()}

    def mean(self, pairs: Iterable[tuple[Image.Image, Image.Image]]) -> Terms:
        """Mean distances over pairs of picture and photograph."""
        return mean([self(picture, photo) for picture, photo in pairs])


def mean(terms: Sequence[Terms]) -> Terms:
    """Mean of each term."""
    return {name: float(np.mean([t[name] for t in terms])) for name in terms[0]}
