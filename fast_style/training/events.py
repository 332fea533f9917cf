"""What the loop tells the outside: one event a step, to any number of listeners (bar, TensorBoard, preview)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor


@dataclass(frozen=True)
class Event:
    """State of the training after a step."""

    kind: Literal["start", "compiling", "step", "preview", "end"]
    step: int
    """Steps done; of kind `step`, the step that `terms` are of."""
    progress: float
    """Share of the budget done, 0 to 1."""
    seconds_left: float
    """Estimate; 0 at the end."""
    images_per_s: float
    """Crops per second, mean over this run."""
    learning_rate: float = 0.0
    terms: Mapping[str, float] | None = None
    """Loss terms by name, unweighted, and `total`."""
    previews: tuple[Tensor, Tensor] | None = None
    """Photographs and their stylized versions, each (N, 3, H, W) in [0, 1] on the CPU; of kind `preview` only."""
    bad_files: tuple[str, ...] = ()
    """Files that could not be read so far."""


Listener = Callable[[Event], None]
