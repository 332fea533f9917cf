"""The service in a process of its own under load: many clients, hostile ones, too many, and the end."""

import contextlib
import http.client
import itertools
import random
import re
import signal
import socket
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from .conftest import picture
from .serving import Running, as_file, distance, opened, reference, save_model, service

pytestmark = pytest.mark.slow
CLIENTS = 32


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save_model(folder / "many.pth", "oil", "chalk", "sand", seed=2)
    return folder


def send(port: int, content: bytes, query: str = "", timeout_s: float = 60) -> tuple[int, bytes, dict[str, str]]:
    """One request on a connection of its own: status, body, headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("POST", f"/v1/stylize?{query}", content)
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


@pytest.mark.alone
def test_2000_requests_from_32_clients(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stylizer = reference(models / "many.pth")
    pictures = [picture(*size, seed) for seed, size in enumerate([(48, 32), (32, 48), (40, 40), (64, 48)] * 3)]
    queries = ["style=oil", "style=chalk&strength=0.5", "style=oil=0.5,sand=0.5&preserve_color=luminance"]
    answers = {}
    for (i, image), query in itertools.product(enumerate(pictures), queries):
        wanted: dict[str, Any] = dict(part.split("=", 1) for part in query.split("&"))
        strength = float(wanted.pop("strength", 1))
        answers[i, query] = stylizer.stylize(image, strength=strength, **wanted)
    files = [as_file(image) for image in pictures]
    works = random.Random(0).choices(list(answers), k=2000)
    seconds: list[float] = []
    wrong: list[object] = []
    with service(models, "--queue", "64") as running:

        def ask(work: tuple[int, str]) -> None:
            start = time.perf_counter()
            status, data, _ = send(running.port, files[work[0]], work[1])
            seconds.append(time.perf_counter() - start)
            if status != 200 or distance(opened(data), answers[work]) > 2:
                wrong.append((status, work))

        process = psutil.Process(running.process.pid)
        with ThreadPoolExecutor(CLIENTS) as pool:
            start = time.perf_counter()
            list(pool.map(ask, works[:500]))
            warm = process.memory_info().rss
            list(pool.map(ask, works[500:]))
            took = time.perf_counter() - start
        grown = process.memory_info().rss / warm
        batches = running.metric("batch_size_sum") / running.metric("batch_size_count")
    assert not wrong
    assert len(seconds) == 2000
    p50, p95, p99 = (1000 * np.percentile(seconds, share) for share in (50, 95, 99))
    with capsys.disabled():
        print(f"\n2000 requests, {CLIENTS} clients: {2000 / took:.0f} a second, p50 {p50:.0f} ms, p95 {p95:.0f} ms,")
        print(
            f"p99 {p99:.0f} ms, {batches:.2f} pictures a batch, memory {warm / 1e6:.0f} MB, grown to {grown:.3f} of it"
        )
    assert grown < 1.05
    assert batches > 1


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has hardly any data."""
    chunks = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")):
        chunks += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return chunks


