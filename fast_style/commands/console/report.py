"""Tell what became of each input of `stylize`: a line, JSON, and an entry of the manifest."""

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .manifest import Manifest
from .messages import write_line

if TYPE_CHECKING:
    from .planning import Job

log = logging.getLogger(__name__)


class Report:
    """Print a line for each result on standard output, and one for each problem on standard error."""

    def __init__(self, prog: str, manifest: Path | None, as_json: bool, quiet: bool) -> None:
        """Take the program's name, the file for `Manifest`, and whether lines are JSON or left out."""
        self._prog, self._json, self._quiet = prog, as_json, quiet
        self._manifest = Manifest(manifest) if manifest else None
        self.failures = 0

    def done(self, job: "Job", size: tuple[int, int], seconds: float) -> None:
        """Tell that a result is written. size: width and height in px. What goes to standard output has no line."""
        if self._manifest:
            self._manifest.add(name_of(job), job.target, "done", seconds)
        if job.target is None:
            return
        if self._json:
            known = {"width": size[0], "height": size[1], "seconds": round(seconds, 3)}
            self._print({"input": name_of(job), "output": str(job.target), **known})
        elif not self._quiet:
            write_line(f"{job.target}  {size[0]}x{size[1]}  {seconds:.1f} s", sys.stdout)

    def skipped(self, job: "Job") -> None:
        """Note in the manifest that a result exists."""
        if self._manifest:
            self._manifest.add(name_of(job), job.target, "skipped")

    def failed(
        self, problem: str, source: str | None = None, target: Path | None = None, seconds: float | None = None
    ) -> None:
        """Tell that something could not be done, with `--debug` where the error that is handled was raised."""
        self.failures += 1
        if sys.exc_info()[0]:
            log.debug("where it was raised", exc_info=True)
        problem = " ".join(problem.splitlines())
        if self._json:
            self._print({**({"input": source} if source else {}), "error": problem})
        if self._manifest and source:
            self._manifest.add(source, target, "failed", seconds, problem)
        write_line(f"{self._prog}: {problem}", sys.stderr)

    def _print(self, entry: dict[str, object]) -> None:
        write_line(json.dumps(entry, ensure_ascii=False), sys.stdout)


def name_of(job: "Job") -> str:
    """Return the name of a job's input for the user."""
    return str(job.source) if job.source else "standard input"
