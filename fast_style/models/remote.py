"""Fetch models by address, such as https://.../mine.pth and hf://user/repo/mine.pth, into the user's cache.

Imports no torch. What is in the cache is used without asking the server again. `#sha256=` and 64 hexadecimal digits at
the end of an address accept no other content. Only what the user names is fetched: no request of the service gets here.
"""

import hashlib
import logging
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ..errors import FastStyleError
from ..system.file_digest import sha256

SUFFIXES = (".pth", ".pt", ".model", ".safetensors", ".onnx")
LIMIT_BYTES = 200 * 10**6
HUB = "https://huggingface.co"
"""Where hf:// leads, unless HF_ENDPOINT names another place, as for the hub's own programs."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Address:
    """Hold the parts of the address of a model."""

    url: str
    """Where the file is, over https."""
    file_name: str
    sha256: str | None
    """Digest that the content must have."""

    @property
    def cached(self) -> Path:
        """Return where the file lies once it was fetched: in a folder of its own, for a name without additions."""
        return folder() / hashlib.sha256(self.url.encode()).hexdigest()[:16] / self.file_name


def folder() -> Path:
    """Return the cache folder; on Linux `$XDG_CACHE_HOME/fast_style/models` or `~/.cache/fast_style/models`."""
    import platformdirs  # what lies on the disk is read without it

    return platformdirs.user_cache_path("fast_style", appauthor=False) / "models"


def is_address(model: str) -> bool:
    """Return whether that is an address, neither a path nor a shipped name."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", model) is not None


def parse(text: str) -> Address:
    """Return the parts of an address. Raises FastStyleError for one that is not protected or names no model."""
    from ..system.downloads import is_protected  # with the libraries of the network, which paths need not wait for

    location, _, fragment = text.partition("#")
    url = _on_hub(location) if location.startswith("hf://") else location
    try:
        protected, path = is_protected(url), unquote(urlsplit(url).path)
    except ValueError as error:
        raise FastStyleError(f"{location}: no address ({error})") from error
    if not protected:
        raise FastStyleError(f"{location}: a model is fetched over https:// or hf:// alone")
    name = re.sub(r"[^\w.-]", "_", PurePosixPath(path).name)[-100:]
    if not name.lower().endswith(SUFFIXES):
        raise FastStyleError(f"{location}: names no model; an address ends with {', '.join(SUFFIXES)}")
    pin = re.fullmatch(r"sha256=([0-9a-fA-F]{64})", fragment)
    if fragment and not pin:
        raise FastStyleError(f"{location}: after # stands sha256= and 64 hexadecimal digits, or nothing")
    return Address(url, name, pin[1].lower() if pin else None)


def _on_hub(location: str) -> str:
    """Return the address of hf://user/repo[@revision]/path/to/file."""
    match = re.fullmatch(r"hf://([\w.-]+/[\w.-]+)(?:@([\w.-]+))?/([\w./-]+)", location)
    if not match or ".." in location.split("/"):
        raise FastStyleError(f"{location}: write hf://user/repo/file.pth, or hf://user/repo@revision/file.pth")
    return f"{os.environ.get('HF_ENDPOINT', HUB).rstrip('/')}/{match[1]}/resolve/{match[2] or 'main'}/{match[3]}"


def local(model: str) -> Path:
    """Return the path of that text, or of the file of that address, which is fetched where the cache lacks it.

    Raises FastStyleError for addresses that cannot be used, and what `downloads.fetch` raises.
    """
    if not is_address(model):
        return Path(model)
    address = parse(model)
    path = address.cached
    if path.is_file() and address.sha256 in (None, sha256(path)):
        return path
    from ..system.downloads import fetch

    try:
        fetch(address.url, path, address.sha256, limit_bytes=LIMIT_BYTES, resume=False, extra="share")
    except FastStyleError:
        with suppress(OSError):  # it holds an older content, or was never made
            path.parent.rmdir()
        raise
    digest = sha256(path)
    pin = "" if address.sha256 else f"; add #sha256={digest} to the address to accept no other file"
    log.warning("fetched %s, %.1f MB, SHA-256 %s%s", address.url, path.stat().st_size / 1e6, digest, pin)
    return path
