"""Where the norms of a tile get their statistics, and what they see there."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..network import Statistics
from ..tiling import Box

Array = NDArray[np.float32]


class Given:
    """Hands each norm in turn its part of known statistics, whatever it sees."""

    def __init__(self, statistics: Array) -> None:
        """statistics: (2, T), mean and variance of every channel of every norm, in order."""
        self.statistics = torch.from_numpy(np.ascontiguousarray(statistics))
        self.rewind()

    def rewind(self) -> None:
        """Start again at the first norm."""
        self.next = 0

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (N, C, H, W); mean and variance, (1, C, 1, 1)."""
        part = self.statistics[:, self.next : self.next + x.shape[1], None, None].to(x.device)
        self.next += x.shape[1]
        return part[None, 0], part[None, 1]


class Measured:
    """Hands on the statistics of another source and notes what the norms see in the core of the tile."""

    def __init__(self, source: Statistics, size: tuple[int, int], core: Box) -> None:
        """size: height and width of the tile in px."""
        self.source, self.size, self.core = source, size, core
        self.rewind()

    def rewind(self) -> None:
        """Start again at the first norm."""
        self.parts: list[Tensor] = []
        if isinstance(self.source, Given):
            self.source.rewind()

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (1, C, H, W); mean and variance of the source."""
        shrunk = max(1, round(max(self.size) / max(x.shape[2:])))
        # Where the core ends with the tile it takes the rows and columns that rounding up has added.
        ends = (self.core.bottom, self.core.right)
        bottom, right = (None if end == all_ else end // shrunk for end, all_ in zip(ends, self.size, strict=True))
        inner = x[:, :, self.core.top // shrunk : bottom, self.core.left // shrunk : right].float()
        variance, mean = torch.var_mean(inner, dim=(0, 2, 3), correction=0)
        self.parts.append(torch.stack([torch.full_like(mean, inner[0, 0].numel()), mean, variance]))
        return self.source(x)

    def found(self) -> Array:
        """Count, mean and variance, (3, T)."""
        array: Array = torch.cat(self.parts, dim=1).cpu().numpy()
        return array
