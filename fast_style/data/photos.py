"""Read photographs from a folder as an endless, reproducible stream of random crops."""

import os
import random
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from .. import images
from ..errors import FastStyleError
from ..images.noise import PERIOD_PX, add_noise, is_uniform
from ..options import DataOptions
from ..system.folders import files_below

PREVIEW_SUFFIX = ".preview.jpg"
"""Ending of the preview pictures that trainings write beside their checkpoints."""
BLUR_PX = (2.0, 16.0)
"""Range of the blur's radius (sigma), log-uniform: from no grain to hardly an edge."""
NOISE_STRENGTH = (0.5, 1.0)
"""Range of the strength of the noise: passes that go on with what was painted have half of it."""
Source = tuple[Sequence[Path], DataOptions]
"""Pictures, and how crops of them are cut."""
MAX_TRIES = 200
"""Unreadable files in a row after which a folder is given up."""
MAX_WORKERS = 8
"""Processes that decode for a GPU; each yields 100 to 600 crops a second."""


def list_photos(folder: Path, hold_out: int = 0) -> tuple[list[Path], list[Path]]:
    """List the pictures below `folder`, sorted, without the last `hold_out`, and the files that are none.

    Raises FastStyleError when there is no such folder or no picture is left.
    """
    if not folder.is_dir():
        raise FastStyleError(f"{folder}: no such folder; `dataset` takes a folder of photographs")
    # A training whose output lies in the dataset must not learn from its own previews.
    files = [path for path in files_below(folder) if not path.name.endswith(PREVIEW_SUFFIX)]
    photos = [path for path in files if images.is_picture_file(path, folder)]
    others = [path for path in files if path.suffix.lower() not in images.EXTENSIONS]
    if len(photos) <= hold_out:
        raise FastStyleError(f"{folder}: {len(photos)} pictures, {hold_out} of them held out; none left to train on")
    return photos[: len(photos) - hold_out], others


def random_crop(
    photo: Image.Image, rng: random.Random, size_px: int, photo_px: tuple[int, int], smooth_share: float = 0.0
) -> Tensor:
    """Cut a random crop from an RGB picture, scaled and maybe mirrored: float32 (3, size_px, size_px) in [0, 1].

    The scale is that at which the photograph's short side measures a random length in `photo_px`, log-uniform.
    `smooth_share` is the probability that the crop is blurred.
    """
    short_px = _log_uniform(max(size_px, photo_px[0]), max(size_px, photo_px[1]), rng)
    scale = min(photo.size) / short_px
    side = max(1, round(size_px * scale))
    left, top = rng.randint(0, photo.width - side), rng.randint(0, photo.height - side)
    crop = photo.crop((left, top, left + side, top + side))
    mirrored = rng.random() < 0.5
    if rng.random() < smooth_share:
        crop = crop.filter(ImageFilter.GaussianBlur(_log_uniform(*BLUR_PX, rng) * scale))
    return torch.from_numpy(images.unit(_scaled(crop, size_px, mirrored)))[0]


def _scaled(crop: Image.Image, size_px: int, mirrored: bool) -> NDArray[np.uint8]:
    """Scale a square to (size_px, size_px, 3), and mirror it if wanted; the costliest part after decoding."""
    # Twice as quick as Pillow, which holds four bytes per pixel, as torch's vectors take four channels: packing three
    # costs more than a fourth.
    pixels = np.frombuffer(bytearray(crop.tobytes("raw", "RGBX")), np.uint8).reshape(crop.height, crop.width, 4)
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    scaled = F.interpolate(planes, (size_px, size_px), mode="bilinear", antialias=True)[0, :3]
    result: NDArray[np.uint8] = (scaled.flip(-1) if mirrored else scaled).permute(1, 2, 0).numpy()
    return result


def _log_uniform(low: float, high: float, rng: random.Random) -> float:
    return low * (high / low) ** rng.random()


def with_noise(crop: Tensor, rng: random.Random) -> Tensor:
    """Add the noise that pictures are painted with, from a random place of it: (3, H, W) in [0, 1] to the same."""
    strength, origin = rng.uniform(*NOISE_STRENGTH), (rng.randrange(PERIOD_PX[0]), rng.randrange(PERIOD_PX[1]))
    pixels = np.ascontiguousarray(crop.permute(1, 2, 0).numpy())
    return torch.from_numpy(add_noise(pixels, strength, origin=origin)).permute(2, 0, 1)


