"""Watch a folder: yield each picture once per change, as soon as it is written to its end."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ... import images
from ...errors import FastStyleError
from ...system.folders import files_below

# Milliseconds between two looks at files that are being written.
POLL_MS = 100

Version = tuple[int, int]


class Pending:
    """Keep files that changed until they have stayed the same for a while.

    clock: returns the time in seconds.
    """

    def __init__(self, settle_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle_s, self._clock = settle_s, clock
        self._waiting: dict[Path, tuple[Version, float]] = {}
        self._done: dict[Path, Version] = {}

    def note(self, path: Path) -> None:
        """Take in a file that changed, or that is there."""
        self._waiting.setdefault(path, ((-1, -1), 0.0))

    def ready(self) -> Iterator[Path]:
        """Yield the files that have not changed for long enough, each once per change."""
        for path, (before, since) in list(self._waiting.items()):
            now = _version(path)
            if now is None or now == self._done.get(path):
                del self._waiting[path]
                if now is None:
                    self._done.pop(path, None)
            elif now != before:
                self._waiting[path] = (now, self._clock())
            elif self._clock() - since >= self._settle_s:
                del self._waiting[path]
                self._done[path] = now
                yield path


def _version(path: Path) -> Version | None:
    """Time and size of a file; None for one that is gone, or still empty."""
    try:
        known = path.stat()
    except OSError:
        return None
    return (known.st_mtime_ns, known.st_size) if known.st_size else None


def changed_pictures(
    folder: Path, outside: Path, is_new: Callable[[Path], bool], stopped: Callable[[], bool], settle_s: float = 1.0
) -> Iterator[Path]:
    """Yield pictures below `folder` that are there and `is_new`, then each that is added or changed, until `stopped`.

    outside: a folder whose files do not count, even when it lies inside. settle_s: how long a file must stay the same
    to count as written to its end. Raises FastStyleError when the package that watches is missing.
    """
    try:
        import watchfiles
    except ModuleNotFoundError as error:
        raise FastStyleError('watching needs more packages: pip install "fast_style[serve]"') from error

    class Stop:
        is_set = staticmethod(stopped)

    pending = Pending(settle_s)
    watched = watchfiles.watch(
        folder, watch_filter=None, stop_event=Stop(), rust_timeout=POLL_MS, yield_on_timeout=True, debounce=POLL_MS
    )
    looked = False
    for changes in watched:
        paths = [Path(name) for _, name in changes]
        # Only now, when nothing that comes in between can be missed: what is there, and what a new folder already held
        # when it began to be watched.
        fresh = [Path(name) for kind, name in changes if kind == watchfiles.Change.added] if looked else [folder]
        paths += [path for place in fresh if place.is_dir() for path in files_below(place, outside) if is_new(path)]
        looked = True
        for path in sorted(paths):
            if _counts(path, folder, outside):
                pending.note(path)
        for path in pending.ready():
            yield path
            if stopped():
                return


def _counts(path: Path, folder: Path, outside: Path) -> bool:
    """Whether a path below `folder` is a picture to paint."""
    return images.is_picture_file(path, folder) and outside not in path.parents
