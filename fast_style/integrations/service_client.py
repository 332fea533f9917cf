"""Call a running service (`fast-style serve`) with Python's standard library alone.

The plug-ins for editors carry a copy of this file: their Python has no other packages, and may be as old as 3.8.
"""

from __future__ import annotations

import http.client
import json
import socket
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

ADDRESS = "http://127.0.0.1:8000/"
CONNECT_S = 5.0
# Longer than the service's own limit for a picture, after which it answers by itself.
ANSWER_S = 120.0
# From the best picture to the fastest.
KINDS = ("full", "lite", "nano", "video")
# What users read of the choices that the service takes, the default first.
COLORS = {"none": "Of the style", "luminance": "Of the layer", "statistics": "Palette of the layer"}
STROKES = {"medium": "Medium", "fine": "Fine", "bold": "Bold"}


class ServiceError(Exception):
    """Report what went wrong in one plain line."""


class Cancelled(Exception):
    """Report that the call was given up."""


@dataclass(frozen=True)
class Network:
    """Hold one network of the service and the style in it."""

    style: str
    model: str
    kind: str
    """full, lite or nano (quicker), or video."""


@dataclass(frozen=True)
class Painting:
    """Hold a painting and the networks that were trained on it, the best first."""

    title: str
    networks: tuple[Network, ...]
    preview: str
    """Address of the thumbnail, relative to the service."""


@dataclass(frozen=True)
class Controls:
    """Define how a layer is painted."""

    network: Network
    strength: float = 1.0
    preserve_color: str = "none"
    strokes: str = "medium"
    stroke_scale: float = 1.0
    """1 paints at the layer's own size; 2 at half of it, which makes strokes twice as large."""

    def fields(self, width: int, height: int) -> dict[str, str]:
        """Return the service's fields for a picture of that size in px."""
        size = max(1, round(min(width, height) / self.stroke_scale))
        chosen = {
            "style": self.network.style,
            "model": self.network.model,
            "strength": f"{self.strength:g}",
            "preserve_color": self.preserve_color,
            "strokes": self.strokes,
            "feather": "0",  # the selection has the edges that its maker gave it
            "format": "png",
        }
        return chosen if self.stroke_scale == 1 else {**chosen, "size": str(size)}


class ServiceClient:
    """Make one call after the other; `cancel` gives up the one in work from another thread."""

    def __init__(self, address: str = ADDRESS) -> None:
        """Take an address as `fast-style serve` prints it, with or without #token=SECRET. Raises ServiceError."""
        try:
            parts = urlsplit(address.strip() if "://" in address else f"http://{address.strip()}")
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError:  # such as "http://[::1"
            parts, self._host = urlsplit(""), ""
        if parts.scheme not in ("http", "https") or not self._host:
            raise ServiceError(f"{address!r} is no address of a service; it looks like {ADDRESS}")
        self.address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"
        self._path = parts.path.rstrip("/")
        self._token = parse_qs(parts.fragment).get("token", [""])[0]
        self._connection: http.client.HTTPConnection | None = None
        self._cancelled = False

    def paintings(self) -> list[Painting]:
        """Return the paintings of the service. Raises ServiceError or Cancelled, as every call does."""
        try:
            return group(json.loads(self._call("GET", "/v1/styles"))["styles"])
        except (ValueError, KeyError, TypeError):
            raise ServiceError(f"what answers at {self.address} is no service of fast_style") from None

    def thumbnail(self, painting: Painting) -> bytes:
        """Return the thumbnail of a painting, a JPEG file."""
        return self._call("GET", f"/{painting.preview}")

    def paint(self, picture: bytes, fields: dict[str, str], mask: bytes | None = None) -> bytes:
        """Return a picture file, painted. mask: a grey picture file; white is painted, black stays."""
        address = f"/v1/stylize?{urlencode(fields, quote_via=quote)}"
        if mask is None:
            return self._call("POST", address, picture, "application/octet-stream")
        body, kind = _form({"image": picture, "mask": mask})
        return self._call("POST", address, body, kind)

    def cancel(self) -> None:
        """Give up the call in work, and every later one; the service drops the work whose client has gone."""
        self._cancelled = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _call(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        headers = {"Content-Type": kind} if kind else {}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            status, answer = self._exchange(method, self._path + path, body, headers)
        except (OSError, UnicodeError, http.client.HTTPException) as error:  # UnicodeError: of the token
            self._check()
            raise ServiceError(f"The service stopped answering ({_reason(error)})") from error
        self._check()
        if status != 200:
            raise ServiceError(_message(status, answer))
        return answer

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = self._connection = self._connected()
        try:
            self._check()
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            self._connection = None
            connection.close()

    def _connected(self) -> http.client.HTTPConnection:
        secure = self.address.startswith("https:")
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=CONNECT_S)
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
            self._check()
            text = f"No service answers at {self.address} ({_reason(error)}). Start one: fast-style serve"
            raise ServiceError(text) from error
        connection.sock.settimeout(ANSWER_S)
        return connection

    def _check(self) -> None:
        if self._cancelled:
            raise Cancelled


def group(styles: list[dict[str, Any]]) -> list[Painting]:
    """Return the paintings of the service's list of styles, in its order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for style in styles:
        key = f"{style['title']}|{style['artist']}" if style["title"] else style["name"]
        found.setdefault(key, []).append(style)
    return [_painting(same) for same in found.values()]


def _painting(styles: list[dict[str, Any]]) -> Painting:
    best = sorted(styles, key=lambda style: KINDS.index(style["kind"]) if style["kind"] in KINDS else len(KINDS))
    networks = tuple(Network(style["name"], style["model"], style["kind"]) for style in best)
    name = styles[0]["name"].replace("_", " ")
    return Painting(styles[0]["title"] or name[:1].upper() + name[1:], networks, best[0]["preview"])


def _form(files: dict[str, bytes]) -> tuple[bytes, str]:
    """Return the body of a form with files, and its content type."""
    boundary = uuid.uuid4().hex
    parts = []
    for name, data in files.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.png"\r\n\r\n'
        parts += [head.encode(), data, b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def _message(status: int, answer: bytes) -> str:
    if status == 401:
        return "The service wants its token: enter its address as it printed it, with #token=..."
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, KeyError, TypeError):
        return f"The service answered with the status {status}"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
