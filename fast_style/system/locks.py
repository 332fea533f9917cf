"""Keep two processes from writing the same files: a lock that ends with the process that holds it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PLACE = 1 << 30
"""Position of the locked byte, beyond the text of the file: Windows does not let others read what is locked."""


@contextmanager
def locked(path: Path) -> Iterator[int | None]:
    """Hold the lock file `path` during the block, where no other process does; the block gets who holds it else.

    Yields None where this process holds it, or where the file system knows no locks; else the number of the process
    that does, 0 where that is not known. The system releases the lock when its process ends, however it ends; the file
    goes with the block. Folders are made. A process may hold a lock twice, and then releases it with the first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, taken = _opened(path)
    try:
        if not taken:
            yield _holder(handle)
            return
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield None
    finally:
        if taken and sys.platform != "win32":
            path.unlink(missing_ok=True)  # while it is held: one who waits for it looks whether it is still the file
        os.close(handle)
        if taken and sys.platform == "win32":
            with suppress(OSError):  # another has opened it
                path.unlink()


def _opened(path: Path) -> tuple[int, bool]:
    """Open the file and lock it; return its handle and whether it is this process's now."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not _lock(handle):
            return handle, False
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle, True
        os.close(handle)  # its holder has just deleted it


def _lock(handle: int) -> bool:
    """Return whether no other process holds the lock; True too where the file system knows none."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _PLACE)
    except (BlockingIOError, PermissionError):  # which of them, POSIX leaves open
        return False
    except OSError:
        return True
    return True


def _holder(handle: int) -> int:
    os.lseek(handle, 0, os.SEEK_SET)
    text = os.read(handle, 20)
    return int(text) if text.isdigit() else 0
