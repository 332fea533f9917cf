"""Time several cases in turn, each in a process of its own: other work on the machine then slows all of them alike."""

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

WARM_UP_PASSES = 2


@dataclass
class Timing:
    """Hold what one process measured."""

    seconds: list[float] = field(default_factory=list)
    """Time of each pass."""
    flops: float = 0.0
    """Floating-point operations of a pass, 0 where they are not counted."""
    peak_bytes: int = 0
    result: NDArray[Any] | None = None
    """What the last pass returned."""


def interleave(
    module: str, cases: Sequence[Any], runs: int, on_pass: Callable[[], None] = lambda: None
) -> list[Timing | None]:
    """Time each case (a dataclass) with `python -m MODULE`, `runs` passes in turn; None for a case that does not run.

    on_pass: called after each pass.
    """
    with tempfile.TemporaryDirectory() as folder:
        workers = [_Worker(module, case, Path(folder) / str(number)) for number, case in enumerate(cases)]
        try:
            for turn in range(WARM_UP_PASSES + runs):
                for worker in workers:
                    worker.run_pass(timed=turn >= WARM_UP_PASSES)
                    on_pass()
            return [worker.finish() for worker in workers]
        finally:
            for worker in workers:
                with worker.process as process:  # closes its pipes and waits
                    process.kill()


class _Worker:
    """A process that makes a pass for each line it reads, and answers each with a line of JSON; see `worker`."""

    def __init__(self, module: str, case: Any, stem: Path) -> None:
        self.timing, self.alive, self.result_file = Timing(), True, stem.with_suffix(".npy")
        case_file = stem.with_suffix(".json")
        case_file.write_text(json.dumps(asdict(case)))
        command = [sys.executable, "-m", module, str(case_file), str(self.result_file)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        self.timing.flops = self._read().get("flops", 0.0)

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.alive = False
            return {}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run_pass(self, timed: bool) -> None:
        if self.alive:
            assert self.process.stdin
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            seconds = self._read().get("seconds")
            if timed and seconds is not None:
                self.timing.seconds.append(seconds)

    def finish(self) -> Timing | None:
        if self.alive:
            assert self.process.stdin
            self.process.stdin.close()
            self.timing.peak_bytes = self._read().get("peak_bytes", 0)
            self.process.wait()
        if not self.alive:
            return None
        self.timing.result = np.load(self.result_file) if self.result_file.exists() else None
        return self.timing


def require(timing: Timing | None, what: str) -> Timing:
    """Return the timing. Raises FastStyleError when it is None, for the case that all others are compared with."""
    if timing is None:
        raise FastStyleError(f"{what} did not run; there is nothing to compare with")
    return timing
