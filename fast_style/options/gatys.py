"""Define the options of the optimization-based reference (Gatys et al.)."""

from dataclasses import dataclass
from typing import Literal

from .checks import check_at_least, check_types


@dataclass(frozen=True)
class GatysOptions:
    """Options of the optimization over the pixels (Gatys et al. 2016), which is slow and needs no training."""

    iterations: int = 300
    """Evaluations of the loss, at each size."""

    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    """L-BFGS needs fewer evaluations; Adam less memory."""

    start: Literal["content", "noise"] = "content"
    """The picture to start from: the photograph itself, or white noise."""

    bounded: bool = False
    """Clip pixels to [0, 1] before each evaluation, without line search, as Johnson et al. did."""

    learning_rate: float = 0.02
    """Step of Adam; L-BFGS finds its own."""

    size: int = 384
    """Short side in px of the result."""

    coarsest: int = 256
    """Largest size to start at: sizes above are reached by doubling, which settles large shapes where that is cheap."""

    seed: int = 0
    """Seed of the noise."""

    device: str = "auto"
    """cpu, cuda, cuda:1, mps or auto."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "iterations", "size", "coarsest")
