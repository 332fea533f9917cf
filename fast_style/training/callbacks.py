"""Report training progress to callbacks: events, TensorBoard curves, preview pictures."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from PIL import ImageOps
from torch import Tensor

from .. import images
from ..errors import FastStyleError

log = logging.getLogger(__name__)

PREVIEW_COUNT = 4
PREVIEW_PX = 256
"""Side of the preview pictures."""
PREVIEW_QUALITY = 92
TENSORBOARD_INTERVAL = 10
"""Steps between two points of a TensorBoard curve."""


@dataclass(frozen=True)
class Event:
    """Describe the state of a training to its callbacks."""

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


Callback = Callable[[Event], None]


class TensorBoard:
    """Write every loss term, the learning rate, the throughput and previews to a TensorBoard folder."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter  # takes a second to import

        self.writer = SummaryWriter(str(folder))
        self.written, self.works = -TENSORBOARD_INTERVAL, True

    def __call__(self, event: Event) -> None:
        """Write what `event` holds; close the file at the end. What cannot be written is no reason to stop training."""
        if self.works:
            try:
                self._write(event)
            except OSError as error:
                self.works = False
                log.warning("no more curves are written: %s", error.strerror or error)

    def _write(self, event: Event) -> None:
        if event.terms and event.step >= self.written + TENSORBOARD_INTERVAL:
            self.written = event.step
            for name, value in event.terms.items():
                self.writer.add_scalar(f"loss/{name}", value, event.step)
            self.writer.add_scalar("learning_rate", event.learning_rate, event.step)
            self.writer.add_scalar("images_per_second", event.images_per_s, event.step)
        if event.previews:
            from torchvision.utils import make_grid

            grid = make_grid(torch.cat(event.previews), nrow=len(event.previews[0]))
            self.writer.add_image("photographs above, stylized below", grid, event.step)
            self.writer.flush()
        if event.kind == "end":
            self.writer.close()


def preview_photos(photos: Sequence[Path]) -> Tensor:
    """Read the middle squares of the first readable photographs: (1 to PREVIEW_COUNT, 3, PX, PX) in [0, 1].

    Raises FastStyleError when none can be read.
    """
    squares: list[Tensor] = []
    for path in photos:
        try:
            square = ImageOps.fit(images.read(path).rgb, (PREVIEW_PX, PREVIEW_PX))
        except FastStyleError:
            continue
        squares.append(torch.from_numpy(images.to_array(square)))
        if len(squares) == PREVIEW_COUNT:
            break
    if not squares:
        raise FastStyleError(f"none of {len(photos)} files in the dataset is a readable picture")
    return torch.cat(squares)


def write_preview(path: Path, photos: Tensor, stylized: Tensor) -> None:
    """Write photographs in a row above their stylized versions as one JPEG; both (N, 3, H, W) in [0, 1]."""
    pairs = zip(photos.split(1), stylized.split(1), strict=True)
    sheet = images.contact_sheet([[images.from_array(picture.numpy()) for picture in pair] for pair in pairs], gap_px=0)
    images.write(images.Picture(sheet, "JPEG", None, None), path, PREVIEW_QUALITY)
