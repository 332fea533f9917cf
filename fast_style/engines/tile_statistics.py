"""Measure instance-norm statistics of a picture that is too large to be run as a whole."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .tiling import Box, Tile, merge

Array = NDArray[np.float32]
# A part of the network: activations, the tile that they belong to, where the norms get their statistics.
Part = Callable[[Tensor, Tile, "FixedStatistics"], Tensor]


class StopForward(Exception):
    """End a forward pass at a norm whose statistics are not known yet, with its input."""

    def __init__(self, x: Tensor) -> None:
        self.x = x


class FixedStatistics:
    """Give each norm in turn its part of known statistics, whatever it sees; raise StopForward behind the last."""

    def __init__(self, statistics: Array) -> None:
        """statistics: (2, T), mean and variance of every channel of the norms, in order."""
        self.statistics = torch.from_numpy(np.ascontiguousarray(statistics))
        self.next = 0

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (N, C, H, W); mean and variance, (1, C, 1, 1)."""
        if self.next == self.statistics.shape[1]:
            raise StopForward(x)
        part = self.statistics[:, self.next : self.next + x.shape[1], None, None].to(x.device)
        self.next += x.shape[1]
        return part[None, 0], part[None, 1]


class RecordingStatistics:
    """Give each norm its own statistics, over all pictures of a batch, and record them."""

    def __init__(self) -> None:
        self.parts: list[Tensor] = []

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (N, C, H, W); mean and variance, (1, C, 1, 1)."""
        variance, mean = torch.var_mean(x.float(), dim=(0, 2, 3), correction=0, keepdim=True)
        self.parts.append(torch.stack([mean.flatten(), variance.flatten()]))
        return mean, variance

    def result(self) -> Array:
        """Return mean and variance of every channel of the norms, (2, T)."""
        array: Array = torch.cat(self.parts, dim=1).cpu().numpy()
        return array


def measure_exactly(
    parts: Sequence[Part], tiles: Sequence[Tile], picture: Callable[[Tile], Tensor], channels: int
) -> Array:
    """Measure mean and variance of every channel on a picture of which only tiles are run: (2, channels).

    parts: the network, cut where activations are small, because there they are kept for every tile; `picture` gives
    what the first part takes. Within a part, each norm takes a pass over the tiles up to it, with the exact statistics
    of those before: what comes out is that of the whole picture, apart from the order of summation.
    """
    states: list[Tensor] = []
    known: list[Array] = []
    for part in parts:
        here = np.zeros((2, 0), np.float32)
        outputs: list[Tensor] = []
        while not outputs:
            found = []
            for i, tile in enumerate(tiles):
                try:
                    outputs.append(part(states[i] if states else picture(tile), tile, FixedStatistics(here)))
                except StopForward as stopped:
                    found.append(core_statistics(stopped.x, tile.core.within(tile.window), tile.window.size))
            if found:
                here = np.concatenate([here, merge(found)], axis=1)
            if here.shape[1] + sum(each.shape[1] for each in known) == channels:
                return np.concatenate([*known, here], axis=1)
        known.append(here)
        states = outputs
    raise AssertionError(f"fewer than {channels} channels in the network's norms")


def core_statistics(x: Tensor, core: Box, size: tuple[int, int]) -> Array:
    """Return count, mean and variance, (3, C), of the part of x (1, C, H, W) that belongs to a tile's core.

    core, size: in px of the tile; what x has to offer follows from its own size.
    """
    shrunk = max(1, round(max(size) / max(x.shape[2:])))
    # Where the core ends with the tile it takes the rows and columns that rounding up has added.
    bottom, right = (
        None if end == all_ else end // shrunk for end, all_ in zip((core.bottom, core.right), size, strict=True)
    )
    inner = x[0, :, core.top // shrunk : bottom, core.left // shrunk : right].float()
    variance, mean = torch.var_mean(inner, dim=(1, 2), correction=0)
    array: Array = torch.stack([torch.full_like(mean, inner[0].numel()), mean, variance]).cpu().numpy()
    return array
