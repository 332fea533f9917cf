"""Compute progress in steps or minutes, and the learning rate and crop size that follow from it."""

import math
from dataclasses import dataclass

from ..options import TrainOptions

FINAL_SHARE = 0.01
"""Share of the peak learning rate at the end."""


def warm_cosine(progress: float, warm_up: float) -> float:
    """Return the share of the peak learning rate: rising linearly over the warm-up, then half a cosine to FINAL_SHARE.

    progress: share of the steps done, 0 to 1; warm_up: of the same.
    """
    if progress < warm_up:
        return max(FINAL_SHARE, progress / warm_up)
    falling = (progress - warm_up) / max(1e-9, 1 - warm_up)
    return FINAL_SHARE + (1 - FINAL_SHARE) * (1 + math.cos(math.pi * falling)) / 2


@dataclass(frozen=True)
class Schedule:
    """Compute learning rate and crop size as functions of the share of the budget done."""

    options: TrainOptions

    def progress(self, step: int, elapsed_s: float) -> float:
        """Return the share of the budget done, 0 to 1."""
        minutes = self.options.minutes
        done = step / self.options.total_steps if minutes is None else elapsed_s / (60 * minutes)
        return min(1.0, done)

    def learning_rate(self, progress: float) -> float:
        """Rise linearly over the warm-up, then fall as half a cosine to FINAL_SHARE of the peak (Smith 2018).

        Against discriminators it then stays until half of the training is done and falls linearly to 0 (Zhu et al.
        2017, without the warm-up; there the scores of new discriminators leap to 40 in their first step).
        """
        peak, warm_up = self.options.peak_learning_rate, self.options.warm_up
        if self.options.gan.adversarial and progress >= warm_up:
            return peak * min(1.0, 2 * (1 - progress))
        return peak * warm_cosine(progress, warm_up)

    def crop(self, progress: float) -> tuple[int, int]:
        """Return the side of the crops in px and their number per step: fewer large ones, at about the same cost."""
        data = self.options.data
        if progress < 1 - data.finish_share:
            return data.image_size, data.batch_size
        fewer = data.batch_size * data.image_size**2 / data.finish_size**2
        return data.finish_size, max(1, round(fewer))
