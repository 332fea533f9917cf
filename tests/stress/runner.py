"""Run a part's cases in a process of its own, which may crash or hang, and count what became of them."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from .parts import PARTS

PROJECT = Path(__file__).parents[2]
# Of processor time, which other programs on the machine do not change; and where a case waits for ever.
HANG_CPU_S, HANG_S = 60, 3600
START_S = 3600


@dataclass(frozen=True)
class Budget:
    """How many cases to try: until the time is over, or a number of them."""

    seconds: float
    first: int = 0
    cases: int | None = None
    input: Path | None = None


@dataclass
class Tally:
    """What became of a part's cases."""

    part: str
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    most_mb: float = 0.0
    seconds: float = 0.0

    def line(self) -> str:
        """One line, and one for each failure."""
        counts = ", ".join(f"{count} {word}" for word, count in self.outcomes.most_common(8))
        head = f"{self.part}: {sum(self.outcomes.values())} cases in {self.seconds:.0f} s ({counts})"
        head += f", at most {self.most_mb:.0f} MB of {PARTS[self.part].memory_mb}; {len(self.failures)} failures"
        return "\n".join([head, *(f"  {failure}" for failure in self.failures)])


def run_part(name: str, seed: int, budget: Budget, failures: Path) -> Tally:
    """Run the cases of a part; inputs that fail are copied into the folder `failures`. Preparing takes time beside."""
    tally, number = Tally(name), budget.first
    with tempfile.TemporaryDirectory(prefix="stress-") as place:
        while _is_left(budget, number, tally.seconds):
            with _worker(name, seed, number, budget, Path(place)) as lines:
                for entry in lines:
                    number = _count(entry, tally, failures)
                    if not _is_left(budget, number, tally.seconds):
                        break
    return tally


def _is_left(budget: Budget, number: int, seconds: float) -> bool:
    cases = 1 if budget.input else budget.cases
    return seconds < budget.seconds and (cases is None or number < budget.first + cases)


def _count(entry: dict[str, Any], tally: Tally, failures: Path) -> int:
    """Count one case; the number of the next one."""
    tally.outcomes[entry["outcome"]] += 1
    tally.seconds += entry["seconds"]
    tally.most_mb = max(tally.most_mb, entry.get("peak_mb", 0.0))
    if entry.get("failure"):
        failures.mkdir(parents=True, exist_ok=True)
        kept = failures / f"{tally.part}-{entry['path'].name}"
        shutil.copy(entry["path"], kept)
        tally.failures.append(f"{kept}: {' '.join(entry['failure'].split())[:300]}")
        print(f"{tally.part}: {tally.failures[-1]}", file=sys.stderr, flush=True)
    entry["path"].unlink(missing_ok=True)
    return int(entry["case"]) + 1


@contextmanager
def _worker(name: str, seed: int, first: int, budget: Budget, place: Path) -> Iterator[Iterator[dict[str, Any]]]:
    """Start the worker at a case, and yield what it tells of each, a crash or hang included."""
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.stress.worker"]
    command += [name, str(seed), str(first), str(place), str(budget.input.absolute() if budget.input else "")]
    log = (place / "stderr.txt").open("w+")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(place)}
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=log, env=environment)
    try:
        yield _entries(process, place, log)
    finally:
        for child in [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()
        log.close()


def _entries(process: "subprocess.Popen[bytes]", place: Path, log: Any) -> Iterator[dict[str, Any]]:
    begun: dict[str, Any] | None = None
    start = time.monotonic()
    while True:
        line = _line(process, START_S if begun is None else HANG_S)
        if not line.endswith(b"\n"):  # the process has ended or hangs
            end = "hang" if process.poll() is None else f"crash ({process.wait()})"
            log.flush()
            said = (place / "stderr.txt").read_text(errors="replace").strip().splitlines()[-12:]
            if begun is None:
                raise RuntimeError(f"the worker did not start, or made no case: {end}: {' | '.join(said)}")
            seconds = time.monotonic() - start
            yield {**begun, "outcome": end.split()[0], "failure": f"{end}: {' | '.join(said)}", "seconds": seconds}
            return
        entry = {**json.loads(line)}
        entry["path"] = place / entry["name"]
        if "outcome" in entry:
            yield {**entry, "seconds": time.monotonic() - start}
            begun = None
        else:
            begun, start = entry, time.monotonic()


def _line(process: "subprocess.Popen[bytes]", wait_s: float) -> bytes:
    """The next line of its standard output; what there is of it where it ends or hangs."""
    assert process.stdout
    found, deadline = b"", time.monotonic() + wait_s
    known = psutil.Process(process.pid)
    began_s = sum(known.cpu_times()[:2])
    while time.monotonic() < deadline and not found.endswith(b"\n"):
        if select.select([process.stdout], [], [], 1)[0]:
            byte = os.read(process.stdout.fileno(), 1)
            if not byte:
                process.wait()
                return found
            found += byte
        elif wait_s == HANG_S and sum(known.cpu_times()[:2]) - began_s > HANG_CPU_S:
            return found
    return found
