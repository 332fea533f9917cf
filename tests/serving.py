"""What the tests of the service share: tiny models, pictures as files, the service in a process of its own."""

import contextlib
import io
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import numpy as np
import pytest
import torch
import uvicorn
from PIL import Image

from fast_style import Stylizer
from fast_style.models.architectures import build
from fast_style.models.checkpoint import Checkpoint
from fast_style.options import NetworkOptions, RuntimeOptions, ServerOptions
from fast_style.server.app import create_app
from fast_style.server.memory import PixelBudget

Arch = Literal["johnson", "lite", "nano"]
PROJECT = Path(__file__).parents[1]
RUNTIME = RuntimeOptions("cpu", "torch", "fp32")
TORCH = ("--device", "cpu", "--engine", "torch", "--precision", "fp32")


def save_model(path: Path, *styles: str, seed: int = 0, width: int = 4, arch: Arch = "johnson") -> Path:
    """A checkpoint of an untrained narrow network whose styles differ."""
    torch.manual_seed(seed)
    network = build(NetworkOptions(width=width, blocks=1, styles=len(styles), arch=arch))
    for name, parameter in network.named_parameters():
        if ".norm." in name:
            torch.nn.init.normal_(parameter, float(name.endswith("weight")), 0.5)
    entries = [{"name": style, "title": f"Title of {style}", "artist": "Nobody"} for style in styles]
    Checkpoint(network.options, entries, {"steps": 0}, network.state_dict()).save(path)
    return path


def save_two(folder: Path) -> Path:
    """Into a folder: `alone` with the style ink, `many` with oil, chalk and sand."""
    save_model(folder / "alone.pth", "ink", seed=1)
    save_model(folder / "many.pth", "oil", "chalk", "sand", seed=2)
    return folder


def reference(path: Path) -> Stylizer:
    """What the service is measured against: the command line's way, in this process."""
    return Stylizer.load(path, "cpu", "torch", "fp32")


def as_file(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def distance(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference in steps of 8-bit pixels."""
    assert one.size == other.size
    pixels = [np.asarray(image.convert("RGB"), np.float32) for image in (one, other)]
    return float(np.abs(pixels[0] - pixels[1]).mean())


@pytest.fixture
def reserved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What is reserved in the budget of pixels, one number for each time."""
    found: list[int] = []
    reserve = PixelBudget.reserve

    def noting(budget: PixelBudget, pixels: int) -> contextlib.AbstractContextManager[None]:
        found.append(pixels)
        return reserve(budget, pixels)

    monkeypatch.setattr(PixelBudget, "reserve", noting)
    return found


@contextlib.contextmanager
def in_process(options: ServerOptions) -> Iterator[httpx.Client]:
    """The service behind a real uvicorn in a thread of this process, and a client of it."""
    config = uvicorn.Config(create_app(options, RUNTIME), port=0, log_level="warning", ws_max_size=options.body_bytes)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Running:
    """A service in a process of its own."""

    process: "subprocess.Popen[str]"
    url: str
    lines: list[str]

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    def metric(self, name: str) -> float:
        text = httpx.get(f"{self.url}metrics").text
        return sum(float(value) for value in re.findall(rf"^fast_style_{name}(?:{{.*}})? (\S+)$", text, re.M))


@contextlib.contextmanager
def service(models: Path, *flags: str) -> Iterator[Running]:
    """`fast-style serve` on a free port, ended by SIGTERM, which must give exit code 0."""
    code = "from fast_style.commands import script; script()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--models", str(models), *TORCH, *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT)
    assert process.stdout is not None
    first = process.stdout.readline()
    found = re.search(r"http://\S+/", first)
    lines = [first]
    if not found:
        raise AssertionError(first + process.stdout.read())
    # A full pipe would stop the service.
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
    reader.start()
    try:
        yield Running(process, found.group(), lines)
    finally:
        process.terminate()
        try:
            assert process.wait(60) == 0, lines
        finally:
            process.kill()
            reader.join()
            process.stdout.close()
