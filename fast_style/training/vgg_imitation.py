"""Train the network that looks at paintings to imitate VGG19's feature maps, before it has to predict any style.

A style loss compares moments of VGG19's maps, so these tell how a painting has to be painted, and a linear map of them
does. Imitated map by map, in thousands of places of each crop, a network learns them from a few hundred pictures;
imitating moments of whole crops it did not (`README.md`).
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ..models.style_predictor import StylePredictor
from ..models.vgg import VGG19
from .optimizers import Muon
from .schedule import warm_cosine

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
"""Of VGG19, in the order of `StylePredictor.imitations`."""
BATCH, CROP_PX = 16, 128
STEPS = 2100
"""Forty minutes of two cores, for paintings of some 640 px: each step decodes eight, and as many photographs."""
LEARNING_RATE, WARM_UP = 2e-3, 0.025
"""Peak, and the share of the steps over which it rises."""
EMA = 0.99
"""Decay per step of the average of the weights."""
MEASURED_BATCHES = 4
"""Batches that tell how much each channel varies."""
SPARSE_LAYERS = 2
"""Layers of which every other row and column is compared, for time: their maps are the largest and the easiest."""


def imitate(
    predictor: StylePredictor,
    vgg: VGG19,
    batches: Iterator[Tensor],
    steps: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> float:
    """Fit the predictor's maps to VGG19's; return the last error.

    vgg: up to relu4_1, in the precision of the training. batches: RGB (N, 3, PX, PX) in [0, 1], without end. The error
    is the mean square in units of the maps' variance, of maps and of their root mean squares over crops, summed, over
    the last 50 steps.
    """
    weights = [*predictor.blocks.parameters(), *predictor.maps.parameters()]
    for weight in weights:
        weight.requires_grad_(True)
        if weight.ndim > 1:
            torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
        else:
            torch.nn.init.zeros_(weight)
    deviations = _deviations([_features(vgg, next(batches)) for _ in range(MEASURED_BATCHES)])
    average = [weight.detach().clone() for weight in weights]
    optimizer = Muon(weights, LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step / steps, WARM_UP))
    recent: list[Tensor] = []
    for step in range(steps):
        batch = next(batches)
        error = _error(predictor, batch, _features(vgg, batch), deviations, step % 2)
        optimizer.zero_grad()
        error.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        decay = min(EMA, (1 + step) / (10 + step))
        torch._foreach_lerp_(average, [weight.detach() for weight in weights], 1 - decay)
        recent = [*recent[-49:], error.detach()]
        progress(step + 1, steps)
    with torch.no_grad():
        for weight, averaged in zip(weights, average, strict=True):
            weight.copy_(averaged)
            weight.grad = None
            weight.requires_grad_(False)
    return float(torch.stack(recent).mean())


@torch.no_grad()
def _features(vgg: VGG19, batch: Tensor) -> list[Tensor]:
    found = vgg(batch, LAYERS)
    return [found[layer] for layer in LAYERS]


def _deviations(features: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Standard deviation of each channel, (1, C, 1, 1) of each layer; rare channels count for less."""
    found = []
    for layer in zip(*features, strict=True):
        deviation = torch.stack([maps.float().var((0, 2, 3)) for maps in layer]).mean(0).sqrt()
        found.append((deviation + 0.05 * deviation.mean()).view(1, -1, 1, 1))
    return found


def _error(
    predictor: StylePredictor, batch: Tensor, targets: Sequence[Tensor], deviations: Sequence[Tensor], phase: int
) -> Tensor:
    """Compare maps place by place, and their root mean squares, which the predictor goes by."""
    dtype = targets[0].dtype
    with torch.autocast(batch.device.type, dtype, enabled=dtype != torch.float32):
        imitations = list(predictor.imitations(batch))
    parts = []
    for i, (imitation, target, deviation) in enumerate(zip(imitations, targets, deviations, strict=True)):
        pair = [imitation, target]
        if i < SPARSE_LAYERS:
            pair = [maps[:, :, phase::2, ::2] for maps in pair]
        found, wanted = (maps.float() / deviation for maps in pair)
        moments = [(maps.square().mean((2, 3)) + 1e-4).sqrt() for maps in (found, wanted)]
        parts.append((found - wanted).square().mean() + (moments[0] - moments[1]).square().mean())
    return torch.stack(parts).mean()
