"""Serve the live stream: settings as JSON and frames in, frames out in order; a newer frame replaces a waiting one.

Client to service: a text message with settings (any time; the fields of /v1/stylize, with `input` and `format` of jpeg
or raw, `width` and `height` of raw frames, `masks` as {STYLE: base64 of a picture}, and `style_image` as base64 of
a painting), or a binary message with a frame.
Service to client: {"type": "settings", ...} once they apply, {"type": "error", "error": ...}, and for each frame
{"type": "frame", "frame": its number from 0, "dropped": frames so far that a newer one replaced, "width", "height",
"time_ms"} followed by a binary message with the picture.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..images import Picture
from ..inference.masks import Mask
from ..options import StylizeOptions
from ..stylizer import Stylizer
from . import access, fields, requests, uploads
from .cancellation import Cancelled
from .memory import largest_size, pixels_in_work
from .repository import ServedModel
from .service import Service

# A reason for closing may have 123 bytes.
REASON_CHARACTERS = 120


@dataclass(frozen=True)
class Settings:
    """Define what the frames of a stream are, and what to make of them."""

    options: StylizeOptions
    model: str = ""
    input: str = "jpeg"
    width: int = 0
    height: int = 0
    output: str = "jpeg"
    quality: int = fields.FRAME_QUALITY
    masks: tuple[Mask, ...] = ()
    painted: ServedModel | None = None
    """The model that has looked at a painting, until other settings come; None without one."""


@dataclass
class LatestFrame:
    """Keep one frame: a newer one replaces it."""

    frame: bytes | None = None
    number: int = -1
    dropped: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, frame: bytes) -> None:
        """Keep this frame; the one before it is dropped, unless it was taken."""
        self.dropped += self.frame is not None
        self.frame = frame
        self.number += 1
        self.arrived.set()

    async def take(self) -> bytes:
        """Wait for a frame and return it."""
        await self.arrived.wait()
        self.arrived.clear()
        frame, self.frame = self.frame, None
        assert frame is not None  # set together with the event
        return frame


async def stream(socket: WebSocket, service: Service) -> None:
    """Serve one connection of /v1/stream to its end."""
    try:
        access.check_token(socket, service.options.token)
        access.check_origin(socket, service.options)
        with service.streaming():  # before the handshake, during which others may come
            await socket.accept()
            await Stream(socket, service).run()
    except HTTPException as error:
        await socket.close(1008, error.detail[:REASON_CHARACTERS])  # before it is accepted: HTTP 403


class Stream:
    """Serve one open connection."""

    def __init__(self, socket: WebSocket, service: Service) -> None:
        self._socket = socket
        self._service = service
        self._settings = Settings(StylizeOptions(memory=service.options.memory))
        self._latest = LatestFrame()

    async def run(self) -> None:
        """Receive and answer until the client closes."""
        tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._answer())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, WebSocketDisconnect):
                raise end

    async def _receive(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("bytes") is not None:
                self._latest.put(message["bytes"])
            else:
                await self._change_settings(message.get("text") or "")

    async def _change_settings(self, text: str) -> None:
        try:
            default = self._service.options.look
            given = await asyncio.to_thread(fields.from_json, fields.StreamSettings, text, default)
            options = given.options(self._service.options.memory)
            masks, painting = given.masks or {}, given.style_image
            models = self._service.models
            model = requests.choose_model(models, given.model, options, masks, painting is not None)
            self._check_raw_size(given.input, given.width, given.height)
            found = await self._decode_masks(model, masks) if masks else ()
            painted = None if painting is None else await self._look_at(model, painting)
        except HTTPException as error:
            await self._send({"type": "error", "error": error.detail})
            return
        raw = (given.input, given.width, given.height)
        self._settings = Settings(options, given.model, *raw, given.format, given.quality, found, painted)
        known = {name: getattr(options, name) for name in fields.OPTIONS}
        await self._send({"type": "settings", **known, "model": model.name, "input": given.input})

    def _check_raw_size(self, kind: str, width: int, height: int) -> None:
        limit = self._service.options.pixels
        if kind == "raw" and not 0 < width * height <= limit:
            raise HTTPException(400, f"raw frames need a width and height of at most {limit} pixels")

    async def _decode_masks(self, model: ServedModel, files: Mapping[str, bytes]) -> tuple[Mask, ...]:
        """Decode masks within the service's limits of memory and time. Raises HTTPException."""
        limit = self._service.options.pixels

        def work(_: Stylizer) -> tuple[Mask, ...]:
            pixels = sum(requests.measure_masks(files, limit))
            with self._service.budget.reserve(pixels):
                return requests.decode_masks(files)

        return await self._service.run(model, work)

    async def _look_at(self, model: ServedModel, painting: bytes) -> ServedModel:
        """Return the model with the style of a painting, within the limits as for masks. Raises HTTPException."""

        def work(_: Stylizer) -> ServedModel:
            seen = requests.decode_painting(painting, self._service.budget, self._service.options.pixels)
            with requests.plain_errors():
                return model.with_painting(seen)

        return await self._service.run(model, work)

    async def _answer(self) -> None:
        while True:
            frame = await self._latest.take()
            number, dropped = self._latest.number, self._latest.dropped
            start = time.perf_counter()
            try:
                data, width, height = await self._stylize(frame, self._settings)
            except HTTPException as error:
                self._service.metrics.frames.labels("error").inc()
                await self._send({"type": "error", "error": error.detail, "frame": number})
                continue
            except Cancelled:
                continue
            time_ms = round(1000 * (time.perf_counter() - start), 1)
            about = {"width": width, "height": height, "dropped": dropped, "time_ms": time_ms}
            await self._send({"type": "frame", "frame": number, **about})
            await self._socket.send_bytes(data)
            self._service.metrics.frames.labels("shown").inc()

    async def _stylize(self, frame: bytes, settings: Settings) -> tuple[bytes, int, int]:
        model = settings.painted or self._service.models.find(settings.model, settings.options.style)
        limit = self._service.options.pixels

        def work(stylizer: Stylizer) -> tuple[bytes, int, int]:
            with self._service.budget.reserve(frame_pixels(frame, settings, limit)):
                return stylize_frame(stylizer, frame, settings)

        return await self._service.run(model, work)

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._socket.send_text(json.dumps(message))


def frame_pixels(frame: bytes, settings: Settings, limit: int) -> int:
    """Return what a frame takes of the pixel budget. Raises HTTPException for one that is damaged or too large."""
    if settings.input == "raw":
        size = (settings.width, settings.height)
        if len(frame) != 3 * size[0] * size[1]:
            raise HTTPException(400, f"a raw frame of {size[0]}x{size[1]} has {3 * size[0] * size[1]} bytes")
    else:
        size = uploads.measure(frame, "frame", limit)
    masks = [mask.image.width * mask.image.height for mask in settings.masks]
    return pixels_in_work(largest_size(settings.options, *size, limit), masks)


def stylize_frame(stylizer: Stylizer, frame: bytes, settings: Settings) -> tuple[bytes, int, int]:
    """Stylize a frame (a file, or raw RGB); return it in the stream's format, with its width and height."""
    if settings.input == "raw":
        pixels = np.frombuffer(frame, np.uint8).reshape(settings.height, settings.width, 3)
    else:
        pixels = np.asarray(uploads.decode(frame, "frame").rgb)
    with requests.plain_errors():
        result: NDArray[np.uint8] = stylizer(pixels, settings.options, settings.masks or None)
    height, width = result.shape[:2]
    if settings.output == "raw":
        return result.tobytes(), width, height
    return requests.encode(Picture.from_pixels(result, "JPEG"), settings.quality), width, height
