"""Tell which of several processes this one is, where torchrun or a launcher like it started them together.

Imports no torch: commands ask before anything else.
"""

import os
from dataclasses import dataclass

_VARIABLES = frozenset({"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"})
"""Environment variables of `torch.distributed`; torchrun, and launchers compatible with it, set all of them."""


@dataclass(frozen=True)
class Launch:
    """Place of this process among those that were started together."""

    rank: int
    """Number of this process, from 0."""
    count: int
    """Number of processes, on all machines."""
    local_rank: int = 0
    """Number of this process on its machine."""
    restarts: int = 0
    """How often torchrun has started the processes again after one of them failed."""


def launched() -> Launch | None:
    """Return this process's place as the environment says it, None for a process that was started alone."""
    if not os.environ.keys() >= _VARIABLES:
        return None
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "TORCHELASTIC_RESTART_COUNT")
    return Launch(*(int(os.environ.get(name, 0)) for name in names))
