"""The table of parts: what each one is, how much of the time it gets, how much memory a case may take."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Protocol


class Check(Protocol):
    """A part at work, in a process of its own."""

    def make(self, rng: Random) -> tuple[str, bytes]:
        """A case: the end of its file's name, which may say how to read it, and its content."""

    def run(self, path: Path) -> str:
        """Try a case; what became of it, in a word or two. FastStyleErrors of one line are refusals."""

    def close(self) -> None:
        """End what was started."""


class StressError(AssertionError):
    """What a part itself finds wrong."""


@dataclass(frozen=True)
class Part:
    """What the runner has to know before a part is imported."""

    module: str
    share: float
    """Of the time, relative to the others."""
    memory_mb: int
    """Most memory that a case may take beyond what the process had."""
    guarded: bool = True
    """Whether starting programs, opening connections and writing elsewhere are failures."""

    def open(self, folder: Path) -> Check:
        """Prepare the part; folder: for its own files."""
        opened: Callable[[Path], Check] = import_module(f".{self.module}", __package__).Stress
        return opened(folder)


PARTS = {
    "killer": Part("killer", 8, 1000, guarded=False),
    "pictures": Part("pictures", 4, 1500),
    "checkpoints": Part("checkpoints", 4, 500),
    "meshes": Part("meshes", 4, 1500),
    "films": Part("films", 5, 1500),
    "requests": Part("requests", 4, 1500, guarded=False),
    "recipes": Part("recipes", 1, 300),
    "sizes": Part("sizes", 4, 2000, guarded=False),
}
