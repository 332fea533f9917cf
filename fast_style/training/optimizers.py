"""Define the optimizers: Adam, and Muon for kernels, which takes a third of Adam's steps to the same loss."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from ..system.hardware import pick_dtype

MOMENTUM = 0.95
BETAS = (0.9, 0.99)
EPS = 1e-8
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration of Jordan et al.: singular values end between 0.7 and 1.2 after five rounds."""
NEWTON_SCHULZ_ROUNDS = 5
ADAM_RMS = 0.2
"""Scale that brings an update's root mean square to Adam's (Liu et al. 2025), so that both share one learning rate."""


class Muon(Optimizer):
    """Update kernels between feature maps by orthogonalized momentum (Jordan et al. 2024), all else by Adam.

    A convolution's kernel is the matrix (outputs, inputs times taps). Parameters of norms, biases and the kernels that
    read or write RGB take Adam's step (Kingma & Ba 2015) with the same learning rate.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update the parameters from their gradients; `closure` is not supported."""
        for group in self.param_groups:
            updated = [parameter for parameter in group["params"] if parameter.grad is not None]
            for shape in {tuple(p.shape) for p in updated if _is_matrix(p)}:
                _muon([p for p in updated if p.shape == shape], self.state, group["lr"])
            _adam([p for p in updated if not _is_matrix(p)], self.state, group["lr"])


def orthogonalize(matrix: Tensor) -> Tensor:
    """Approximate the nearest matrices with singular values of 1, (..., rows, columns), by matrix products.

    matrix: any float type; returns float32. The products are in bf16 where that is fast: processors without bf16
    instructions take 15 times as long for it as in float32, a fifth of a training step.
    """
    a, b, c = NEWTON_SCHULZ
    wide = matrix.shape[-2] <= matrix.shape[-1]
    x = (matrix if wide else matrix.mT).to(pick_dtype("auto", matrix.device))
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(NEWTON_SCHULZ_ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide else x.mT).float()


def _is_matrix(parameter: Tensor) -> bool:
    return parameter.ndim == 4 and min(parameter.shape[:2]) > 3


def _muon(parameters: list[Tensor], states: dict[Tensor, dict[str, Any]], lr: float) -> None:
    """Update kernels of one shape together: on a GPU launching each alone takes longer than computing it."""
    momenta = [states[p].setdefault("momentum", torch.zeros_like(p)) for p in parameters]
    gradients = [p.grad for p in parameters if p.grad is not None]
    torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
    ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)  # Nesterov's look ahead
    matrices = torch.stack([gradient.flatten(1) for gradient in ahead])
    scale = ADAM_RMS * max(matrices.shape[1:]) ** 0.5
    updates = orthogonalize(matrices).view(len(parameters), *parameters[0].shape)
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
    steps = [float(states[p]["step"]) for p in parameters]  # on the CPU, which does not wait for the device
    mean = torch._foreach_div(means, [1 - BETAS[0] ** step for step in steps])
    root = torch._foreach_sqrt(torch._foreach_div(squares, [1 - BETAS[1] ** step for step in steps]))
    torch._foreach_add_(root, EPS)
    torch._foreach_addcdiv_(parameters, mean, root, value=-lr)


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"muon": Muon, "adam": torch.optim.Adam}
