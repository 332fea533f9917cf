"""Hostile HTTP requests and stream messages, sent to the service as it runs: every one is answered, none with 500."""

import base64
import json
import logging
import re
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from fast_style.options import ServerOptions
from fast_style.server import fields

from ..conftest import picture
from ..serving import as_file, in_process, save_two
from .mutations import changed, damaged
from .parts import StressError
from .pictures import seeds

ANSWER_S, SILENT_S = 60, 5
# What a service may say when it is too busy, or when a request comes too slowly.
BUSY = (503, 504)
VALUES = (
    "",
    "1",
    "-1",
    "1e308",
    "-1e308",
    "nan",
    "inf",
    "1" * 400,
    "0x1",
    "a",
    "ink=1e308,ink=1e308",
    "ink=1,oil=0",
    "../x",
    "\0",
    "ink\r\nX: y",
    "%",
    "true",
    "wave",
    "é",
    "\udcff",
    "99999",
    "2147483648",
    "[]",
    "{}",
    "x" * 9000,
    "/etc/passwd",
)
HEADERS = (
    "Origin: http://[",
    "Origin: null",
    "Host: evil.example",
    "Host: ",
    "Content-Type: multipart/form-data",
    "Content-Type: multipart/form-data; boundary=",
    "Content-Type: text/plain; charset=x-nonsense",
    "Expect: 100-continue",
    "Content-Type: multipart/form-data; boundary=b; charset=utf-7",
    "Transfer-Encoding: chunked",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Authorization: Bearer \xff",
    "Cookie: " + "a" * 7000,
    "Range: bytes=0-",
    "Content-Encoding: gzip",
    "Upgrade: websocket",
    "Upgrade: h2c",
    "X: " + "\x01",
    "Connection: close, x",
)
PATHS = (
    "/v1/stylize",
    "/v1/stylize",
    "/v1/stylize",
    "/v1/styles",
    "/v1/styles/alone/ink.jpg",
    "/v1/styles/../../x.jpg",
    "/v1/styles/%00/%ff.jpg",
    "/metrics",
    "/docs",
    "/shared/../app.py",
    "/shared/%2e%2e/%2e%2e/errors.py",
    "//",
    "/%",
    "/v1/stream",
    "*",
    "/" + "a" * 5000,
)


PARTS = ("mask", "mask:ink", "mask:" + "x" * 500, "image", "style", "\xff")
FILES = ('; filename="x"', '; filename="x"', "", '; filename="../../x"', "; filename*=utf-9''%ff")


