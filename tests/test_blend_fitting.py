"""Fits of the weights of style rows, and the map that predicts them."""

import torch
from torch import Tensor

from fast_style.training.blend_fitting import fit, regress, whitened

ROWS, PAINTINGS = 6, 40


def uneven() -> Tensor:
    """Directions whose squared effects differ by four orders of magnitude."""
    generator = torch.Generator().manual_seed(0)
    turned = torch.linalg.qr(torch.randn(ROWS, ROWS, generator=generator))[0]
    return torch.diag(torch.logspace(-1, 1, ROWS)) @ turned


def test_directions_of_little_effect_are_fitted_too() -> None:
    wanted = 0.1 * torch.randn(PAINTINGS, ROWS, generator=torch.Generator().manual_seed(1))
    effect = uneven()

    def loss(blends: Tensor, chosen: Tensor) -> Tensor:
        return ((blends - wanted[chosen]) @ effect.T).square().sum(1).mean()

    def error(blends: Tensor) -> float:
        return float((blends - wanted).square().mean() / wanted.square().mean())

    start, sweeps = torch.zeros(PAINTINGS, ROWS), 30
    plain = start.clone().requires_grad_()
    rate = 0.9 * PAINTINGS / (2 * torch.linalg.eigvalsh(effect.T @ effect).max())  # twice that diverges
    for _ in range(sweeps):
        (gradient,) = torch.autograd.grad(loss(plain, torch.arange(PAINTINGS)), plain)
        plain.data -= rate * gradient
    assert error(fit(loss, start, sweeps)[0]) < 0.5 * error(plain.detach())


def test_in_the_new_basis_all_directions_count_alike() -> None:
    effect = uneven().double()
    metric = effect.T @ effect
    basis = whitened(metric)
    values = torch.linalg.eigvalsh(basis @ metric @ basis)
    before = torch.linalg.eigvalsh(metric)
    assert values.max() / values.mean() < 0.5 * before.max() / before.mean()
    torch.testing.assert_close(basis, basis.mT)


def test_a_linear_dependence_is_found() -> None:
    generator = torch.Generator().manual_seed(2)
    features = torch.randn(200, 5, generator=generator) * torch.tensor([1.0, 10, 100, 0.1, 1]) + 3
    truth = torch.randn(5, ROWS, generator=generator) / features.std(0)[:, None]
    blends = features @ truth + 0.7
    center, scale, weight, bias = regress(features, blends)
    found = ((features - center) * scale) @ weight.mT + bias
    assert (found - blends).square().mean() < 0.2 * (blends - blends.mean(0)).square().mean()


def test_a_channel_that_was_never_seen_does_not_decide() -> None:
    features = torch.randn(50, 5, generator=torch.Generator().manual_seed(3))
    features[:, 2] = 0
    center, scale, weight, bias = regress(features, features[:, :2])
    unseen = features[:1].clone()
    unseen[0, 2] = 0.5
    assert abs(((unseen - center) * scale)[0, 2]) < 1
    found = [((each - center) * scale) @ weight.mT + bias for each in (features[:1], unseen)]
    torch.testing.assert_close(*found)