class PhotoCrops(Dataset[tuple[Tensor, list[str]]]):
    """Return as item i a crop that depends on (seed, i) alone, for any i >= 0, and the unreadable files met for it.

    A crop is a pair, (2, 3, size_px, size_px): the photograph, and what the network is shown of it, which has noise in
    `noise_share` of the crops, and where it is of one colour, and is otherwise the same memory.
    Every photograph comes once per epoch, in an order shuffled anew; an unreadable one is replaced by a random other.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        seed: int,
        size_px: int,
        photo_px: tuple[int, int],
        smooth_share: float = 0.0,
        noise_share: float = 0.0,
    ) -> None:
        self.photos, self.seed, self._crop = photos, seed, (size_px, photo_px, smooth_share)
        self.noise_share = noise_share
        self._order: tuple[int, list[int]] = (-1, [])

    def __getitem__(self, i: int) -> tuple[Tensor, list[str]]:
        rng = random.Random(f"{self.seed} {i}")
        path = self.photos[self._shuffled(i)]
        bad: list[str] = []
        for _ in range(MAX_TRIES):
            try:
                return self._pair(random_crop(images.read(path).rgb, rng, *self._crop), i), bad
            except FastStyleError:
                bad.append(str(path))
                path = rng.choice(self.photos)
        raise FastStyleError(f"no readable picture among {MAX_TRIES} tried, the last one {path}")

    def _pair(self, crop: Tensor, i: int) -> Tensor:
        rng = random.Random(f"{self.seed} noise {i}")  # of its own: crops are the same whatever the share
        # Each instance norm of a crop of one colour multiplies gradients by some 300: ten of them make them infinite.
        if rng.random() < self.noise_share or is_uniform(crop[None]):
            return torch.stack([crop, with_noise(crop, rng)])
        return crop.expand(2, -1, -1, -1)  # not copied, which takes a tenth of a crop's time: `_collate` copies

    def _shuffled(self, i: int) -> int:
        epoch, position = divmod(i, len(self.photos))
        if self._order[0] != epoch:
            order = list(range(len(self.photos)))
            random.Random(f"{self.seed} epoch {epoch}").shuffle(order)
            self._order = (epoch, order)
        return self._order[1][position]


class _JoinedCrops(Dataset[tuple[Tensor, list[str]]]):
    """Return as item i the pairs of several folders' crops i, one after the other, and the unreadable files met."""

    def __init__(self, sources: Sequence[PhotoCrops]) -> None:
        self.sources = sources

    def __getitem__(self, i: int) -> tuple[Tensor, list[str]]:
        pairs, bad = zip(*(source[i] for source in self.sources), strict=True)
        return torch.cat(pairs) if len(pairs) > 1 else pairs[0], [path for paths in bad for path in paths]


def _collate(samples: list[tuple[Tensor, list[str]]]) -> tuple[Tensor, list[str]]:
    return torch.stack([pair for pair, _ in samples], 1), [path for _, bad in samples for path in bad]


def _init_worker(_: int) -> None:
    # Ctrl-C, and a SIGTERM from a job scheduler, reach the whole process group; the training process handles them.
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    torch.set_num_threads(1)


def batches(
    photos: Sequence[Path],
    options: DataOptions,
    size_px: int,
    batch: int,
    start: int,
    for_gpu: bool = False,
    share: range | None = None,
    beside: Sequence[Source] = (),
) -> Generator[tuple[Tensor, list[str]]]:
    """Yield endless batches from sample `start` on, and bad files met: pairs of photographs and what is shown of them.

    Batches are float32 (2, batch, 3, size_px, size_px) in [0, 1].

    share: positions in each batch of what is yielded, where other processes read the rest; by default all of it.
    beside: further folders, whose pairs follow. The same workers read them: others would be forked while threads of the
    first ones' queues run, and may then wait for ever for a lock that such a thread held.
    Close it to end the workers. The first `next` raises FastStyleError when none of the files can be read.
    """
    crops = _JoinedCrops(
        [
            PhotoCrops(pictures, of.seed, size_px, of.photo_size, of.smooth_share, of.noise_share)
            for pictures, of in ((photos, options), *beside)
        ]
    )
    crops[start]  # raises for a folder without readable pictures, before workers would wrap the error
    workers = options.workers
    if workers is None:
        workers = min(MAX_WORKERS, os.cpu_count() or 1) if for_gpu else 2
    extra: dict[str, Any] = {"prefetch_factor": 4} if workers else {}
    loader = DataLoader(
        crops,
        batch_sampler=_Consecutive(start, batch, range(batch) if share is None else share),
        collate_fn=_collate,
        num_workers=workers,
        worker_init_fn=_init_worker,
        pin_memory=for_gpu,
        **extra,
    )
    try:
        yield from loader
    except FastStyleError as error:  # workers put their traceback into the message
        raise FastStyleError(str(error).strip().split("FastStyleError: ")[-1]) from error
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise FastStyleError(
            f"a process that decodes photographs ended ({reason}); `resume` goes on, `workers` 0 does without such ones"
        ) from error


class _Consecutive:
    """Yield a share of batches of consecutive indices without end; a class because workers may have to pickle it."""

    def __init__(self, start: int, batch: int, share: range) -> None:
        self.start, self.batch, self.share = start, batch, share

    def __iter__(self) -> Iterator[list[int]]:
        first = self.start
        while True:
            yield [first + position for position in self.share]
            first += self.batch


class CropStream:
    """Serve batches whose crop size may change; workers last as long as the size stays the same."""

    def __init__(
        self,
        photos: Sequence[Path],
        options: DataOptions,
        for_gpu: bool,
        share: Callable[[int], range] = range,
        beside: Sequence[Source] = (),
    ) -> None:
        """Take photographs. share: this process's positions in a batch of a size, by default all of them.

        beside: further folders with options of their own, whose pairs follow in each batch.
        """
        self.photos, self.options, self.for_gpu, self.share = photos, options, for_gpu, share
        self.beside = beside
        self.crop = (0, 0)
        """Side in px and crops per batch, over all processes, of the last batch."""
        self._batches: Generator[tuple[Tensor, list[str]]] | None = None

    def __call__(self, crop: tuple[int, int], start: int) -> tuple[Tensor, list[str]]:
        """Return the next batch and bad files met, as `batches` yields them.

        crop: side in px and crops per batch, over all processes. start: number of the batch's first sample, used where
        the size changes.
        """
        if self._batches is None or crop != self.crop:
            self.close()
            self.crop = crop
            share = self.share(crop[1])
            self._batches = batches(self.photos, self.options, *crop, start, self.for_gpu, share, self.beside)
        return next(self._batches)

    def close(self) -> None:
        """End the workers."""
        if self._batches:
            self._batches.close()
        self._batches = None
