"""Download COCO photographs to train on: over HTTPS, resumably, verified by SHA-256, then unpack them."""

import http.client
import logging
import shutil
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import FastStyleError
from ..system.atomic import atomic_path

URL = "https://s3.amazonaws.com/images.cocodataset.org/zips/{split}.zip"
"""The bucket behind http://images.cocodataset.org, whose own name has no certificate."""
SHA256 = {
    "val2017": "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
    "train2017": "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
    "test2017": "c7908c3c9f94ba2f3340ebbeec58c25db6be8774f18d68c2f15d0e369d95baba",
}
"""Digests of the archives: 5,000 photographs in 0.8 GB, 118,287 in 18 GB, 40,670 in 6 GB."""
CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30

Report = Callable[[int, int], None]
"""Called with what is done and what there is in all (0 where the server does not say)."""


def fetch(url: str, archive: Path, sha256: str | None, report: Report = lambda done, total: None) -> None:
    """Download `url` to `archive` and verify its SHA-256; an interrupted download continues from `archive`.part.

    An archive that is there and has the digest is not fetched again. Raises FastStyleError when the package pooch is
    missing, the server cannot be reached or sends less than it announced, or the content is another one.
    """
    try:
        import pooch
    except ImportError as error:
        raise FastStyleError('downloads need the package pooch: pip install "fast_style[train]"') from error
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        pooch.retrieve(url, sha256, archive.name, archive.parent, downloader=_ResumableDownload(archive, report))
    except ValueError as error:  # pooch's word for another digest
        raise FastStyleError(f"{url}: not the file that is expected (SHA-256 differs); nothing was kept") from error
    except OSError as error:
        raise FastStyleError(f"{archive}: {error.strerror or error}") from error


class _ResumableDownload:
    """Download for pooch as its own downloaders do, and keep what has come when the connection breaks."""

    def __init__(self, archive: Path, report: Report) -> None:
        self.part, self.report = archive.with_name(archive.name + ".part"), report

    def __call__(self, url: str, output_file: str, *_: Any) -> None:
        have = self.part.stat().st_size if self.part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                self._receive(response, have)
        except urllib.error.HTTPError as error:
            if error.code != 416:  # 416: nothing left to send, the part is whole
                raise FastStyleError(f"{url}: the server answers {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            raise FastStyleError(f"{url}: download broke off ({error}); the same command continues it") from error
        shutil.move(self.part, output_file)

    def _receive(self, response: http.client.HTTPResponse, have: int) -> None:
        if response.status != 206:  # the server begins anew
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else 0
        with self.part.open("ab" if have else "wb") as file:
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)
                have += len(chunk)
                self.report(have, total)
        if have < total:
            raise OSError(f"{have} of {total} bytes came")


def unpack(archive: Path, folder: Path, report: Report = lambda done, total: None) -> int:
    """Unpack the pictures of a zip into `folder`, skipping those already there; return how many there are.

    Every file is verified by the archive's CRC-32. Raises FastStyleError for a damaged archive, which is removed.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in opened.infolist() if not m.is_dir()]
            for done, member in enumerate(members, 1):
                target = folder / Path(member.filename).name
                if not target.exists() or target.stat().st_size != member.file_size:
                    with atomic_path(target) as temporary:
                        temporary.write_bytes(opened.read(member))
                report(done, len(members))
            return len(members)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        archive.unlink()
        raise FastStyleError(f"{archive}: damaged ({error}) and removed; the same command fetches it anew") from error
