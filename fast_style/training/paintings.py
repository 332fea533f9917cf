"""Provide the paintings of a training for any style: crops of them with what the losses need, renewed in turn."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from .. import images
from ..data.photos import random_crop
from ..models.structure import PREDICTOR_PX

LARGEST_CROP = 1.6
"""Short side of a painting, in sides of the crop: crops show from five eighths of it on."""
RECOLORED_SHARE = 0.3
"""Share of the crops whose colour channels are exchanged: more palettes than painters had."""
RENEWAL_STEPS = 2
"""Steps between two renewals: the losses' targets of a crop take a quarter as long as a step."""

Measure = Callable[[Tensor], Mapping[str, Tensor]]


class PaintingPool:
    """Hold one crop of each painting, as the predictor sees it, and the targets of the losses that belong to it.

    Every RENEWAL_STEPS steps the crop of one painting, in turn, is replaced by another: a network that is to paint any
    painting has to see more than there are. The crops at a step follow from the seed alone.
    """

    def __init__(self, paths: Sequence[Path], size_px: int, seed: int, measure: Measure, device: torch.device) -> None:
        """paths: paintings. size_px: side of the crops. measure: a crop (1, 3, H, W) to tensors by name, (1, ...)."""
        self.paths = list(paths)
        random.Random(seed).shuffle(self.paths)  # of one painter they lie side by side, and share batches
        self._size_px, self._seed, self._measure, self._device = size_px, seed, measure, device
        self._step = -1
        self.shown = torch.empty(0)
        """Crops as the predictor sees them, (paintings, 3, PREDICTOR_PX, PREDICTOR_PX)."""
        self.targets: dict[str, Tensor] = {}
        """What was measured, by name: (paintings, ...)."""

    def advance(self, step: int) -> None:
        """Bring the pool to a step; the first call fills it, which takes a second for each painting or so."""
        count = len(self.paths)
        if self._step < 0:
            self._fill([self._crop(place, self._generation(place, step)) for place in range(count)])
        else:
            for renewal in range(-(-self._step // RENEWAL_STEPS), -(-step // RENEWAL_STEPS)):
                self._put(renewal % count, self._crop(renewal % count, 1 + renewal // count))
        self._step = step

    def crops(self, count: int) -> Iterator[Tensor]:
        """Yield crops of paintings in turn as the predictor sees them, (1, 3, PREDICTOR_PX, PREDICTOR_PX), others than
        those of the training.
        """
        for i in range(count):
            yield _seen(self._crop(i % len(self.paths), -1 - i))

    def _generation(self, place: int, step: int) -> int:
        """How often a painting's crop was renewed before a step."""
        renewals = -(-step // RENEWAL_STEPS)
        return max(0, -(-(renewals - place) // len(self.paths)))

    def _crop(self, place: int, generation: int) -> Tensor:
        rng = random.Random(f"{self._seed} painting {self.paths[place].name} {generation}")
        painting = images.read(self.paths[place]).rgb
        crop = random_crop(painting, rng, self._size_px, (self._size_px, round(LARGEST_CROP * self._size_px)))
        order = rng.sample(range(3), 3) if rng.random() < RECOLORED_SHARE else range(3)
        return crop[list(order)][None].to(self._device)

    def _fill(self, crops: Sequence[Tensor]) -> None:
        self.shown = torch.cat([_seen(crop) for crop in crops])
        measured = [self._measure(crop) for crop in crops]
        self.targets = {name: torch.cat([each[name] for each in measured]) for name in measured[0]}

    def _put(self, place: int, crop: Tensor) -> None:
        self.shown[place] = _seen(crop)[0]
        for name, value in self._measure(crop).items():
            self.targets[name][place] = value[0]


def _seen(crop: Tensor) -> Tensor:
    return torch.nn.functional.interpolate(crop, (PREDICTOR_PX, PREDICTOR_PX), mode="bilinear", antialias=True)