class Stress:
    """See the package."""

    def __init__(self, folder: Path) -> None:
        models = folder / "models"
        models.mkdir(exist_ok=True)
        self._ends = ExitStack()
        options = ServerOptions(models=save_two(models), body_mb=2, pixels_mp=1, upload_s=2, streams=4)
        self._client = self._ends.enter_context(in_process(options))
        self._port = int(self._client.base_url.port or 0)
        self._pictures = [data for _, data in seeds()]
        self._good = as_file(picture(12, 9))
        self._logged: list[str] = []
        handler = logging.Handler(logging.ERROR)
        handler.emit = lambda record: self._logged.append(record.getMessage())  # type: ignore[method-assign]
        for name in ("uvicorn.error", "fast_style", "asyncio"):
            logging.getLogger(name).addHandler(handler)

    def make(self, rng: Random) -> tuple[str, bytes]:
        if rng.random() < 0.35:
            messages = [self._message(rng) for _ in range(rng.choice((1, 1, 2, 5)))]
            return "stream", json.dumps(messages).encode()
        return "http", self._request(rng)

    def run(self, path: Path) -> str:
        data = path.read_bytes()
        said = self._stream(json.loads(data)) if path.suffix == ".stream" else self._http(data)
        answer = self._client.post("/v1/stylize", content=self._good, timeout=ANSWER_S)
        if answer.status_code != 200:
            raise StressError(f"a good request afterwards: {answer.status_code} {answer.text[:200]}")
        logged, self._logged[:] = list(self._logged), []
        if logged:
            raise StressError(f"logged: {logged[0]}")
        return said

    def close(self) -> None:
        self._ends.close()

    def _http(self, data: bytes) -> str:
        with socket.create_connection(("127.0.0.1", self._port), timeout=ANSWER_S) as connection:
            try:
                connection.sendall(data)
                connection.settimeout(SILENT_S)
                answer = connection.recv(4096)
            except ConnectionError:
                return "hung up"
            except TimeoutError:  # the head is not whole, and the service waits for the rest
                return "no answer"
        found = re.match(rb"HTTP/1.1 (\d+)", answer)
        status = int(found[1]) if found else 0
        if status >= 500 and status not in BUSY:
            raise StressError(f"status {status}: {answer[-300:]!r}")
        return f"{status // 100}xx" if status else "hung up"

    def _stream(self, messages: list[dict[str, str]]) -> str:
        try:
            with connect(f"ws://127.0.0.1:{self._port}/v1/stream", open_timeout=ANSWER_S, max_size=None) as opened:
                for message in messages:
                    text = message.get("text")
                    opened.send(base64.b64decode(message["bytes"]) if text is None else text)
                opened.send('{"model": "alone", "quality": 77}')
                while True:
                    answer = opened.recv(ANSWER_S)
                    about = json.loads(answer) if isinstance(answer, str) else {}
                    if about.get("type") == "settings" and about["model"] == "alone":
                        return "stream"
        except ConnectionClosed as error:
            if error.rcvd and error.rcvd.code == 1011:
                raise StressError(f"the stream broke: {error}") from error
            return "stream closed"

    def _request(self, rng: Random) -> bytes:
        body, kind = self._body(rng)
        query = "&".join(
            f"{rng.choice(NAMES)}={_escaped(rng.choice(VALUES), rng)}" for _ in range(rng.choice((0, 1, 1, 2, 9)))
        )
        method = rng.choice(("POST", "POST", "POST", "GET", "PUT", "OPTIONS", "HEAD", "X"))
        lines = [
            f"{method} {rng.choice(PATHS)}?{query} HTTP/1.1",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
        ]
        lines += [f"Host: 127.0.0.1:{self._port}", "Connection: close"]
        for _ in range(rng.choice((0, 0, 1, 3))):
            line = rng.choice(HEADERS)
            name = line.partition(":")[0]
            lines = [old for old in lines if rng.random() < 0.3 or not old.startswith(name)] + [line]
        whole = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body
        return damaged(whole, rng) if rng.random() < 0.2 else whole

    def _body(self, rng: Random) -> tuple[bytes, str]:
        data = rng.choice(self._pictures)
        data = damaged(data, rng, self._pictures) if rng.random() < 0.7 else data
        if rng.random() < 0.5:
            return data, "image/png"
        parts = [("image", data)] if rng.random() < 0.9 else []
        for _ in range(rng.choice((0, 1, 2, 30))):
            parts.append((rng.choice(PARTS), rng.choice(self._pictures)))
        form = b""
        for name, content in parts:
            head = f'--b\r\nContent-Disposition: form-data; name="{name}"{rng.choice(FILES)}\r\n\r\n'
            form += head.encode("latin-1") + content + b"\r\n"
        return form + rng.choice((b"--b--\r\n", b"")), "multipart/form-data; boundary=b"

    def _message(self, rng: Random) -> dict[str, str]:
        data = rng.choice(self._pictures)
        ways: tuple[Callable[[], dict[str, str]], ...] = (
            lambda: {"bytes": base64.b64encode(damaged(data, rng, self._pictures)).decode()},
            lambda: {"bytes": base64.b64encode(rng.randbytes(rng.choice((0, 1, 300)))).decode()},
            lambda: {"text": json.dumps(self._settings(rng))},
            lambda: {"text": json.dumps(changed(self._settings(rng), rng), default=repr)},
            lambda: {"text": rng.choice("[{") * rng.choice((10, 5000, 200_000))},
            lambda: {"text": damaged(json.dumps(self._settings(rng)).encode(), rng).decode("utf-8", "replace")},
        )
        return rng.choice(ways)()

    def _settings(self, rng: Random) -> dict[str, Any]:
        given: dict[str, Any] = {
            rng.choice(NAMES): rng.choice((*VALUES, 1, -1, 1e308, None, [], {}, True)) for _ in range(3)
        }
        if rng.random() < 0.4:
            masks = {
                rng.choice(("ink", "oil", "", "x")): rng.choice(self._pictures) for _ in range(rng.choice((1, 2, 40)))
            }
            given["masks"] = {style: base64.b64encode(mask).decode() for style, mask in masks.items()}
        return given


NAMES = [*fields.RequestFields.model_fields, *fields.StreamSettings.model_fields, "token", "memory", "mask", "x"]


def _escaped(value: str, rng: Random) -> str:
    if rng.random() < 0.1:
        return "".join(c for c in value if c not in " \r\n\0").encode("ascii", "replace").decode()
    return "".join(f"%{byte:02x}" for byte in value.encode("utf-8", "surrogateescape"))
