"""Pretraining of the network that predicts styles."""

import torch

from fast_style.models.style_predictor import StylePredictor
from fast_style.models.vgg import VGG19
from fast_style.training.style_features import pretrain


def test_it_learns_what_vgg_tells_apart() -> None:
    generator = torch.manual_seed(0)
    colors = torch.rand(12, 3, 1, 1, generator=generator)
    crops = [(color + 0.2 * torch.rand(3, 32, 32, generator=generator)).clamp(0, 1)[None] for color in colors]
    vgg = VGG19("relu1_2")
    first = pretrain(StylePredictor(4), vgg, ("relu1_1", "relu1_2"), crops, steps=1)
    done: list[int] = []
    torch.manual_seed(0)
    last = pretrain(
        StylePredictor(4), vgg, ("relu1_1", "relu1_2"), crops, steps=60, progress=lambda step, of: done.append(step)
    )
    assert done == list(range(1, 61))
    assert last < 0.5 * first
