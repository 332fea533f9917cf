"""Report training progress to callbacks: events, TensorBoard curves, preview pictures."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from .. import images
from ..errors import FastStyleError
from ..images.faces import find_faces
from ..images.noise import smoothness

log = logging.getLogger(__name__)

PREVIEW_COUNT = 4
PREVIEW_CANDIDATES = 24
"""Photographs among which those of the preview are chosen."""
PREVIEW_PX = 256
"""Side of the preview pictures."""
PREVIEW_QUALITY = 92
TENSORBOARD_INTERVAL = 10
"""Steps between two points of a TensorBoard curve."""


@dataclass(frozen=True)
class Event:
    """Describe the state of a training to its callbacks."""

    kind: Literal["start", "preparing", "compiling", "step", "preview", "end"]
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
    previews: tuple[Tensor, ...] | None = None
    """Photographs and their stylized versions, each (N, 3, H, W) in [0, 1] on the CPU; of kind `preview` only. Of an
    adversarial training also back again, then paintings and these as photographs."""
    bad_files: tuple[str, ...] = ()
    """Files that could not be read so far."""
    prepared: float = 0.0
    """Share done of what comes before the first step; of kind `preparing` only."""


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
    """Read the middle squares of photographs that show something: (1 to PREVIEW_COUNT, 3, PX, PX) in [0, 1].

    Of PREVIEW_CANDIDATES from all over the folder these are the ones with the largest faces, with a smooth sky above
    something, with the most texture, and with the most colour; where there are few, the first. Raises FastStyleError
    when none can be read.
    """
    first = photos[:: max(1, len(photos) // PREVIEW_CANDIDATES)]
    squares: list[NDArray[np.uint8]] = []
    for path in (*first, *(path for path in photos if path not in set(first))):
        with suppress(FastStyleError):
            squares.append(np.asarray(ImageOps.fit(images.read(path).rgb, (PREVIEW_PX, PREVIEW_PX))))
        if len(squares) == PREVIEW_CANDIDATES:
            break
    if not squares:
        raise FastStyleError(f"none of {len(photos)} files in the dataset is a readable picture")
    return torch.cat([torch.from_numpy(images.unit(square)) for square in _telling(squares)])


def _telling(squares: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """The best of each kind; the first ones where there is little to choose from."""
    if len(squares) < 2 * PREVIEW_COUNT:
        return squares[:PREVIEW_COUNT]
    left, chosen = list(range(len(squares))), []
    for score in (_faces, _sky, _texture, _color):
        values = {place: score(squares[place]) for place in left}
        best = max(left, key=lambda place: values[place])
        chosen.append(squares[best])
        left.remove(best)
    return chosen


def _faces(square: NDArray[np.uint8]) -> float:
    return sum(face.radius for face in find_faces(square))


def _sky(square: NDArray[np.uint8]) -> float:
    """How smooth the upper third is, times how little the lower half is."""
    smooth = smoothness(square)
    return float(smooth[: len(smooth) // 3].mean() * (1 - smooth[len(smooth) // 2 :].mean()))


def _texture(square: NDArray[np.uint8]) -> float:
    return float(1 - smoothness(square).mean())


def _color(square: NDArray[np.uint8]) -> float:
    return float((square.max(-1).astype(int) - square.min(-1)).std())


def write_preview(path: Path, rows: Sequence[Tensor], paintings: Sequence[Image.Image] = ()) -> None:
    """Write rows of pictures, such as photographs above their stylized versions, as one JPEG, paintings on their left.

    rows: (N, 3, H, W) in [0, 1] each.
    """
    above = zip(*(row.split(1) for row in rows), strict=True)
    columns = [[images.from_array(picture.numpy()) for picture in column] for column in above]
    shown = paintings[:PREVIEW_COUNT]
    fitted = [ImageOps.pad(each, (PREVIEW_PX, 2 * PREVIEW_PX // len(shown)), color="white") for each in shown]
    sheet = images.contact_sheet([fitted, *columns] if fitted else columns, gap_px=0)
    images.write(images.Picture(sheet, "JPEG", None, None), path, PREVIEW_QUALITY)
