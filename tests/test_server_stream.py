"""The live stream, through a real WebSocket."""

import asyncio
import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from websockets import Origin
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from fast_style.options import ServerOptions
from fast_style.server.service import Service
from fast_style.server.stream import stream

from .conftest import picture
from .serving import RUNTIME, as_file, distance, in_process, opened, reference, save_model

PHOTO = picture(60, 44)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save_model(folder / "many.pth", "oil", "chalk", "sand", seed=2)
    return folder


@pytest.fixture(scope="module")
def client(models: Path) -> Iterator[httpx.Client]:
    with in_process(ServerOptions(models=models, body_mb=1, pixels_mp=0.1, streams=2)) as client:
        yield client


@pytest.fixture
def socket(client: httpx.Client) -> Iterator[ClientConnection]:
    with connect(address(client)) as socket:
        yield socket


def address(client: httpx.Client) -> str:
    return f"{str(client.base_url).replace('http', 'ws').rstrip('/')}/v1/stream"


def live(models: Path, image: Image.Image, **controls: Any) -> Image.Image:
    """The picture as a frame, with the defaults of live sources."""
    return Image.fromarray(reference(models / "many.pth")(np.asarray(image), **controls))


def told(socket: ClientConnection) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(socket.recv(10))
    return content


def frame(socket: ClientConnection) -> tuple[dict[str, Any], bytes]:
    about = told(socket)
    assert about["type"] == "frame", about
    data = socket.recv(10)
    assert isinstance(data, bytes)
    return about, data


def test_jpeg_frames(socket: ClientConnection, models: Path) -> None:
    socket.send(json.dumps({"style": "chalk", "strength": 0.5, "quality": 95}))
    settings = told(socket)
    assert (settings["type"], settings["style"], settings["model"]) == ("settings", "chalk", "many")
    sent = as_file(PHOTO, "JPEG")
    socket.send(sent)
    about, data = frame(socket)
    assert (about["frame"], about["width"], about["height"], about["dropped"]) == (0, 60, 44, 0)
    expected = live(models, opened(sent), style="chalk", strength=0.5)
    assert distance(opened(data), expected) < 3  # JPEG


def test_raw_frames_and_masks(socket: ClientConnection, models: Path) -> None:
    mask = Image.linear_gradient("L").resize((60, 44))
    masks = {"": base64.b64encode(as_file(mask)).decode()}
    raw = {"input": "raw", "format": "raw", "width": 60, "height": 44, "feather": 0, "masks": masks}
    socket.send(json.dumps(raw))
    assert told(socket)["input"] == "raw"
    socket.send(PHOTO.tobytes())
    _, data = frame(socket)
    expected = live(models, PHOTO, mask=mask, feather=0)
    assert distance(Image.frombytes("RGB", (60, 44), data), expected) < 0.1
    socket.send(PHOTO.tobytes()[1:])
    assert told(socket)["error"] == "a raw frame of 60x44 has 7920 bytes"


def test_the_newest_frame_wins_and_order_is_kept(socket: ClientConnection, models: Path) -> None:
    size = 200
    socket.send(json.dumps({"input": "raw", "format": "raw", "width": size, "height": size}))
    told(socket)
    frames = [Image.new("RGB", (size, size), (8 * i, 0, 255 - 8 * i)) for i in range(30)]
    for image in frames:
        socket.send(image.tobytes())
    shown: list[int] = []
    while not shown or shown[-1] < 29:
        about, data = frame(socket)
        shown.append(about["frame"])
        assert about["dropped"] == about["frame"] + 1 - len(shown)
        if len(shown) in (1, 2):
            expected = live(models, frames[about["frame"]])
            assert distance(Image.frombytes("RGB", (size, size), data), expected) < 0.1
    assert shown == sorted(set(shown))
    assert len(shown) < 30


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ("nonsense", "settings are a JSON object"),
        ("[1]", "settings are a JSON object"),
        ({"strength": 7}, "strength is 7.0; it takes 0 to 1.5"),
        ({"strength": "NaN"}, "strength is 'NaN'; it should be a finite number"),
        ('{"strength": NaN}', "strength is nan; it should be a finite number"),
        ('{"size": 1e308}', "size is 1e+308"),
        ({"input": "raw", "width": 10**400, "height": 1}, "raw frames need a width and height"),
        ("[" * 5000 + "]" * 5000, "settings are a JSON object"),
        ('{"masks": ' * 5000 + "1" + "}" * 5000, "settings are a JSON object"),
        ({"style": "fog"}, "no model has the style 'fog'"),
        ({"style": ["oil"]}, "style is ['oil']; it should be a valid string"),
        ({"shine": 1}, "unknown field 'shine'"),
        ({"input": "gif"}, "input is 'gif'; it should be 'jpeg' or 'raw'"),
        ({"format": ["raw"]}, "format is ['raw']; it should be 'jpeg' or 'raw'"),
        ({"input": "raw"}, "raw frames need a width and height"),
        ({"input": "raw", "width": 10**6, "height": 10**6}, "raw frames need a width and height"),
        ({"width": -9}, "width is -9; it should be greater than or equal to 0"),
        ({"masks": "x"}, "masks is 'x'; it should be an object"),
        ({"masks": {"oil": "?"}}, "masks.oil is '?'; data should be valid base64"),
        ({"masks": {"": "AAAA"}}, "mask is not a readable picture"),
        ({"model": {"a": 1}}, "model is {'a': 1}; it should be a valid string"),
        ({"quality": 1000}, "quality is 1000; it should be less than or equal to 100"),
    ],
    ids=str,
)
def test_bad_settings_are_told_and_change_nothing(socket: ClientConnection, settings: Any, text: str) -> None:
    socket.send(settings if isinstance(settings, str) else json.dumps(settings))
    answer = told(socket)
    assert answer["type"] == "error"
    assert text in answer["error"]
    socket.send(as_file(PHOTO, "JPEG"))
    assert opened(frame(socket)[1]).size == PHOTO.size


