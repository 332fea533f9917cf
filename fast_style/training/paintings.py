"""Provide the paintings of a training for any style: crops of them with what the losses need, renewed in turn."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from itertools import count
from pathlib import Path

import torch
from torch import Tensor

from .. import images
from ..data.photos import random_crop
from ..models.structure import PREDICTOR_PX

LARGEST_CROP = 1.6
"""Short side of a painting, in sides of the crop: crops show from five eighths of it on."""
SMALLEST_LOOK = 4.0
"""The same of crops that the network which looks at paintings learns from before: down to a quarter."""
RECOLORED_SHARE = 0.3
"""Share of the crops whose colour channels are exchanged: more palettes than painters had."""
RENEWAL_STEPS = 2
"""Steps between two renewals: the losses' targets of a crop take a quarter as long as a step."""

Measure = Callable[[Tensor], Mapping[str, Tensor]]
Look = Callable[[Tensor], Tensor]


class PaintingPool:
    """Hold, of one crop of each painting, what the predictor finds in it and the targets of the losses.

    Every RENEWAL_STEPS steps the crop of one painting, in turn, is replaced by another: a network that is to paint any
    painting has to see more than there are. The crops at a step follow from the seed alone.
    """

    def __init__(
        self, paths: Sequence[Path], size_px: int, seed: int, look: Look, measure: Measure, device: torch.device
    ) -> None:
        """paths: paintings. size_px: side of the crops. look: crop as the predictor sees it, (1, 3, PREDICTOR_PX,
        PREDICTOR_PX), to its features (1, F). measure: crop (1, 3, H, W) to tensors by name, (1, ...).
        """
        self.paths = list(paths)
        random.Random(seed).shuffle(self.paths)  # of one painter they lie side by side, and share batches
        self._size_px, self._seed, self._device = size_px, seed, device
        self._look, self._measure = look, measure
        self._step = -1
        self.features = torch.empty(0)
        """What the predictor finds in the crops, (paintings, F)."""
        self.targets: dict[str, Tensor] = {}
        """What was measured, by name: (paintings, ...)."""

    def advance(self, step: int) -> None:
        """Bring the pool to a step; the first call fills it, which takes a second for each painting or so."""
        places = len(self.paths)
        if self._step < 0:
            self._fill([self._crop(place, self._generation(place, step)) for place in range(places)])
        else:
            for renewal in range(-(-self._step // RENEWAL_STEPS), -(-step // RENEWAL_STEPS)):
                self._put(renewal % places, self._crop(renewal % places, 1 + renewal // places))
        self._step = step

    def repeated(self, times: int) -> "PaintingPool":
        """Return a pool of that many crops of each painting, the first like those of this one."""
        pool = copy(self)
        pool.paths, pool._step = self.paths * times, -1
        return pool

    def crops(self, size_px: int) -> Iterator[Tensor]:
        """Yield crops of that side without end, of one painting after the other: (3, size_px, size_px).

        They show from the whole short side of a painting to a quarter of it.
        """
        for i in count():
            rng = random.Random(f"{self._seed} look {i}")
            yield self._random_crop(self.paths[i % len(self.paths)], rng, size_px, SMALLEST_LOOK)

    def _generation(self, place: int, step: int) -> int:
        """How often a painting's crop was renewed before a step."""
        renewals = -(-step // RENEWAL_STEPS)
        return max(0, -(-(renewals - place) // len(self.paths)))

    def _crop(self, place: int, generation: int) -> Tensor:
        rng = random.Random(f"{self._seed} painting {self.paths[place].name} {place} {generation}")
        return self._random_crop(self.paths[place], rng, self._size_px, LARGEST_CROP)[None]

    def _random_crop(self, path: Path, rng: random.Random, size_px: int, most: float) -> Tensor:
        crop = random_crop(images.read(path).rgb, rng, size_px, (size_px, round(most * size_px)))
        order = rng.sample(range(3), 3) if rng.random() < RECOLORED_SHARE else range(3)
        return crop[list(order)].to(self._device)

    def _fill(self, crops: Sequence[Tensor]) -> None:
        self.features = torch.cat([self._look(_seen(crop)) for crop in crops])
        measured = [self._measure(crop) for crop in crops]
        self.targets = {name: torch.cat([each[name] for each in measured]) for name in measured[0]}

    def _put(self, place: int, crop: Tensor) -> None:
        self.features[place] = self._look(_seen(crop))[0]
        for name, value in self._measure(crop).items():
            self.targets[name][place] = value[0]


def _seen(crop: Tensor) -> Tensor:
    if crop.shape[-1] == PREDICTOR_PX:
        return crop
    return torch.nn.functional.interpolate(crop, (PREDICTOR_PX, PREDICTOR_PX), mode="bilinear", antialias=True)
