"""Models by address, against a server of our own."""

import hashlib
import http.server
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fast_style import FastStyleError, Stylizer
from fast_style.commands import main as fast_style
from fast_style.commands.console import model_names
from fast_style.models import bundled, checkpoint, remote
from fast_style.options import ServerOptions
from fast_style.system import downloads

from .conftest import picture, untrained
from .serving import as_file, in_process

pytest.importorskip("pooch", reason="needs the package pooch")


class Server(http.server.ThreadingHTTPServer):
    """Serves contents by path, or redirects where the content is a text, and remembers what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.contents: dict[str, bytes | str] = {}
        self.requested: list[str] = []
        self.announced = True
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requested.append(self.path)
        content = self.server.contents.get(self.path)
        if isinstance(content, str):
            self.send_response(302)
            self.send_header("Location", content)
            self.end_headers()
            return
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Type", "text/html" if self.path.startswith("/page") else "application/octet-stream")
        if self.server.announced:
            self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(remote, "folder", lambda: tmp_path / "models")
    with Server() as running:
        running.contents["/mine.pth"] = tiny.read_bytes()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def kept(folder: Path) -> list[str]:
    """Names of what lies in the cache, folders too."""
    return sorted(path.name for path in (folder / "models").rglob("*"))


def test_an_address_is_a_model_that_is_fetched_once(
    server: Server, tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = f"{server.url}/mine.pth"
    digest = hashlib.sha256(tiny.read_bytes()).hexdigest()
    assert Stylizer.load(address, device="cpu", engine="torch").styles == ["tiny"]
    assert f"SHA-256 {digest}; add #sha256={digest} to the address" in caplog.text
    assert bundled.find(address).read_bytes() == tiny.read_bytes()
    assert bundled.find(f"{address}#sha256={digest.upper()}") == bundled.find(address)
    assert checkpoint.load(bundled.find(address)).styles == [{"name": "tiny"}]
    assert server.requested == ["/mine.pth"]
    server.shutdown()  # what is in the cache needs no server
    assert bundled.find(address).is_file()


def test_another_digest_is_refused_and_nothing_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(FastStyleError, match=r"SHA-256 differs\); nothing was kept$"):
        bundled.find(f"{server.url}/mine.pth#sha256={'0' * 64}")
    assert kept(tmp_path) == []
    path = bundled.find(f"{server.url}/mine.pth")
    before = path.read_bytes()
    with pytest.raises(FastStyleError, match="SHA-256 differs"):
        bundled.find(f"{server.url}/mine.pth#sha256={'0' * 64}")
    assert path.read_bytes() == before


def test_a_pin_fetches_the_content_that_it_names(server: Server, tmp_path: Path) -> None:
    old = bundled.find(f"{server.url}/mine.pth").read_bytes()
    other = untrained(tmp_path / "other.pth", "other").read_bytes()
    server.contents["/mine.pth"] = other
    assert bundled.find(f"{server.url}/mine.pth").read_bytes() == old
    pinned = f"{server.url}/mine.pth#sha256={hashlib.sha256(other).hexdigest()}"
    assert bundled.find(pinned).read_bytes() == other


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://example.org/mine.pth", "over https:// or hf:// alone"),
        ("http://127.0.0.1.example.org/mine.pth", "over https:// or hf:// alone"),
        ("ftp://127.0.0.1/mine.pth", "over https:// or hf:// alone"),
        ("file:///etc/mine.pth", "over https:// or hf:// alone"),
        ("https://[::1/mine.pth", "no address"),
        ("https://example.org/mine.xml", "names no model"),
        ("https://example.org/", "names no model"),
        ("https://example.org/mine.pth#sha256=12", "64 hexadecimal digits"),
        ("https://example.org/mine.pth#top", "64 hexadecimal digits"),
        ("hf://user/mine.pth", "write hf://user/repo/file.pth"),
        ("hf://user/repo/../../mine.pth", "write hf://user/repo/file.pth"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused_in_a_line(
    address: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", None)  # nobody is asked
    assert fast_style(["stylize", str(tmp_path / "x.jpg"), "--model", address]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_name_that_no_request_can_hold_is_no_wrong_digest(server: Server) -> None:
    with pytest.raises(FastStyleError, match="no address of a file"):
        bundled.find(f"{server.url}/m\u00fcnchen.pth")


def test_redirects_lead_to_protected_places_alone(server: Server, tmp_path: Path) -> None:
    server.contents |= {"/moved.pth": f"{server.url}/mine.pth", "/out.pth": "http://example.org/mine.pth"}
    server.contents |= {"/ftp.pth": "ftp://127.0.0.1/mine.pth", "/file.pth": "file:///etc/passwd"}
    assert bundled.find(f"{server.url}/moved.pth").is_file()
    with pytest.raises(FastStyleError, match="is not allowed"):
        bundled.find(f"{server.url}/file.pth")
    server.contents["/round.pth"] = "/round.pth"
    with pytest.raises(FastStyleError, match=r"answers 302 .* infinite loop\. The last"):
        bundled.find(f"{server.url}/round.pth")
    for name in ("out", "ftp"):
        with pytest.raises(FastStyleError, match="which is not https; nothing was kept"):
            bundled.find(f"{server.url}/{name}.pth")
    assert len(kept(tmp_path)) == 2  # moved.pth and its folder


@pytest.mark.parametrize("announced", [True, False])
def test_what_is_too_large_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    monkeypatch.setattr(remote, "LIMIT_BYTES", 1000)
    monkeypatch.setattr(downloads, "CHUNK_BYTES", 256)
    server.announced = announced
    with pytest.raises(FastStyleError, match="the most that is accepted"):
        bundled.find(f"{server.url}/mine.pth")
    assert kept(tmp_path) == []


def test_pages_and_errors_of_a_server_are_told(server: Server, tmp_path: Path) -> None:
    server.contents["/page.pth"] = b"<html>sign in</html>"
    with pytest.raises(FastStyleError, match="a web page, not a file"):
        bundled.find(f"{server.url}/page.pth")
    with pytest.raises(FastStyleError, match="the server answers 404"):
        bundled.find(f"{server.url}/absent.pth")
    with pytest.raises(FastStyleError, match=r"download broke off .*; try again"):
        bundled.find("http://127.0.0.1:1/mine.pth")
    assert kept(tmp_path) == []


def test_a_hub_is_asked_for_the_file_of_a_repository(
    server: Server, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        remote.parse("hf://me/styles/sub/mine.pth").url == "https://huggingface.co/me/styles/resolve/main/sub/mine.pth"
    )
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
    server.contents["/me/styles/resolve/v2/mine.pth"] = f"{server.url}/mine.pth"
    assert bundled.find("hf://me/styles@v2/mine.pth").read_bytes() == tiny.read_bytes()
    assert server.requested == ["/me/styles/resolve/v2/mine.pth", "/mine.pth"]


def test_every_command_takes_an_address(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    picture(40, 32).save("x.png")
    address = f"{server.url}/mine.pth"
    assert fast_style(["stylize", "x.png", "--model", address, "--engine", "torch", "--strokes", "fine"]) == 0
    assert Path("x_mine.png").is_file()
    assert fast_style(["styles", address]) == 0
    assert "mine  tiny" in capsys.readouterr().out
    assert fast_style(["convert", address, "ours.safetensors"]) == 0
    assert fast_style(["export", address, "-o", "mine.onnx"]) == 0
    assert model_names.choose(address, "") == (address, "")
    assert bundled.stem(f"{address}#sha256={'0' * 64}") == bundled.stem(Path("a/mine.pth")) == "mine"
    assert server.requested == ["/mine.pth"]


def test_a_cache_that_is_there_needs_no_package(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bundled.find(f"{server.url}/mine.pth")
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert bundled.find(f"{server.url}/mine.pth") == path
    with pytest.raises(FastStyleError, match=r'pip install "fast_style\[share\]"'):
        bundled.find(f"{server.url}/other.pth")


def test_a_request_never_makes_the_service_fetch(server: Server, tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("starlette")
    (tmp_path / "served").mkdir()
    (tmp_path / "served/tiny.pth").write_bytes(tiny.read_bytes())
    address, photo = f"{server.url}/mine.pth", as_file(picture(24, 20))
    with in_process(ServerOptions(models=tmp_path / "served")) as client:
        for query in ({"model": address}, {"style": address}, {"model": "tiny", "style": f"tiny=0.5,{address}=0.5"}):
            assert client.post("/v1/stylize", content=photo, params=query).status_code in (400, 404)
        assert client.get("/v1/styles").status_code == 200
    assert server.requested == []
    assert kept(tmp_path) == []
