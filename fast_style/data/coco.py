"""COCO photographs to train on: downloaded resumably, checked, unpacked."""

import http.client
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from ..errors import FastStyleError
from ..system.atomic import atomic_path

# https://cocodataset.org/#download: 5,000 photographs in 0.8 GB, 118,287 in 18 GB, 40,670 in 6 GB.
URL = "http://images.cocodataset.org/zips/{split}.zip"
CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30

Progress = Callable[[int, int], None]
"""Called with what is done and what there is in all (0 where the server does not say)."""


def fetch(url: str, archive: Path, progress: Progress = lambda done, total: None) -> None:
    """Download `url` to `archive`; what an interrupted call left in `archive`.part is continued.

    Raises FastStyleError when the server cannot be reached, or sends less than it announced.
    """
    if archive.exists():
        return
    archive.parent.mkdir(parents=True, exist_ok=True)
    part = archive.with_name(archive.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            _receive(response, part, have, progress)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing left to send, the part is whole
            raise FastStyleError(f"{url}: the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise FastStyleError(f"{url}: download broke off ({error}); the same command continues it") from error
    part.replace(archive)


def _receive(response: http.client.HTTPResponse, part: Path, have: int, progress: Progress) -> None:
    if response.status != 206:  # the server begins anew
        have = 0
    length = response.headers.get("Content-Length")
    total = have + int(length) if length else 0
    with part.open("ab" if have else "wb") as file:
        while chunk := response.read(CHUNK_BYTES):
            file.write(chunk)
            have += len(chunk)
            progress(have, total)
    if have < total:
        raise OSError(f"{have} of {total} bytes came")


def unpack(archive: Path, folder: Path, progress: Progress = lambda done, total: None) -> int:
    """Unpack the pictures of a zip into `folder`, skipping those already there; returns how many there are.

    Every file is checked against the archive's CRC-32. Raises FastStyleError for a damaged archive, which is removed.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in opened.infolist() if not m.is_dir()]
            for done, member in enumerate(members, 1):
                target = folder / Path(member.filename).name
                if not target.exists() or target.stat().st_size != member.file_size:
                    with atomic_path(target) as temporary:
                        temporary.write_bytes(opened.read(member))
                progress(done, len(members))
            return len(members)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        archive.unlink()
        raise FastStyleError(f"{archive}: damaged ({error}) and removed; the same command fetches it anew") from error
