import torch
from torch import nn

from fast_style.models.discriminator import PatchDiscriminator


def test_a_score_sees_a_patch_of_70_px() -> None:
    """Counted by the gradient, without the norms, whose statistics are of the whole picture."""
    discriminator = PatchDiscriminator()
    discriminator.layers = nn.Sequential(
        *(nn.Identity() if isinstance(layer, nn.InstanceNorm2d) else layer for layer in discriminator.layers)
    )
    image = torch.rand(1, 3, 160, 176, requires_grad=True)
    scores = discriminator(image)
    assert scores.shape == (1, 1, 160 // 8 - 2, 176 // 8 - 2)
    scores[0, 0, 9, 10].backward()
    assert image.grad is not None
    seen = image.grad.abs().sum((0, 1)) > 0
    for side in (0, 1):
        places = seen.any(side).nonzero().flatten()
        assert places[-1] - places[0] + 1 == 70


def test_it_learns_to_tell_pictures_apart() -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator()
    optimizer = torch.optim.Adam(discriminator.parameters(), 1e-3)
    stripes = torch.arange(32).remainder(4).div(3).expand(4, 3, 32, 32)
    for _ in range(8):
        real, generated = discriminator(stripes), discriminator(stripes.mT)
        optimizer.zero_grad()
        ((real - 1).square().mean() + generated.square().mean()).backward()
        optimizer.step()
    assert discriminator(stripes).mean() > discriminator(stripes.mT).mean() + 0.3
