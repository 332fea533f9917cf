"""Write files atomically: a reader, or a crash, sees the old content or the whole new content, never a part."""

import os
import platform
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

TEMPORARY_PREFIX = ".fast_style-"
"""How the names of temporary files begin. Host and process follow, by which leftovers of killed programs are known; the
name is short, so that a result may have a name of any length that the file system takes."""

# Longer than any extension that a writer looks at; what comes after a dot in a long name need not be one.
_LONGEST_SUFFIX = 12


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, with the same extension, that replaces `path` when the block succeeds.

    The folder is made. The content, and then the folder's entry, are flushed to disk. When the block raises, the
    temporary file is deleted and `path` stays as it was. Raises OSError where the folder cannot be written to.
    """
    with _temporary(path) as temporary:
        yield temporary
        put_in_place({temporary: path})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: none is replaced before all of them are on the disk. Raises OSError."""
    with ExitStack() as stack:
        moves = {stack.enter_context(_temporary(path)): path for path in contents}
        for temporary, path in moves.items():
            temporary.write_bytes(contents[path])
        put_in_place(moves)


def put_in_place(moves: Mapping[Path, Path]) -> None:
    """Flush whole files to the disk, then give them the names that they are to have, on the same file system."""
    for written in moves:
        _flush(written)
    for written, path in moves.items():
        written.replace(path)
    if sys.platform != "win32":  # where folders cannot be opened
        for folder in {path.parent for path in moves.values()}:
            with suppress(OSError):  # some network file systems do not know it; the file is there and whole
                _flush(folder)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Yield an empty file beside `path`, in a folder that is made; it is deleted where it was not moved away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep_once(path.parent.absolute())
    suffix = path.suffix if len(path.suffix) <= _LONGEST_SUFFIX else ""
    handle, name = tempfile.mkstemp(
        prefix=f"{TEMPORARY_PREFIX}{_host()}-{os.getpid()}-", suffix=suffix, dir=path.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files for their owner alone; these are ordinary results
        yield temporary
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


@cache
def _sweep_once(folder: Path) -> None:
    """Delete what killed programs left in a folder, once for each folder that this process writes to."""
    remove_stale(folder)


def remove_stale(folder: Path) -> None:
    """Delete the temporary files in a folder whose process, on this machine, was killed; others are left alone."""
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        host, _, rest = path.name.removeprefix(TEMPORARY_PREFIX).partition("-")
        process = rest.partition("-")[0]
        if host == _host() and process.isdigit() and not _is_alive(int(process)):
            with suppress(OSError):
                path.unlink()


def _host() -> str:
    """Return a short name of this machine: folders may be shared by several."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":  # where os.kill would end it; leftovers stay until they are deleted by hand
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
