"""Pretrain the network that predicts styles: to tell textures and colours apart as VGG19 does.

A few hundred paintings teach little about textures, and each step of the training shows four. VGG19 knows them, and
the network can learn what VGG19 makes of thousands of crops in minutes, before it has to predict anything.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..models.style_predictor import StylePredictor
from ..models.vgg import VGG19

CROPS, STEPS = 768, 1000
"""Crops that are looked at, half of them of paintings and half of photographs, and steps: a quarter of an hour of two
cores."""
BATCH, LEARNING_RATE = 16, 1e-3


def pretrain(
    predictor: StylePredictor,
    vgg: VGG19,
    layers: Sequence[str],
    crops: Iterable[Tensor],
    steps: int = STEPS,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> float:
    """Fit the predictor's features to mean and root mean square of VGG19's channels; return the last error.

    crops: RGB (1, 3, H, W) in [0, 1], all of one size. layers: of VGG19. The error is the mean square in units of
    the variance over the crops, over the last steps: 1 would be a guess.
    """
    shown = list(crops)
    targets = torch.cat([_channel_statistics(vgg, crop, layers) for crop in shown])
    targets = (targets - targets.mean(0)) / (targets.std(0) + 1e-6)
    photos = torch.cat(shown)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = nn.Linear(predictor.hidden.out_features, targets.shape[1]).to(photos.device)
    optimizer = torch.optim.Adam([*predictor.parameters(), *head.parameters()], LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    errors = []
    for step in range(steps):
        chosen = torch.randint(len(photos), (BATCH,), generator=generator)
        batch = photos[chosen]
        batch = batch.flip(3) if step % 2 else batch
        error = F.mse_loss(head(F.relu(predictor.hidden(predictor.features(batch)))), targets[chosen])
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        schedule.step()
        errors.append(error.item())
        progress(step + 1, steps)
    recent = errors[-50:]
    return sum(recent) / max(1, len(recent))


@torch.no_grad()
def _channel_statistics(vgg: VGG19, crop: Tensor, layers: Sequence[str]) -> Tensor:
    """Mean and root mean square of every channel: (1, 2 * channels)."""
    features = vgg(crop, layers)
    return torch.cat(
        [each for k in layers for each in (features[k].mean((2, 3)), features[k].square().mean((2, 3)).sqrt())], 1
    )
