"""Training of the network that looks at paintings."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from fast_style.models import style_predictor
from fast_style.models.style_predictor import StylePredictor
from fast_style.models.vgg import VGG19
from fast_style.training.vgg_imitation import LAYERS, WARM_UP_STEPS, imitate, rate


def crops() -> Iterator[Tensor]:
    generator = torch.manual_seed(0)
    while True:
        colors = torch.rand(4, 3, 1, 1, generator=generator)
        yield (colors + 0.3 * torch.rand(4, 3, 16, 16, generator=generator)).clamp(0, 1)


def test_it_learns_the_maps_of_vgg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_predictor, "PREDICTOR_WIDTHS", (8, 8, 16, 16))
    torch.manual_seed(0)
    vgg = VGG19(LAYERS[-1])
    predictor = StylePredictor(4)
    first = imitate(predictor, vgg, crops(), 1)
    done: list[int] = []
    last = imitate(predictor, vgg, crops(), 60, lambda step, of: done.append(step))
    assert done == list(range(1, 61))
    assert last < 0.5 * first
    painting = next(crops())
    for imitation, layer in zip(predictor.imitations(painting), LAYERS, strict=True):
        assert imitation.shape == vgg(painting, [layer])[layer].shape
    trained = {name for name, parameter in predictor.named_parameters() if parameter.requires_grad}
    assert trained == {"head.weight", "head.bias"}


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [rate(step, 1000) for step in range(1000)]
    assert rates.index(max(rates)) == WARM_UP_STEPS - 1
    assert abs(rates[500] - 0.5) < 0.01
    assert rates[-1] < 1e-4
