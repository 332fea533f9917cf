"""What is let in: checked while it arrives and before anything is decoded."""

import asyncio
import contextlib
import hmac
import io
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..images import Picture
from ..options import ServerOptions, StylizeOptions
from .errors import RequestError, sentence
from .worker import Ticket

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# How often one that waits looks whether its client is still there.
LOOK_S = 0.1
# Decoders that are worth exposing to strangers: what `images` writes, and phones' and scientists' plain kinds.
DECODERS = frozenset({"JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM", "HEIF"})


def limited(receive: Receive, options: ServerOptions, declared: str | None) -> Receive:
    """`receive` of a request's body that raises RequestError when too much comes (413), or too slowly (408)."""
    most = options.body_bytes
    too_large = RequestError(413, f"the request is larger than the limit of {options.body_mb:g} MB")
    if declared and declared.isdigit() and int(declared) > most:
        raise too_large
    got = 0
    deadline = asyncio.get_running_loop().time() + options.upload_s

    async def receive_some() -> MutableMapping[str, Any]:
        nonlocal got
        left = deadline - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, left))
        except asyncio.TimeoutError as error:
            raise RequestError(408, f"the request took longer than {options.upload_s:g} s to arrive") from error
        got += len(message.get("body", b""))
        if got > most:
            raise too_large
        return message

    return receive_some


class Budget:
    """Pixels that may be in work at a time: what bounds the memory, however many requests there are."""

    def __init__(self, pixels: int) -> None:
        self._free = pixels
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        """Wait for that many pixels and keep them. Raises Dropped when nobody waits for the picture any more."""
        ticket = Ticket.current()
        with self._changed:
            while pixels > self._free:
                ticket.check()
                self._changed.wait(LOOK_S)
            self._free -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()


def measure(data: bytes, what: str, most_pixels: int) -> tuple[int, int]:
    """Width and height of a picture, undecoded. Raises RequestError: 400 empty, 413 too large, 415 none."""
    if not data:
        raise RequestError(400, f"{what} is empty; send a picture")
    width, height = _size(data, what)
    if width * height > most_pixels:
        limit = f"{most_pixels / 1e6:g} million pixels"
        raise RequestError(413, f"{what} has {width}x{height} pixels, more than the limit of {limit}")
    return width, height


def decode(data: bytes, what: str, most_pixels: int) -> Picture:
    """A picture from bytes, its size looked at before its pixels. Raises RequestError as `measure` does."""
    measure(data, what, most_pixels)
    stream = io.BytesIO(data)
    stream.name = what
    try:
        return images.read(stream)
    except FastStyleError as error:
        raise RequestError(415, sentence(error)) from error


@cache
def _decoders() -> list[str]:
    """Those of DECODERS that this Pillow has; it loads them lazily and trips over one that it has not loaded."""
    Image.init()
    with contextlib.suppress(ImportError):
        pillow_heif = import_module("pillow_heif")
        pillow_heif.register_heif_opener()
    return [name for name in Image.OPEN if name in DECODERS]


def _size(data: bytes, what: str) -> tuple[int, int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limit is ours
            with Image.open(io.BytesIO(data), formats=_decoders()) as opened:
                return opened.size
    except Image.DecompressionBombError as error:
        raise RequestError(413, f"{what} has far too many pixels") from error
    except Exception as error:  # decoders raise whatever they trip over in a damaged file
        raise RequestError(415, f"{what} is not a readable picture") from error


def pixels_of_sizes(options: StylizeOptions, width: int, height: int, most_pixels: int) -> int:
    """Pixels of the largest picture on the way. Raises RequestError (413) when that is beyond the limit."""
    found = [width * height]
    for name in ("size", "output_size"):
        short = getattr(options, name)
        if short:
            found.append(int(short * short * max(width, height) / min(width, height)))
            if found[-1] > most_pixels:
                limit = f"{most_pixels / 1e6:g} million pixels"
                raise RequestError(413, f"{name} {short} makes the picture larger than the limit of {limit}")
    return max(found)


def check_token(connection: "HTTPConnection", token: str) -> None:
    """Raise RequestError (401) for a request without the token."""
    kind, _, given = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        given = connection.query_params.get("token", "")
    if token and not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise RequestError(401, "a token is needed: send `Authorization: Bearer TOKEN` or ?token=TOKEN")


def check_origin(connection: "HTTPConnection", allowed: tuple[str, ...]) -> None:
    """Raise RequestError (403) for a call from a page that is neither ours nor allowed; programs send no Origin."""
    origin = connection.headers.get("origin")
    if origin is None or "*" in allowed or origin in allowed:
        return
    if urlsplit(origin).netloc.lower() != connection.headers.get("host", "").lower():
        raise RequestError(403, f"pages of {origin} may not call this service; its owner may allow them with --cors")
