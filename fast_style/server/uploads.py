"""Bound uploads while they arrive, and measure pictures before they are decoded."""

import asyncio
import io
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from starlette.exceptions import HTTPException

from .. import images
from ..errors import FastStyleError
from ..images import Picture
from ..options import ServerOptions
from .messages import plain_message

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# Pillow's decoders that strangers may reach: what `images` writes, and the formats of phones, scanners and scientists.
DECODERS = frozenset({"JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM", "HEIF"})


def bounded(receive: Receive, options: ServerOptions, content_length: str | None) -> Receive:
    """Wrap `receive` of a request's body: HTTPException when too much comes (413), or when it takes too long (408)."""
    too_large = HTTPException(413, f"the request is larger than the limit of {options.body_mb:g} MB")
    if content_length and content_length.isdecimal() and int(content_length[:20]) > options.body_bytes:
        raise too_large
    received = 0
    deadline = asyncio.get_running_loop().time() + options.upload_s

    async def receive_in_time() -> MutableMapping[str, Any]:
        nonlocal received
        left_s = deadline - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, left_s))
        except asyncio.TimeoutError as error:
            text = f"the request took longer than {options.upload_s:g} s to arrive"
            raise HTTPException(408, text, {"Connection": "close"}) from error  # the rest is not waited for
        received += len(message.get("body", b""))
        if received > options.body_bytes:
            raise too_large
        return message

    return receive_in_time


def measure(data: bytes, name: str, limit: int) -> tuple[int, int]:
    """Return width and height of a picture from its header.

    name: what messages call it. Raises HTTPException: 400 empty, 413 more than `limit` pixels, 415 not readable.
    """
    if not data:
        raise HTTPException(400, f"{name} is empty; send a picture")
    try:
        width, height = images.measure(data, DECODERS)
    except FastStyleError as error:
        raise HTTPException(415, f"{name} is not a readable picture") from error
    if width < 1 or height < 1:
        raise HTTPException(415, f"{name} has no pixels")
    if width * height > limit:
        text = f"{name} has {width}x{height} pixels, more than the limit of {limit / 1e6:g} million pixels"
        raise HTTPException(413, text)
    return width, height


def decode(data: bytes, name: str) -> Picture:
    """Decode a picture whose size was measured, by the same decoder. Raises HTTPException (415) for a damaged one."""
    stream = io.BytesIO(data)
    stream.name = name
    try:
        picture = images.read(stream, DECODERS)
    except FastStyleError as error:
        raise HTTPException(415, plain_message(error)) from error
    # A damaged TIFF may have another type there, which Pillow hands on and cannot write.
    profile = picture.icc_profile if isinstance(picture.icc_profile, bytes) else None
    return replace(picture, icc_profile=profile)
