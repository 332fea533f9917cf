"""Download files over HTTPS, verified by SHA-256; resumably where that is asked for."""

import http.client
import ipaddress
import logging
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import FastStyleError

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30

Report = Callable[[int, int], None]
"""Called with what is done and what there is in all (0 where the server does not say)."""


def fetch(
    url: str,
    target: Path,
    sha256: str | None,
    report: Report = lambda done, total: None,
    limit_bytes: int | None = None,
    resume: bool = True,
    extra: str = "train",
) -> None:
    """Download `url` to `target` and verify its SHA-256, where one is given.

    A target that is there and has the digest, or any where none is given, is not fetched again. limit_bytes: the most
    that is accepted. resume: an interrupted download is kept as `target`.part and continues from there. extra: the one
    that brings pooch. Redirects lead to https alone, or from this machine to itself. Raises FastStyleError when pooch
    is missing, the server cannot be reached, sends less than it announced, more than the limit or a web page, or the
    content is another one; what came is not kept then, but for the part of a resumable download.
    """
    try:
        import pooch
    except ImportError as error:
        raise FastStyleError(f'downloads need the package pooch: pip install "fast_style[{extra}]"') from error
    pooch.get_logger().setLevel(logging.WARNING)
    download = _Download(target.with_name(target.name + ".part") if resume else None, report, limit_bytes)
    try:
        pooch.retrieve(url, sha256, target.name, target.parent, downloader=download)
    except ValueError as error:  # pooch's word for another digest
        raise FastStyleError(f"{url}: not the file that is expected (SHA-256 differs); nothing was kept") from error
    except OSError as error:
        raise FastStyleError(f"{target}: {error.strerror or error}") from error


def is_protected(url: str) -> bool:
    """Return whether what comes from there is what the server sent: over https, or from this machine by http."""
    return urlsplit(url).scheme == "https" or _is_own(url)


def _is_own(url: str) -> bool:
    """Return whether an address is of this machine, by http."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        return False
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:  # a name
        return False


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Refuse to be led to an unprotected place, or from elsewhere to this machine."""

    def redirect_request(self, request: Any, file: Any, code: int, reason: str, headers: Any, target: str) -> Any:
        if urlsplit(target).scheme != "https" and not (_is_own(target) and _is_own(request.full_url)):
            raise FastStyleError(f"{request.full_url}: redirects to {target}, which is not https; nothing was kept")
        return super().redirect_request(request, file, code, reason, headers, target)


class _Download:
    """Download for pooch as its own downloaders do; a file `part` keeps what has come when the connection breaks."""

    def __init__(self, part: Path | None, report: Report, limit_bytes: int | None) -> None:
        self.part, self.report, self.limit_bytes = part, report, limit_bytes
        self.opener = urllib.request.build_opener(_Redirects)

    def __call__(self, url: str, output_file: str, *_: Any) -> None:
        file = self.part or Path(output_file)
        have = file.stat().st_size if self.part and file.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        try:
            with self.opener.open(request, timeout=TIMEOUT_S) as response:
                self._receive(url, response, file, have)
        except urllib.error.HTTPError as error:
            if error.code != 416 or not have:  # 416: nothing left to send, the part is whole
                reason = " ".join(str(error.reason).split())
                raise FastStyleError(f"{url}: the server answers {error.code} {reason}") from error
        except ValueError as error:  # such as a name that no host can have
            raise FastStyleError(f"{url}: no address of a file ({error})") from error
        except (OSError, http.client.HTTPException) as error:
            then = "the same command continues it" if self.part else "try again"
            raise FastStyleError(f"{url}: download broke off ({error}); {then}") from error
        if self.part:
            shutil.move(self.part, output_file)

    def _receive(self, url: str, response: http.client.HTTPResponse, path: Path, have: int) -> None:
        if response.headers.get_content_type() == "text/html":
            raise FastStyleError(f"{url}: a web page, not a file; name the address of the file itself")
        if response.status != 206:  # the server begins anew
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else 0
        self._check_size(url, total)
        with path.open("ab" if have else "wb") as file:
            while chunk := response.read(CHUNK_BYTES):
                have += len(chunk)
                self._check_size(url, have)
                file.write(chunk)
                self.report(have, total)
        if have < total:
            raise OSError(f"{have} of {total} bytes came")

    def _check_size(self, url: str, size: int) -> None:
        if self.limit_bytes is not None and size > self.limit_bytes:
            raise FastStyleError(f"{url}: larger than {self.limit_bytes / 1e6:.0f} MB, the most that is accepted")
