"""How far the training is, in steps or in minutes, and what follows from it."""

import math
from dataclasses import dataclass

from ..options import TrainOptions

# The learning rate ends at this share of its peak.
FLOOR = 0.01


@dataclass(frozen=True)
class Schedule:
    """Learning rate and crop size as functions of the share of the budget done."""

    options: TrainOptions

    def progress(self, step: int, elapsed_s: float) -> float:
        """Share of the budget done, 0 to 1."""
        minutes = self.options.minutes
        done = step / self.options.steps if minutes is None else elapsed_s / (60 * minutes)
        return min(1.0, done)

    def learning_rate(self, progress: float) -> float:
        """Linear rise over the warm-up, then half a cosine down to FLOOR of the peak (one cycle, Smith 2018)."""
        peak, warm_up = self.options.learning_rate, self.options.warm_up
        if progress < warm_up:
            return peak * max(FLOOR, progress / warm_up)
        falling = (progress - warm_up) / max(1e-9, 1 - warm_up)
        return peak * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * falling)) / 2)

    def crop(self, progress: float) -> tuple[int, int]:
        """Side of the crops in px, and crops per step: fewer large ones, so that a step costs about the same."""
        data = self.options.data
        if progress < 1 - data.finish_share:
            return data.image_size, data.batch_size
        fewer = data.batch_size * data.image_size**2 / data.finish_size**2
        return data.finish_size, max(1, round(fewer))
