"""Keep a manifest: a file with one line of JSON for each input, which says what became of it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

try:
    import fcntl
except ImportError:  # Windows, where short appended lines have to do without a lock
    fcntl = None  # type: ignore[assignment]


class Manifest:
    """Append lines to a file that other processes, also on other machines, may append to at the same time.

    The last line of an input counts: one that failed and is tried again has two.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises OSError where it cannot be written."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
        self._finished = {entry.get("input") for entry in _entries(path) if entry.get("status") in ("done", "skipped")}

    def add(
        self,
        source: str,
        target: Path | None,
        status: Literal["done", "skipped", "failed"],
        seconds: float | None = None,
        error: str | None = None,
    ) -> None:
        """Append what became of an input. seconds: the time it took.

        An input that is skipped, because its result exists, gets a line only where no earlier run has left one.
        """
        if status == "skipped" and source in self._finished:
            return
        taken = None if seconds is None else round(seconds, 3)
        output = None if target is None else str(target)
        entry = {"input": source, "output": output, "status": status, "seconds": taken, "error": error}
        # In ASCII: names that are not UTF-8 have no other form. In one write: a process may be killed at any time.
        line = json.dumps(entry).encode("ascii") + b"\n"
        with self._path.open("a+b") as file, _locked(file):
            file.write(line if _ends_with_newline(file) else b"\n" + line)


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of a manifest, without lines that a killed process left unfinished."""
    for line in path.read_bytes().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def _ends_with_newline(file: BinaryIO) -> bool:
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


@contextmanager
def _locked(file: BinaryIO) -> Iterator[None]:
    """Keep other processes from appending; network file systems, whose appends overlap, know these locks too."""
    if fcntl is None:
        yield
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:  # a file system without locks
        yield
        return
    try:
        yield
        file.flush()
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
