import time

import pytest
import torch
from torch import nn

from fast_style.training.optimizers import NEWTON_SCHULZ_ROUNDS, Muon, orthogonalize


@pytest.mark.parametrize("shape", [(16, 144), (144, 16), (32, 32)])
def test_a_direction_becomes_orthogonal(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalize(torch.randn(shape)))
    assert values.min() > 0.5
    assert values.max() < 1.4


def test_kernels_move_by_the_learning_rate_whatever_the_gradient() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(8, 16, 3, bias=False)
    before = conv.weight.detach().clone()
    optimizer = Muon(conv.parameters(), lr=0.01)
    conv.weight.grad = 1e-6 * torch.randn_like(conv.weight)
    optimizer.step()
    assert (conv.weight - before).square().mean().sqrt().item() == pytest.approx(0.2 * 0.01, rel=0.2)


def test_what_is_no_kernel_between_features_takes_adams_step() -> None:
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(3, 8, 5, 5)), nn.Parameter(torch.randn(2, 8))]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    mine, reference = Muon(ours, lr=0.01), torch.optim.Adam(theirs, lr=0.01, betas=(0.9, 0.99))
    for _ in range(4):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        mine.step()
        reference.step()
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_it_goes_on_from_its_saved_state() -> None:
    torch.manual_seed(0)
    gradients = [torch.randn(8, 8, 3, 3) for _ in range(4)]

    def run(optimizer: Muon, weight: nn.Parameter, part: list[torch.Tensor]) -> None:
        for gradient in part:
            weight.grad = gradient.clone()
            optimizer.step()

    straight, halved = (nn.Parameter(torch.ones(8, 8, 3, 3)) for _ in range(2))
    run(Muon([straight], lr=0.1), straight, gradients)
    first = Muon([halved], lr=0.1)
    run(first, halved, gradients[:2])
    second = Muon([halved], lr=0.1)
    second.load_state_dict(first.state_dict())
    run(second, halved, gradients[2:])
    assert torch.equal(straight, halved)


def test_kernels_of_one_shape_move_together_as_each_would_alone() -> None:
    torch.manual_seed(0)
    shapes = [(8, 8, 3, 3), (16, 8, 3, 3), (8, 8, 3, 3), (8, 8, 3, 3)]
    together = [nn.Parameter(torch.randn(shape)) for shape in shapes]
    alone = [nn.Parameter(p.detach().clone()) for p in together]
    optimizers = [Muon(together, lr=0.1), *(Muon([p], lr=0.1) for p in alone)]
    for _ in range(3):
        for a, b in zip(together, alone, strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a, b, atol=2e-3, rtol=0)  # products in bf16


def test_orthogonalizing_takes_bf16_only_where_processors_have_it() -> None:
    """Emulated bf16 products took a fifth of a training step."""
    matrix = torch.randn(10, 128, 576)

    def seconds() -> float:
        start = time.perf_counter()
        orthogonalize(matrix)
        return time.perf_counter() - start

    def float32_seconds() -> float:
        start = time.perf_counter()
        for _ in range(NEWTON_SCHULZ_ROUNDS):
            (matrix @ matrix.mT) @ matrix
            matrix @ matrix.mT @ matrix
        return time.perf_counter() - start

    ratios = [seconds() / float32_seconds() for _ in range(5)]
    assert sorted(ratios)[2] < 5
