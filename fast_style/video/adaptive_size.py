"""Choose the working size of live frames that holds a frame rate: painting takes time in proportion to the pixels."""

import logging
import statistics
from collections import deque

log = logging.getLogger(__name__)

# Sizes stand in steps, since a runtime prepares itself for each size that it has not seen.
STEP = 1.25
# Sides of frames are multiples of this many px, which no network has to pad.
MULTIPLE_PX = 16
SMALLEST_PX = 96
# Share of a frame's time that painting may take: the rest is for reading, showing and other programs.
SHARE = 0.85
# A larger size is taken only where it is foreseen to fill at most this share of that.
CAUTION = 0.8
# Frames whose median time is judged; the first at a size is left out, which a runtime prepares itself for.
FRAMES = 7
# Judgements that a larger size waits for, which double each time that it had to be taken back.
PATIENCE, MOST_PATIENCE = 2, 64


class AdaptiveSize:
    """Follow the time that frames take, and give the short side in px to paint them at."""

    def __init__(self, fps: float, largest_px: int) -> None:
        """fps: the frame rate to hold. largest_px: short side that is never exceeded."""
        self._budget_s = SHARE / fps
        self._sizes = _ladder(largest_px)
        self._place = len(self._sizes) - 1
        self._times = deque[float](maxlen=FRAMES)
        self._fresh = True
        self._patience, self._calm, self._raised = PATIENCE, 0, False

    @property
    def size(self) -> int:
        """Return the short side in px for the next frame."""
        return self._sizes[self._place]

    def record(self, time_s: float) -> None:
        """Take the time that a frame took at the size that was given for it."""
        if self._fresh:
            self._fresh = False
            return
        self._times.append(time_s)
        if len(self._times) < FRAMES:
            return
        median_s = statistics.median(self._times)
        self._times.clear()
        if median_s > self._budget_s:
            self._shrink(median_s)
        else:
            self._grow(median_s)

    def _shrink(self, median_s: float) -> None:
        """Go down to the largest size that is foreseen to take the budget at most."""
        if self._raised:
            self._patience = min(2 * self._patience, MOST_PATIENCE)
        fitting = [place for place in range(self._place) if self._foreseen(median_s, place) <= self._budget_s]
        self._move(fitting[-1] if fitting else 0, raised=False)

    def _grow(self, median_s: float) -> None:
        self._calm += 1
        larger = self._place + 1
        if self._calm < self._patience or larger == len(self._sizes):
            return
        if self._foreseen(median_s, larger) <= CAUTION * self._budget_s:
            self._move(larger, raised=True)

    def _foreseen(self, median_s: float, place: int) -> float:
        return median_s * (self._sizes[place] / self.size) ** 2

    def _move(self, place: int, raised: bool) -> None:
        if place != self._place:
            log.debug("working size %d px", self._sizes[place])
            self._fresh = True
        self._place, self._raised, self._calm = place, raised, 0


def _ladder(largest_px: int) -> list[int]:
    """Return the sizes that there are, ascending, the largest as it was named."""
    sizes = [largest_px]
    while (smaller := round(sizes[0] / STEP / MULTIPLE_PX) * MULTIPLE_PX) >= SMALLEST_PX:
        sizes.insert(0, smaller)
    return sizes
