"""Write files atomically: a reader, or a crash, sees the old content or the whole new content, never a part."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY_PREFIX = ".fast_style-"
"""How the names of temporary files begin. The rest is short and random, so that a result may have a name of any length
that the file system takes."""

# Longer than any extension that a writer looks at; what comes after a dot in a long name need not be one.
_LONGEST_SUFFIX = 12


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, with the same extension, that replaces `path` when the block succeeds.

    The folder is made. The content, and then the folder's entry, are flushed to disk. When the block raises, the
    temporary file is deleted and `path` stays as it was. Raises OSError where the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix if len(path.suffix) <= _LONGEST_SUFFIX else ""
    handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files for their owner alone; these are ordinary results.
        temporary.chmod(0o666 & ~_umask())
        _flush(temporary)
        temporary.replace(path)
        if sys.platform != "win32":  # where folders cannot be opened
            with suppress(OSError):  # some network file systems do not know it; the file is there and whole
                _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Wait until the disk has what was written to a file, or the entries of a folder."""
    # Windows flushes only what is open for writing.
    handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
