"""Photographs from a folder as an endless, reproducible stream of random crops."""

import random
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.io import ImageReadMode, decode_image

from . import images
from .errors import FastStyleError
from .options import DataOptions

# Draws before a folder that seems to hold nothing readable is given up.
MAX_TRIES = 200


def list_photos(folder: Path, hold_out: int = 0) -> tuple[list[Path], list[Path]]:
    """Pictures by extension below `folder`, sorted, without the last `hold_out`, and the files that are none.

    Raises FastStyleError when there is no such folder or no picture is left.
    """
    if not folder.is_dir():
        raise FastStyleError(f"{folder}: no such folder; --dataset takes a folder of photographs")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    photos = [path for path in files if path.suffix.lower() in images.EXTENSIONS]
    others = [path for path in files if path.suffix.lower() not in images.EXTENSIONS]
    if len(photos) <= hold_out:
        raise FastStyleError(f"{folder}: {len(photos)} pictures, {hold_out} of them held out; none left to train on")
    return photos[: len(photos) - hold_out], others


def decode(path: Path) -> Tensor:
    """A picture file to uint8 (3, H, W) RGB, upright. Raises FastStyleError when it is damaged or none."""
    data = np.fromfile(path, dtype=np.uint8)
    # libjpeg fills a truncated file with grey; the end marker tells. Whatever torchvision cannot do, Pillow can.
    if data[:2].tobytes() == b"\xff\xd8" and data[-2:].tobytes() == b"\xff\xd9":
        try:
            return decode_image(torch.from_numpy(data), ImageReadMode.RGB, apply_exif_orientation=True)
        except RuntimeError:
            pass
    return torch.from_numpy(np.array(images.read(path).rgb)).permute(2, 0, 1)


def random_crop(photo: Tensor, rng: random.Random, size_px: int, photo_px: tuple[int, int]) -> Tensor:
    """uint8 (3, H, W) to a random crop of it, scaled and perhaps mirrored: float32 (3, size_px, size_px), [0, 1].

    The photograph is seen as if its short side measured a random length in `photo_px`, log-uniform.
    """
    low, high = (max(size_px, px) for px in photo_px)
    short_px = low * (high / low) ** rng.random()
    height, width = photo.shape[1:]
    # Cropping before scaling does the costly part on the crop alone.
    side = max(1, min(height, width, round(size_px * min(height, width) / short_px)))
    top, left = rng.randint(0, height - side), rng.randint(0, width - side)
    crop = photo[None, :, top : top + side, left : left + side].float() / 255
    if side != size_px:
        crop = F.interpolate(crop, (size_px, size_px), mode="bilinear", antialias=True)
    return (crop.flip(-1) if rng.random() < 0.5 else crop)[0]


class PhotoCrops(Dataset[tuple[Tensor, list[str]]]):
    """Item i is a crop that depends on (seed, i) alone, for any i >= 0, and the bad files met on the way to it.

    Every photograph comes once per epoch, in an order shuffled anew; a bad file is replaced by a random other one.
    """

    def __init__(self, photos: Sequence[Path], seed: int, size_px: int, photo_px: tuple[int, int]) -> None:
        self.photos, self.seed, self.size_px, self.photo_px = photos, seed, size_px, photo_px
        self._order: tuple[int, list[int]] = (-1, [])

    def __getitem__(self, i: int) -> tuple[Tensor, list[str]]:
        rng = random.Random(f"{self.seed} {i}")
        path = self.photos[self._shuffled(i)]
        bad: list[str] = []
        for _ in range(MAX_TRIES):
            try:
                return random_crop(decode(path), rng, self.size_px, self.photo_px), bad
            except (FastStyleError, OSError):
                bad.append(str(path))
                path = rng.choice(self.photos)
        raise FastStyleError(f"no readable picture among {MAX_TRIES} tried, the last one {path}")

    def _shuffled(self, i: int) -> int:
        epoch, position = divmod(i, len(self.photos))
        if self._order[0] != epoch:
            order = list(range(len(self.photos)))
            random.Random(f"{self.seed} epoch {epoch}").shuffle(order)
            self._order = (epoch, order)
        return self._order[1][position]


def _collate(samples: list[tuple[Tensor, list[str]]]) -> tuple[Tensor, list[str]]:
    return torch.stack([crop for crop, _ in samples]), [path for _, bad in samples for path in bad]


def _quiet_worker(_: int) -> None:
    # Ctrl-C reaches the whole process group; the training process alone decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)


def batches(
    photos: Sequence[Path], options: DataOptions, size_px: int, batch: int, start: int, pin: bool = False
) -> Iterator[tuple[Tensor, list[str]]]:
    """Endless batches from sample `start` on: float32 (batch, 3, size_px, size_px) in [0, 1], and bad files met."""
    crops = PhotoCrops(photos, options.seed, size_px, options.photo_size)
    extra: dict[str, Any] = {"prefetch_factor": 4} if options.workers else {}
    return iter(
        DataLoader(
            crops,
            batch_sampler=_Consecutive(start, batch),
            collate_fn=_collate,
            num_workers=options.workers,
            worker_init_fn=_quiet_worker,
            pin_memory=pin,
            **extra,
        )
    )


class _Consecutive:
    """Batches of consecutive indices, without end; a class because workers may have to pickle it."""

    def __init__(self, start: int, batch: int) -> None:
        self.start, self.batch = start, batch

    def __iter__(self) -> Iterator[list[int]]:
        first = self.start
        while True:
            yield list(range(first, first + self.batch))
            first += self.batch
