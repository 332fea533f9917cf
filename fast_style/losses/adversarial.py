"""Compute the losses of CycleGAN (Zhu et al. 2017): least-squares adversarial losses and distances of pictures."""

from torch import Tensor
from torch.nn import functional as F


def generator_loss(scores: Tensor) -> Tensor:
    """Compute how far generated pictures are from being taken for real (Mao et al. 2017): mean of (scores - 1)^2.

    scores: what a discriminator says of generated pictures, of any shape. Returns a scalar.
    """
    return (scores - 1).square().mean()


def discriminator_loss(real: Tensor, generated: Tensor) -> Tensor:
    """Compute how badly a discriminator tells pictures apart: half of mean (real - 1)^2 + mean generated^2.

    real, generated: its scores, of any shape. Returns a scalar.
    """
    return 0.5 * ((real - 1).square().mean() + generated.square().mean())


def picture_distance(a: Tensor, b: Tensor) -> Tensor:
    """Compute the mean absolute difference of pictures in the paper's range, [-1, 1]: twice that in [0, 1].

    a, b: (N, 3, H, W) in [0, 1]. Returns a scalar. The weights of the paper hold for this range.
    """
    return 2 * F.l1_loss(a, b)
