"""List the loss terms of a training beside the perceptual ones, in one table.

To add a term, add its row to TERMS and a field `NAME_weight` to `options.LossOptions`: the weight is found by the name,
a term of weight 0 is not computed, and logs, checkpoints and flags follow.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ..options import LossOptions
from .regularizers import (
    BatchMean,
    border,
    checkerboard,
    clipping,
    color_patches,
    lightness,
    periodic_texture,
    spectral_concentration,
    unshared,
)
from .temporal import Motion


class TermInputs(NamedTuple):
    """Hold what terms are computed from; pictures are (N, 3, H, W), outputs not clamped."""

    output: Tensor
    """Outputs of the network; with a motion the second frames, (2N, 3, H, W), follow the first ones."""
    painted: Tensor
    """Outputs for `photo` alone."""
    photo: Tensor
    """Photographs in [0, 1]."""
    target: Tensor
    """Content targets in [0, 1]: the photographs, or what a teacher paints of them."""
    style_statistics: Mapping[str, Tensor]
    """By name of a term, its statistics of each picture's target style, (N, K); empty where a teacher is the style."""
    motion: Motion | None
    """From first to second frames, where there are any."""
    batch_mean: BatchMean = unshared
    """For terms that are no means over pictures, where processes share a batch."""


class Term(NamedTuple):
    """Define a loss term."""

    compute: Callable[[TermInputs], Tensor]
    """Returns the term, unweighted: a float32 scalar."""
    style_statistics: Callable[[Tensor], Tensor] | None = None
    """From a style picture (1, 3, H, W) in [0, 1] to (K,), averaged over a style's pictures, where it needs any."""


def _temporal(inputs: TermInputs) -> Tensor:
    if inputs.motion is None:
        raise ValueError("the temporal term needs pairs of frames")
    return inputs.motion.distance(*inputs.output.chunk(2))


TERMS: dict[str, Term] = {
    "checkerboard": Term(lambda x: checkerboard(x.output, x.batch_mean)),
    "periodic_texture": Term(
        lambda x: periodic_texture(x.painted, x.target, x.style_statistics.get("periodic_texture")),
        style_statistics=lambda picture: spectral_concentration(picture).mean((0, 1)),
    ),
    "color_patches": Term(lambda x: color_patches(x.painted, x.photo).mean()),
    "lightness": Term(lambda x: lightness(x.painted, x.photo).mean()),
    "border": Term(lambda x: border(x.painted, x.photo, x.batch_mean)),
    "clipping": Term(lambda x: clipping(x.output)),
    "temporal": Term(_temporal),
}


def active_terms(options: LossOptions) -> dict[str, float]:
    """Return the weights of the terms that are not 0, by name."""
    return {name: weight for name, weight in options.weights(*TERMS).items() if weight}


def style_statistics(options: LossOptions, pictures: Callable[[], Iterable[Tensor]]) -> dict[str, Tensor]:
    """Average the statistics that active terms need over the pictures of a style, each (1, 3, H, W): {name: (K,)}."""
    needed = {name: TERMS[name].style_statistics for name in active_terms(options)}
    return {
        name: torch.stack([measure(picture) for picture in pictures()]).mean(0)
        for name, measure in needed.items()
        if measure
    }


def add_terms(terms: dict[str, Tensor], options: LossOptions, inputs: TermInputs) -> dict[str, Tensor]:
    """Return the perceptual `terms` with the active terms of TERMS, whose weighted sum is added to `total`."""
    weights = active_terms(options)
    more = {name: TERMS[name].compute(inputs) for name in weights}
    total = torch.stack([terms["total"], *(weight * more[name] for name, weight in weights.items())]).sum()
    return {**terms, **more, "total": total}
