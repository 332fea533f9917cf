"""Try cases of one part, and tell what became of each as a line of JSON: `python -m tests.stress.worker ...`."""

import contextlib
import ctypes
import json
import os
import sys
import traceback
import warnings
from pathlib import Path
from random import Random
from typing import Any

from fast_style.errors import FastStyleError

from .parts import PARTS, Check, Part

PROGRAMS = frozenset({"os.system", "os.exec", "os.spawn", "os.posix_spawn", "subprocess.Popen", "pty.spawn"})
NETWORK = frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo"})
CLEAR_PEAK = "5"  # of /proc/PID/clear_refs
IN_ACCESS, IN_OPEN, IN_NONBLOCK = 0x1, 0x20, 0x800


def main(name: str, seed: str, first: str, place: str, given: str) -> None:
    """Run cases without end, or the one that is given; the runner ends this process."""
    part, folder = PARTS[name], Path(place)
    tell = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is printed is not for the runner
    warnings.simplefilter("error")
    (folder / "own").mkdir(exist_ok=True)
    check = part.open(folder / "own")
    guard = Guard(folder) if part.guarded else None
    number = int(first)
    while True:
        content = Path(given).read_bytes() if given else b""
        ending = Path(given).name.partition(".")[2]
        if not given:
            ending, content = check.make(Random(f"{seed} {name} {number}"))
        path = folder / f"{number}.{ending}"
        path.write_bytes(content)
        case = {"case": number, "name": path.name}
        print(json.dumps(case), file=tell)
        print(json.dumps({**case, **_tried(check, part, path, guard)}), file=tell)
        if given:
            return
        number += 1


def _tried(check: Check, part: Part, path: Path, guard: "Guard | None") -> dict[str, Any]:
    before = _memory_mb("VmRSS")
    _forget_peak()
    failure = ""
    try:
        outcome = check.run(path)
    except FastStyleError as error:
        text = error.with_flags()
        outcome, failure = "refused", f"more than a line: {text}" if "\n" in text else ""
    except MemoryError:
        outcome, failure = "memory", "MemoryError"
    except Exception:
        outcome, failure = "error", traceback.format_exc()[-1500:]
    peak = max(0.0, _memory_mb("VmHWM") - before)
    if peak > part.memory_mb:
        failure = failure or f"took {peak:.0f} MB"
    if guard and (found := guard.found()):
        failure = f"{'; '.join(found)} {failure}"
    return {"outcome": "failed" if failure else outcome, "failure": failure, "peak_mb": peak}


class Guard:
    """Notes programs that are started, connections, files written outside of the folder, and a stranger's file read."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._found = str(folder.resolve()), list[str]()
        self._secret = folder / "secret.txt"
        self._secret.write_text("a stranger's file\n")
        library = ctypes.CDLL(None, use_errno=True)
        self._watch = library.inotify_init1(IN_NONBLOCK) if sys.platform == "linux" else -1
        if self._watch >= 0:  # sees what libraries in C open, too
            library.inotify_add_watch(self._watch, os.fsencode(self._secret), IN_ACCESS | IN_OPEN)
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in PROGRAMS or event in NETWORK:
            self._found.append(f"{event} {arguments[:2]!r}"[:200])
        elif event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            mode, flags = arguments[1], arguments[2]
            writes = bool(flags & (os.O_WRONLY | os.O_RDWR)) if mode is None else any(c in mode for c in "wax+")
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if writes and not path.startswith((self._folder, "/dev/", "/proc/")) and "__pycache__" not in path:
                self._found.append(f"wrote {path}")

    def found(self) -> list[str]:
        """What was noted since the last call."""
        found, self._found = self._found, []
        try:
            if self._watch >= 0 and os.read(self._watch, 4096):
                found.append("read a stranger's file")
        except BlockingIOError:
            pass
        return found


def _memory_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines() if sys.platform == "linux" else []
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith(f"{name}:")), 0.0)


def _forget_peak() -> None:
    with contextlib.suppress(OSError):  # another system, or not allowed: the peak is that of all cases so far
        Path("/proc/self/clear_refs").write_text(CLEAR_PEAK)


if __name__ == "__main__":
    main(*sys.argv[1:])
