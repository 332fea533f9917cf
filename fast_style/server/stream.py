"""The live stream: settings as JSON and frames in, frames out in order, the newest frame first.

Client to service: a text message with settings (any time; the fields of /v1/stylize, with `input` and `format` of jpeg
or raw, `width` and `height` of raw frames, `masks` as {STYLE: base64 of a picture}), or a binary message with a frame.
Service to client: {"type": "settings", ...} once they hold, {"type": "error", "error": ...}, and for each frame
{"type": "frame", "frame": its number from 0, "dropped": those before it that were passed over, "width", "height",
"time_ms"} followed by a binary message with the picture.
"""

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..images import Picture
from ..inference.masks import Mask
from ..options import StylizeOptions
from ..stylizer import Stylizer
from . import limits, requests
from .errors import Dropped, RequestError
from .models import Model
from .service import Service

QUALITY = 85
KINDS = ("jpeg", "raw")
OWN = ("input", "width", "height", "masks")


@dataclass(frozen=True)
class Settings:
    """What a stream's frames are, and what is made of them."""

    how: StylizeOptions
    model: str = ""
    input: str = "jpeg"
    width: int = 0
    height: int = 0
    output: str = "jpeg"
    quality: int = QUALITY
    masks: tuple[Mask, ...] = ()


@dataclass
class Newest:
    """The one frame that waits; a newer one takes its place."""

    frame: bytes | None = None
    number: int = -1
    dropped: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, frame: bytes) -> None:
        """Keep this frame; the one before it, if not taken yet, is dropped."""
        self.dropped += self.frame is not None
        self.frame = frame
        self.number += 1
        self.came.set()

    async def take(self) -> bytes:
        """The newest frame, as soon as there is one."""
        await self.came.wait()
        self.came.clear()
        frame, self.frame = self.frame, None
        assert frame is not None  # set together with the event
        return frame


async def stream(socket: WebSocket, service: Service) -> None:
    """Serve one connection of /v1/stream to its end."""
    try:
        limits.check_token(socket, service.options.token)
        limits.check_origin(socket, service.options.cors)
        if service.streams >= service.options.streams:
            raise RequestError(503, "all streams are taken")
    except RequestError as error:
        await socket.close(1008, str(error)[:120])  # before it is accepted: HTTP 403
        return
    await socket.accept()
    service.streams += 1
    try:
        await Stream(socket, service).run()
    finally:
        service.streams -= 1


class Stream:
    """One open connection."""

    def __init__(self, socket: WebSocket, service: Service) -> None:
        self._socket = socket
        self._service = service
        self._settings = Settings(requests.base(service.options))
        self._newest = Newest()

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
                self._newest.put(message["bytes"])
            else:
                await self._set(message.get("text") or "")

    async def _set(self, text: str) -> None:
        try:
            settings = await asyncio.to_thread(settings_from, text, self._service)
            model = self._service.models.get(settings.model, settings.how.style)
        except RequestError as error:
            await self._say({"type": "error", "error": str(error)})
            return
        self._settings = settings
        how = {name: value for name, value in vars(settings.how).items() if name in requests.fields.kinds()}
        await self._say({"type": "settings", **how, "model": model.name, "input": settings.input})

    async def _answer(self) -> None:
        while True:
            frame = await self._newest.take()
            number, dropped = self._newest.number, self._newest.dropped
            start = time.perf_counter()
            try:
                data, width, height = await self._stylize(frame, self._settings)
            except RequestError as error:
                self._service.metrics.frames.labels("error").inc()
                await self._say({"type": "error", "error": str(error), "frame": number})
                continue
            except Dropped:
                continue
            time_ms = round(1000 * (time.perf_counter() - start), 1)
            told = {"width": width, "height": height, "dropped": dropped, "time_ms": time_ms}
            await self._say({"type": "frame", "frame": number, **told})
            await self._socket.send_bytes(data)
            self._service.metrics.frames.labels("shown").inc()

    async def _stylize(self, frame: bytes, settings: Settings) -> tuple[bytes, int, int]:
        model: Model = self._service.models.get(settings.model, settings.how.style)
        pixels = self._service.options.pixels

        def work(stylizer: Stylizer) -> tuple[bytes, int, int]:
            with self._service.budget.take(frame_pixels(frame, settings, pixels)):
                return stylize_frame(stylizer, frame, settings, pixels)

        return await self._service.run(model, work)

    async def _say(self, message: Mapping[str, Any]) -> None:
        await self._socket.send_text(json.dumps(message))


def settings_from(text: str, service: Service) -> Settings:
    """Settings from JSON. Raises RequestError."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise RequestError(400, 'settings are a JSON object, as in {"strength": 0.5}')
    rest = {name: value for name, value in given.items() if name not in (*OWN, "format", "type")}
    asked = requests.wanted({"quality": QUALITY, **rest}, b"", {}, service.options)
    found = requests.read_masks(_decoded(given.get("masks")), service.options.pixels)
    settings = Settings(asked.how, asked.model, quality=asked.quality, masks=found)
    kinds = {"input": given.get("input", "jpeg"), "output": given.get("format", "jpeg")}
    sides = {name: given.get(name, 0) for name in ("width", "height")}
    if not all(kind in KINDS for kind in kinds.values()):
        raise RequestError(400, "input and format of a stream take jpeg or raw")
    if not all(type(side) is int and side >= 0 for side in sides.values()):
        raise RequestError(400, "width and height of raw frames are whole numbers")
    if kinds["input"] == "raw" and not 0 < sides["width"] * sides["height"] <= service.options.pixels:
        raise RequestError(400, f"raw frames need a width and height of at most {service.options.pixels} pixels")
    return replace(settings, **kinds, **sides)


def _decoded(given: Any) -> dict[str, bytes]:
    if not isinstance(given or {}, dict):
        raise RequestError(400, "masks are {STYLE: base64 of a picture}")
    try:
        return {str(style): base64.b64decode(data, validate=True) for style, data in (given or {}).items()}
    except (binascii.Error, TypeError, ValueError):
        raise RequestError(400, "masks are {STYLE: base64 of a picture}") from None


def frame_pixels(frame: bytes, settings: Settings, most_pixels: int) -> int:
    """Pixels of a frame, or of the largest picture on its way. Raises RequestError for what is none or too large."""
    if settings.input == "raw":
        size = (settings.width, settings.height)
        if len(frame) != 3 * size[0] * size[1]:
            raise RequestError(400, f"a raw frame of {size[0]}x{size[1]} has {3 * size[0] * size[1]} bytes")
    else:
        size = limits.measure(frame, "frame", most_pixels)
    return limits.pixels_of_sizes(settings.how, *size, most_pixels)


def stylize_frame(stylizer: Stylizer, frame: bytes, settings: Settings, most_pixels: int) -> tuple[bytes, int, int]:
    """The frame (JPEG and other files, or raw RGB) stylized, in the stream's format, with its width and height."""
    if settings.input == "raw":
        image = Image.frombytes("RGB", (settings.width, settings.height), frame)
    else:
        image = limits.decode(frame, "frame", most_pixels).rgb
    with requests.plain_errors():
        result = stylizer.stylize(image, settings.how, settings.masks or None)
    if settings.output == "raw":
        return result.tobytes(), result.width, result.height
    data = requests.encode(Picture(result, "JPEG", None, None), settings.quality)
    return data, result.width, result.height
