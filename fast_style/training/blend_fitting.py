"""Fit a network's style rows to paintings one by one, and the linear map that predicts their weights from paintings.

The rows are a basis whose directions differ in effect by five orders of magnitude. Training a network to predict the
weights by gradients alone, all paintings at once, hardly moves most of them; fitted for one painting at a time, with
gradients scaled by what is usual in each direction, they come near to a training of that painting in some twenty steps.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

SWEEPS = 20
"""Steps for each painting."""
BATCH = 8
STEP_SIZE = 0.02
"""Root mean square of a step's elements at first, with a momentum that has settled; in units of the weights."""
MOMENTUM = 0.7
DAMPING = 0.05
"""Added to the eigenvalues of the metric, in units of their mean."""
RIDGE = 0.1
"""Penalty of the regression, in units of the mean square of the centred features."""
FEATURES_NORM = 0.1
"""Root mean square of the Euclidean norm of a painting's scaled features: with it a step of Adam at the usual learning
rates of a training changes a blend by a twentieth of its size, not by half of it.
"""

Loss = Callable[[Tensor, Tensor], Tensor]
"""Takes blends (N, rows) and numbers of paintings (N,); returns the mean loss."""


def fit(
    loss: Loss,
    blends: Tensor,
    sweeps: int,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Tensor, Tensor]:
    """Fit the blend of each painting; a first pass over them only measures their gradients.

    blends: where to start, (paintings, rows). Returns the fitted ones, and the basis, (rows, rows) float64 on the CPU,
    in which gradients are more alike in size: see `whitened`.
    """
    generator = torch.Generator().manual_seed(seed)
    blends, momenta = blends.detach().clone(), torch.zeros_like(blends)
    metric = torch.zeros(blends.shape[1], blends.shape[1], dtype=torch.float64)
    basis, whitening = metric, None
    for sweep in range(sweeps + 1):
        size = STEP_SIZE * (0.55 + 0.5 * math.cos(math.pi * sweep / sweeps))
        for chosen in torch.randperm(len(blends), generator=generator).to(blends.device).split(BATCH):
            of_these = blends[chosen].requires_grad_(True)
            (gradients,) = torch.autograd.grad(loss(of_these, chosen) * len(chosen), of_these)
            if whitening is None:
                own = gradients.cpu().double()
                metric += own.mT @ own / len(blends)
                continue
            scaled = gradients @ whitening
            scaled *= scaled.shape[1] ** 0.5 / scaled.norm(dim=1, keepdim=True).clamp_min(1e-12)
            momenta[chosen] = momenta[chosen].lerp(scaled, 1 - MOMENTUM)
            blends[chosen] -= size * momenta[chosen]
        if whitening is None:
            basis = whitened(metric)
            whitening = basis.to(blends)
        progress(sweep + 1, sweeps + 1)
    return blends, basis


def whitened(metric: Tensor) -> Tensor:
    """Return the symmetric basis in which gradients are alike in size in all directions, but for DAMPING.

    metric: mean outer product of gradients by blends, (rows, rows). A blend in the basis times the basis is the blend
    in the rows as they are.
    """
    values, vectors = torch.linalg.eigh(metric)
    values = values.clamp_min(0) + DAMPING * values.mean()
    scales = values.rsqrt() * values.mean().sqrt()
    return vectors * scales @ vectors.mT


def regress(features: Tensor, blends: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Find the linear map from features (N, F) to blends (N, rows) by ridge regression.

    Returns center and scale (F,), weight (rows, F) and bias (rows,) of the map: the features less their center, times
    the scale, times the weight, and the bias. All are float64 on the CPU: other devices lack it.
    """
    features, blends = features.cpu().double(), blends.cpu().double()
    center, deviation = features.mean(0), features.std(0, correction=0)
    # A channel that no painting has shown yet must not decide everything once one does.
    scale = FEATURES_NORM / ((deviation + 0.05 * deviation.mean()) * features.shape[1] ** 0.5)
    x, bias = (features - center) * scale, blends.mean(0)
    products = x @ x.mT
    ridge = RIDGE * products.diagonal().mean() * torch.eye(len(x), dtype=x.dtype)
    weight = x.mT @ torch.linalg.solve(products + ridge, blends - bias)
    return center, scale, weight.mT, bias
