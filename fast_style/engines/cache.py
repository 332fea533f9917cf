"""Keep exported models in the user's cache, by the content of their checkpoint: the second start needs no torch."""

import hashlib
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import platformdirs

from ..system.atomic import atomic_path

# The oldest go when there is more than this: about seventy full networks.
LIMIT_BYTES = 500 * 10**6
log = logging.getLogger(__name__)
_PACKAGE = Path(__file__).parents[1]
# The code that makes a graph of a checkpoint: what an older one does not say is an option's default.
MADE_BY = ("models/*.py", "export/*.py", "options/network.py")


def folder() -> Path:
    """Return the cache folder; on Linux `$XDG_CACHE_HOME/fast_style/engines` or `~/.cache/fast_style/engines`."""
    return platformdirs.user_cache_path("fast_style", appauthor=False) / "engines"


def exported(checkpoint: Path, kind: str, make: Callable[[Path], bytes]) -> bytes:
    """Return what `make` makes of the checkpoint's content, from the cache when it was made before.

    A file that is damaged is made anew. A folder that cannot be written costs time, never the result.
    """
    path = folder() / f"{_key(checkpoint)}.{kind}"
    content = _read(path)
    if content is None:
        content = make(checkpoint)
        log.warning("the first run of %s has exported it, which later ones need not", checkpoint.name)
        with suppress(OSError):
            with atomic_path(path) as temporary:
                temporary.write_bytes(hashlib.sha256(content).digest() + content)
            _trim(path.parent)
    return content


def _key(checkpoint: Path) -> str:
    """Digest of the checkpoint and of our code that makes a graph of it, so that no change of either is missed."""
    made_by = sorted(path for part in MADE_BY for path in _PACKAGE.glob(part))
    digest = hashlib.sha256()
    for path in (checkpoint, *made_by):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        whole = path.read_bytes()
        os.utime(path)  # the ones in use stay
    except OSError:
        return None
    content = whole[32:]
    return content if hashlib.sha256(content).digest() == whole[:32] else None


def _trim(place: Path) -> None:
    found = [(path, path.stat()) for path in place.iterdir() if path.is_file()]
    total = 0
    for path, status in sorted(found, key=lambda pair: pair[1].st_mtime, reverse=True):
        total += status.st_size
        if total > LIMIT_BYTES:
            path.unlink(missing_ok=True)
