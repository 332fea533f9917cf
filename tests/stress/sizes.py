"""Pictures of ever new sizes through OpenVINO: memory stays flat once the largest has been seen.

A case is a hundred pictures, of 1,500 sizes in all, painted one after the other by one `Stylizer`.
"""

from pathlib import Path
from random import Random

import numpy as np
import psutil

from fast_style import Stylizer
from fast_style.system import malloc

from .parts import StressError

SIZES, SIDE_PX, PICTURES = 1500, (16, 64), 100
# After so many pictures the memory may grow by this share.
WARM, MOST_GROWN = 300, 0.05


class Stress:
    """See the package."""

    def __init__(self, folder: Path) -> None:
        malloc.tune()
        self._stylizer = Stylizer.load("wave", "cpu", "openvino")
        rng = Random(0)
        low, high = SIDE_PX
        every = [(height, width) for height in range(low, high) for width in range(low, high)]
        self._sizes = [(high, high), *rng.sample(every, SIZES - 1)]
        self._done, self._warm, self._process = 0, 0.0, psutil.Process()

    def make(self, rng: Random) -> tuple[str, bytes]:
        return "sizes", str(PICTURES).encode()

    def run(self, path: Path) -> str:
        for _ in range(int(path.read_bytes())):
            height, width = self._sizes[self._done % SIZES]
            self._stylizer(np.full((height, width, 3), 128, np.uint8))
            self._done += 1
        now = self._process.memory_info().rss
        self._warm = now if self._done <= WARM else self._warm
        grown = now / self._warm - 1
        if grown > MOST_GROWN:
            raise StressError(
                f"{grown:.1%} more memory after {self._done} pictures than after {WARM}: {now / 1e6:.0f} MB"
            )
        return f"+{grown:.1%}"

    def close(self) -> None:
        pass