def hostile_bodies(count: int) -> Iterator[tuple[bytes, str]]:
    """Bodies and content types that are no pictures, or worse."""
    rng = random.Random(1)
    goods = [as_file(picture(48, 32), kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")]
    form = b'--b\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n'
    for number in range(count):
        good = rng.choice(goods)
        kind = number % 8
        if kind == 0:
            yield good[: rng.randrange(len(good))], "image/jpeg"
        elif kind == 1:
            damaged = bytearray(good)
            for _ in range(20):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            yield bytes(damaged), "image/png"
        elif kind == 2:
            yield png_header(rng.choice([10**5, 2**31 - 1]), rng.choice([10**5, 2**31 - 1])), "image/png"
        elif kind == 3:
            yield rng.randbytes(rng.randrange(5000)), "application/octet-stream"
        elif kind == 4:
            yield form + good[: rng.randrange(len(good))], "multipart/form-data; boundary=b"
        elif kind == 5:
            yield rng.choice([b"{}", b"<svg/>", b"GIF89a", b"%PDF-1.4", b"\xff\xd8\xff", b"BM" + b"\xff" * 60]), "a/b"
        elif kind == 6:
            yield b"x" * 2_100_000, "image/jpeg"
        else:
            yield form.replace(b"image", b"mask:\xff\0") + good + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def slow_sender(port: int) -> int:
    """Declares much and sends a little at a time; the status that ends it, or 0 for a closed connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"POST /v1/stylize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(40):
                connection.sendall(b"x")
                time.sleep(0.1)
        return status_of(connection)


def status_of(connection: socket.socket) -> int:
    try:
        found = re.match(rb"HTTP/1.1 (\d+)", connection.recv(1000))
    except ConnectionError:
        return 0
    return int(found.group(1)) if found else 0


def silent(port: int) -> int:
    """Says nothing at all, or half a head; the service hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(random.choice([b"", b"POST /v1/sty"]))
        return status_of(connection)


def gone(port: int) -> int:
    """Leaves in the middle of the body, or before the answer."""
    whole = as_file(picture(64, 64))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        length = len(whole) + random.choice([0, 0, 500])
        connection.sendall(b"POST /v1/stylize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % length)
        connection.sendall(whole)
    return 0


def test_500_hostile_bodies(models: Path) -> None:
    good = as_file(picture(48, 32))
    expected = reference(models / "many.pth").stylize(picture(48, 32))
    with service(models, "--body-mb", "2", "--pixels-mp", "1", "--upload-s", "1.5") as running:

        def post(body: tuple[bytes, str]) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
            with contextlib.closing(connection):
                connection.request("POST", "/v1/stylize", body[0], {"Content-Type": body[1]})
                answer = connection.getresponse()
                answer.read()
                return answer.status

        works: list[Callable[[], int]] = [lambda body=body: post(body) for body in hostile_bodies(400)]  # type: ignore[misc]
        for kind, count in ((slow_sender, 20), (silent, 20), (gone, 60)):
            works += [lambda kind=kind: kind(running.port)] * count  # type: ignore[misc]
        random.Random(2).shuffle(works)
        start = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as pool:
            statuses = Counter(pool.map(lambda work: work(), works))
        took = time.monotonic() - start
        status, data, _ = send(running.port, good)
        assert status == 200
        assert distance(opened(data), expected) < 2
        deadline = time.monotonic() + 10
        while running.metric("working") + running.metric("queue_length"):
            assert time.monotonic() < deadline
    assert sum(statuses.values()) == 500
    assert not [status for status in statuses if status >= 500 and status != 503], statuses
    assert statuses[408] == 20, statuses
    assert statuses[413] >= 50
    assert statuses[415] >= 50
    assert took < 60
    assert not [line for line in running.lines if "Traceback" in line], running.lines


def offered(running: Running, file: bytes, per_s: float, seconds: float) -> tuple[Counter[int], list[float]]:
    """Requests at a fixed rate, whatever becomes of them: statuses, and the times of the 503s."""
    statuses: Counter[int] = Counter()
    refused_s: list[float] = []
    lock = threading.Lock()

    def ask() -> None:
        start = time.perf_counter()
        status, _, headers = send(running.port, file)
        with lock:
            statuses[status] += 1
            if status == 503:
                refused_s.append(time.perf_counter() - start)
                assert int(headers["retry-after"]) >= 1

    with ThreadPoolExecutor(200) as pool:
        begin = time.perf_counter()
        asked = []
        for number in range(int(per_s * seconds)):
            time.sleep(max(0.0, begin + number / per_s - time.perf_counter()))
            asked.append(pool.submit(ask))
        for one in asked:
            one.result()
    return statuses, refused_s


@pytest.mark.alone
def test_twice_the_capacity(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = as_file(Image.effect_noise((192, 192), 60).convert("RGB"), "JPEG")
    with service(models, "--queue", "16") as running:
        with ThreadPoolExecutor(12) as pool:  # closed loop: as fast as it goes
            list(pool.map(lambda _: send(running.port, file), range(30)))
            start = time.perf_counter()
            list(pool.map(lambda _: send(running.port, file), range(150)))
            capacity = 150 / (time.perf_counter() - start)
        start = time.perf_counter()
        statuses, refused_s = offered(running, file, 2 * capacity, 8)
        served = statuses[200] / (time.perf_counter() - start)
    with capsys.disabled():
        print(f"\ncapacity {capacity:.0f} a second; offered {2 * capacity:.0f}: served {served:.0f}, {dict(statuses)},")
        print(f"503 after p50 {1000 * np.median(refused_s):.0f} ms, p95 {1000 * np.percentile(refused_s, 95):.0f} ms")
    assert set(statuses) == {200, 503}
    assert served > 0.8 * capacity
    assert np.percentile(refused_s, 95) < 0.5


@pytest.mark.alone
def test_sigterm_under_load(models: Path) -> None:
    file = as_file(picture(256, 256))
    with service(models) as running:
        with ThreadPoolExecutor(CLIENTS) as pool:
            asked = [pool.submit(send, running.port, file) for _ in range(CLIENTS)]
            deadline = time.monotonic() + 20
            while running.metric("working") + running.metric("queue_length") < CLIENTS / 2:
                assert time.monotonic() < deadline
            while not all_connected(running, asked):
                assert time.monotonic() < deadline
            running.process.send_signal(signal.SIGTERM)
            statuses = Counter(one.result()[0] for one in asked)
        assert statuses == {200: CLIENTS}
        assert running.process.wait(30) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(running.url)


def all_connected(running: Running, asked: Sequence[object]) -> bool:
    """Whether the service has every request: answered, in work, or waiting."""
    known = running.metric("working") + running.metric("queue_length")
    return known + running.metric("requests_total") >= len(asked)
