"""Define what the trainer asks of an objective, whatever networks are trained against."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..data.photos import CropStream
from ..models.checkpoint import Checkpoint
from ..options import TrainOptions
from ..system.distributed import Group
from ..system.hardware import pick_device, pick_dtype
from .optimizers import OPTIMIZERS


class BaseObjective(ABC):
    """Hold the networks being trained, on the chosen device, and compute the loss of a step."""

    network: nn.Module
    """Everything that is trained, and what it remembers beside its weights."""
    pictures_per_sample: int
    """Pictures that make a sample of the `stream`."""

    def __init__(self, options: TrainOptions, group: Group | None = None) -> None:
        """Choose device, precision, compilation. group: the processes that share each batch; by default this alone."""
        self.options, self.group = options, group or Group(options.device)
        self.device = pick_device(self.group.device)
        self.dtype = pick_dtype(options.precision, self.device)
        self.compiles = options.compile == "on" or (options.compile == "auto" and self.device.type == "cuda")
        if self.device.type == "cuda":
            # Shapes stay the same for thousands of steps; what is fastest may be another algorithm each time.
            torch.backends.cudnn.benchmark = not options.deterministic
            if self.dtype != torch.float32:  # what is left in float32, spectra of pictures, need not be more exact
                torch.set_float32_matmul_precision("high")

    @abstractmethod
    def __call__(
        self, pictures: Sequence[Tensor], style: Tensor, sample: int = 0, count: int | None = None
    ) -> dict[str, Tensor]:
        """Compute the loss terms of a batch, or of this process's share of one, with gradients for the network.

        pictures: (N, 3, H, W) each, on the device, as the `stream` yields them. style: (N,) int64, numbers of the
        styles being trained. sample: number of the batch's first sample, which seeds what is random. count: pictures in
        the batch of all processes, by default N. Returns float32 scalars by name; `total` is to be minimized.
        """

    @abstractmethod
    def stream(self, photos: Sequence[Path], share: Callable[[int], range]) -> CropStream:
        """Return the stream of batches. photos: files. share: this process's positions in a batch of a size."""

    @abstractmethod
    def checkpoints(self, average: Mapping[str, Tensor], training: Mapping[str, Any]) -> list[Checkpoint]:
        """Return the networks to save, the one that paints first. average: weights; training: metadata."""

    @abstractmethod
    def preview(self, photos: Tensor, average: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return rows of pictures that show the progress, photographs first: (N, 3, PX, PX) in [0, 1] on the CPU."""

    @property
    def style_count(self) -> int:
        """Return how many styles are being trained."""
        return 1

    def advance(self, step: int) -> None:  # noqa: B027  # most have nothing of the kind
        """Renew what changes with the step beside the weights."""

    def optimizer(self) -> torch.optim.Optimizer:
        """Return the optimizer of the parameters that have gradients; those of a group are clipped together."""
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        return OPTIMIZERS[self.options.optimizer](trained, lr=self.options.peak_learning_rate)

    def prepare(self, count: int, side_px: int) -> None:
        """Compile for batches of `count` crops of that side, over all processes; leaves no gradients."""
        own = len(self.group.share(count))
        crops = torch.rand(self.pictures_per_sample, own, 3, side_px, side_px, device=self.device)
        style = torch.zeros(own, dtype=torch.long, device=self.device)
        pictures = [each.contiguous(memory_format=torch.channels_last) for each in crops]
        self(pictures, style, count=count)["total"].backward()
        self.network.zero_grad()

    def autocast(self) -> AbstractContextManager[Any]:
        """Return a context in which convolutions run in the chosen precision."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)
