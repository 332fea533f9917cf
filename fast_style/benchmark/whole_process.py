"""Time whole processes, from the shell to the written file: a second run of `stylize.py` against a plain script."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from .. import images
from ..errors import FastStyleError

# Run, not imported: on Linux a new process counts its parent's memory as its own peak, so the parent stays small.
PLAIN = Path(__file__).with_name("plain.py")
OURS = "from fast_style.commands import run, stylize; raise SystemExit(run(stylize.main, prog='stylize.py'))"


@dataclass
class Process:
    """Hold a command, and the time and memory of each run."""

    name: str
    command: Sequence[str | Path]
    seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)

    def data(self, other: "Process") -> dict[str, str | float]:
        """Return the medians, and their ratios to those of `other`."""
        time_s, peak = median(self.seconds), median(self.peak_bytes)
        ratio = median(other.seconds) / time_s
        share = peak / median(other.peak_bytes)
        return {"process": self.name, "seconds": time_s, "peak_mb": peak / 1e6, "ratio": ratio, "memory_share": share}


def compare(
    model: Path, photo: Path, size: tuple[int, int], runs: int, on_run: Callable[[], None] = lambda: None
) -> list[dict[str, str | float]]:
    """Run the plain script and `stylize.py` in turn on a photograph at that size; return the figures of both.

    The first run of each is not timed. on_run: called after each run. Raises FastStyleError when a command fails, and
    on Windows, which does not tell a process's memory.
    """
    if not hasattr(os, "wait4"):
        raise FastStyleError("the memory of whole processes can be measured on Linux and macOS only")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.jpg", Path(folder) / "out.jpg"
        images.read(photo).rgb.resize(size).save(source, quality=95)
        script = Process("plain", [sys.executable, PLAIN, model, source, target])
        flags: list[str | Path] = ["--model", model, source, "-o", target, "--overwrite", "--quiet", "--device", "cpu"]
        flags += ["--strokes", "fine", "--noise", "0"]  # the same work: one pass over the photograph as it is
        ours = Process("stylize.py", [sys.executable, "-c", OURS, *flags])
        for turn in range(1 + runs):
            for process in (script, ours):
                _run(process, keep=turn > 0)
                on_run()
    return [process.data(script) for process in (script, ours)]


def _run(process: Process, keep: bool) -> None:
    start = time.perf_counter()
    # A second run finds the bytecode that the first one left, whatever the surroundings say.
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen([str(part) for part in process.command], env=surroundings)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise FastStyleError(f"{process.name} ended with code {child.returncode}")
    if keep:
        process.seconds.append(time.perf_counter() - start)
        process.peak_bytes.append(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
