"""Training of the network that looks at paintings."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from fast_style.models import style_predictor
from fast_style.models.style_predictor import StylePredictor
from fast_style.models.vgg import VGG19
from fast_style.training import vgg_imitation
from fast_style.training.optimizers import Muon
from fast_style.training.vgg_imitation import LAYERS, imitate


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


def test_the_learning_rate_rises_and_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_predictor, "PREDICTOR_WIDTHS", (2, 2, 2, 2))
    rates: list[float] = []

    class Recorded(Muon):
        def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
            rates.append(self.param_groups[0]["lr"])
            super().step(closure)

    monkeypatch.setattr(vgg_imitation, "Muon", Recorded)
    imitate(StylePredictor(2), VGG19(LAYERS[-1]), crops(), 41)
    peak = vgg_imitation.LEARNING_RATE
    assert rates[0] < 0.5 * peak and max(rates) > 0.99 * peak
    assert abs(rates[21] - 0.5 * peak) < 0.05 * peak
    assert rates[-1] < 0.02 * peak
