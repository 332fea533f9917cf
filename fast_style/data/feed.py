"""Batches of crops at the size that the schedule wants by now."""

from collections.abc import Generator, Sequence
from pathlib import Path

from torch import Tensor

from ..options import DataOptions
from .photos import batches


class Feed:
    """The stream of batches; its workers last as long as the size of the crops stays the same."""

    def __init__(self, photos: Sequence[Path], options: DataOptions, for_gpu: bool) -> None:
        self.photos, self.options, self.for_gpu = photos, options, for_gpu
        self.crop = (0, 0)
        """Side in px and crops per batch of the last batch."""
        self._batches: Generator[tuple[Tensor, list[str]]] | None = None

    def __call__(self, crop: tuple[int, int], start: int) -> tuple[Tensor, list[str]]:
        """The next batch, and bad files met, as `dataset.batches` gives them.

        crop: side in px and crops per batch; start: number of the first sample, asked for where the size changes.
        """
        if self._batches is None or crop != self.crop:
            self.close()
            self.crop = crop
            self._batches = batches(self.photos, self.options, *crop, start, for_gpu=self.for_gpu)
        return next(self._batches)

    def close(self) -> None:
        """End the workers."""
        if self._batches:
            self._batches.close()
        self._batches = None