def test_bad_frames_are_told(socket: ClientConnection) -> None:
    for data in (b"", b"nothing", as_file(PHOTO)[:500], as_file(picture(400, 300))):
        socket.send(data)
        assert told(socket)["type"] == "error"
    socket.send(as_file(PHOTO, "JPEG"))
    assert frame(socket)[0]["frame"] == 4


def test_origin_token_and_number_of_streams(client: httpx.Client, models: Path) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(address(client), origin=Origin("https://example.org")).__enter__()
    with connect(address(client), origin=Origin(str(client.base_url).rstrip("/"))):
        pass
    with in_process(ServerOptions(models=models, token="s3cret", streams=1)) as guarded:
        with pytest.raises(InvalidStatus, match="403"):
            connect(address(guarded)).__enter__()
        with connect(f"{address(guarded)}?token=s3cret"), pytest.raises(InvalidStatus, match="403"):
            connect(f"{address(guarded)}?token=s3cret").__enter__()
        deadline = time.monotonic() + 5
        while "fast_style_streams 0.0" not in guarded.get("/metrics", params={"token": "s3cret"}).text:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_frame_larger_than_the_limit_closes_the_stream(client: httpx.Client) -> None:
    with connect(address(client)) as socket:
        socket.send(b"x" * 1_100_000)
        with pytest.raises(Exception, match="1009"):
            socket.recv(10)
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG")
    assert client.post("/v1/stylize", content=buffer.getvalue()).status_code == 200


class SlowSocket:
    """A WebSocket whose handshake waits."""

    def __init__(self, wait: asyncio.Event) -> None:
        self.headers: dict[str, str] = {}
        self.query_params: dict[str, str] = {}
        self.accepted = False
        self.reason = ""
        self._wait = wait

    async def accept(self) -> None:
        await self._wait.wait()
        self.accepted = True

    async def receive(self) -> dict[str, str]:
        await asyncio.sleep(0.01)
        return {"type": "websocket.disconnect"}

    async def close(self, code: int, reason: str) -> None:
        self.reason = reason


def test_the_limit_on_streams_holds_under_simultaneous_handshakes(models: Path) -> None:
    service = Service(ServerOptions(models=models, streams=2), RUNTIME)

    async def scene() -> list[SlowSocket]:
        go = asyncio.Event()
        sockets = [SlowSocket(go) for _ in range(9)]
        tasks = [asyncio.create_task(stream(one, service)) for one in sockets]  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        go.set()
        await asyncio.gather(*tasks)
        return sockets

    sockets = asyncio.run(scene())
    assert [one.accepted for one in sockets].count(True) == 2
    assert [one.reason for one in sockets].count("all streams are taken") == 7
    assert service.streams == 0
    service.close()


def test_many_simultaneous_handshakes_over_the_network(client: httpx.Client) -> None:
    def attempt(_: int) -> bool:
        try:
            with connect(address(client)) as opened:
                together.wait(20)
                opened.ping().wait(10)
                return True
        except InvalidStatus:
            together.wait(20)
            return False

    together = threading.Barrier(12)
    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(attempt, range(12))).count(True) == 2


def test_masks_of_a_stream_are_limited_before_they_are_decoded(socket: ClientConnection) -> None:
    large = base64.b64encode(as_file(Image.new("L", (250, 250)))).decode()
    for masks, text in [
        ({"oil": large, "sand": large}, "pixels together than the limit"),
        ({"oil": large, "fog": large}, "no style 'fog'"),
        ({"oil": large, "": large}, "a style each"),
        ({f"style {number}": "AAAA" for number in range(17)}, "masks is"),
    ]:
        socket.send(json.dumps({"model": "many", "masks": masks}))
        assert text in told(socket)["error"]
