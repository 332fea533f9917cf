"""Cases in turn: each in its own process, all of them alive, one pass of each after the other."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError

WARM_UP = 2


@dataclass
class Timed:
    """What one process told."""

    seconds: list[float] = field(default_factory=list)
    known: dict[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
    result: NDArray[Any] | None = None


def interleave(
    module: str, cases: Sequence[Any], runs: int, report: Callable[[], None] = lambda: None
) -> list[Timed | None]:
    """Time each case (a dataclass) by `python -m MODULE`, `runs` passes in turn; None for one that does not run.

    Other work on the machine then slows all of them alike. report: called after each pass.
    """
    with tempfile.TemporaryDirectory() as folder:
        workers = [_Worker(module, case, Path(folder) / str(number)) for number, case in enumerate(cases)]
        try:
            for turn in range(WARM_UP + runs):
                for worker in workers:
                    worker.step(keep=turn >= WARM_UP)
                    report()
            return [worker.end() for worker in workers]
        finally:
            for worker in workers:
                with worker.process as process:  # closes its pipes and waits
                    process.kill()


class _Worker:
    def __init__(self, module: str, case: Any, stem: Path) -> None:
        self.timed, self.alive, self.target = Timed(), True, stem.with_suffix(".npy")
        self.file = stem.with_suffix(".json")
        self.file.write_text(json.dumps(asdict(case)))
        command = [sys.executable, "-m", module, str(self.file), str(self.target)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        self.timed.known = self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.alive = False
            return {}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def step(self, keep: bool) -> None:
        if self.alive:
            assert self.process.stdin
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            seconds = self._read().get("seconds")
            if keep and seconds is not None:
                self.timed.seconds.append(seconds)

    def end(self) -> Timed | None:
        if self.alive:
            assert self.process.stdin
            self.process.stdin.close()
            self.timed.peak_bytes = self._read().get("peak_bytes", 0)
            self.process.wait()
        if not self.alive:
            return None
        self.timed.result = np.load(self.target) if self.target.exists() else None
        return self.timed


def need(timed: Timed | None, what: str) -> Timed:
    """Raises FastStyleError when what everything else is compared with did not run."""
    if timed is None:
        raise FastStyleError(f"{what} did not run; there is nothing to compare with")
    return timed
