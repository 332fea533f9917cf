"""Training events as TensorBoard scalars and pictures."""

from pathlib import Path

import torch
from torch.utils.tensorboard import SummaryWriter
from torchvision.utils import make_grid

from .events import Event

# Steps between two points of a curve.
EVERY = 10


class TensorBoard:
    """A listener that writes every loss term and layer, learning rate, throughput and previews to a folder."""

    def __init__(self, folder: Path) -> None:
        self.writer = SummaryWriter(str(folder))
        self.written = -EVERY

    def __call__(self, event: Event) -> None:
        """Write what `event` holds; close the file at the end."""
        if event.terms and event.step >= self.written + EVERY:
            self.written = event.step
            for name, value in event.terms.items():
                self.writer.add_scalar(f"loss/{name}", value, event.step)
            self.writer.add_scalar("learning_rate", event.learning_rate, event.step)
            self.writer.add_scalar("images_per_second", event.images_per_s, event.step)
        if event.previews:
            grid = make_grid(torch.cat(event.previews), nrow=len(event.previews[0]))
            self.writer.add_image("photographs above, stylized below", grid, event.step)
            self.writer.flush()
        if event.kind == "end":
            self.writer.close()
