"""The download, against a server of our own that can break off."""

import hashlib
import http.server
import io
import re
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fast_style.commands import main as fast_style
from fast_style.data import coco
from fast_style.errors import FastStyleError
from fast_style.system.downloads import fetch

from .conftest import picture


def archive_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("val2017/", "")
        for i in range(5):
            data = io.BytesIO()
            picture(60, 40, i).save(data, "JPEG")
            archive.writestr(f"val2017/{i}.jpg", data.getvalue())
    return buffer.getvalue()


class Server(http.server.ThreadingHTTPServer):
    """Serves `data` under any path, with ranges; sends at most `limit` bytes of an answer before it hangs up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = archive_bytes()
        self.sha256 = hashlib.sha256(self.data).hexdigest()
        self.limit = 10**9
        self.ranges = True
        self.requested: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/{{split}}.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.requested.append(asked)
        if "absent" in self.path:
            self.send_error(404)
            return
        start = int(re.findall(r"\d+", asked)[0]) if asked and self.server.ranges else 0
        if start >= len(self.server.data):
            self.send_error(416)
            return
        body = self.server.data[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.limit])

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_the_command_fetches_verifies_and_unpacks(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fast_style(["download-coco", "-o", str(tmp_path), "--url", server.url]) == 1  # not COCO's own archive
    assert "not the file that is expected (SHA-256 differs)" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    monkeypatch.setitem(coco.SHA256, "val2017", server.sha256)
    assert fast_style(["download-coco", "-o", str(tmp_path), "--url", server.url]) == 0
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "val2017"]
    assert "5 photographs" in capsys.readouterr().out


def test_an_interrupted_download_continues(server: Server, tmp_path: Path) -> None:
    url, archive = server.url.format(split="val2017"), tmp_path / "a.zip"
    server.limit = 1000
    with pytest.raises(FastStyleError, match=r"broke off .*continues it"):
        fetch(url, archive, server.sha256)
    assert (tmp_path / "a.zip.part").stat().st_size == 1000
    assert not archive.exists()
    server.limit = 10**9
    seen: list[tuple[int, int]] = []
    fetch(url, archive, server.sha256, lambda done, total: seen.append((done, total)))
    assert server.requested == [None, "bytes=1000-"]
    assert archive.read_bytes() == server.data
    assert seen[-1] == (len(server.data), len(server.data))


def test_a_server_without_ranges_begins_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.zip.part").write_bytes(b"x" * 700)
    server.ranges = False
    fetch(server.url.format(split="val2017"), tmp_path / "a.zip", server.sha256)
    assert (tmp_path / "a.zip").read_bytes() == server.data


def test_a_whole_part_needs_nothing_more(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.zip.part").write_bytes(server.data)
    fetch(server.url.format(split="val2017"), tmp_path / "a.zip", server.sha256)
    assert (tmp_path / "a.zip").read_bytes() == server.data


def test_the_archives_are_pinned_and_come_over_https() -> None:
    assert coco.URL.startswith("https://")
    assert all(len(digest) == 64 for digest in coco.SHA256.values())
    assert len(set(coco.SHA256.values())) == 3


def test_an_archive_that_is_there_is_verified_and_not_fetched_again(server: Server, tmp_path: Path) -> None:
    url, archive = server.url.format(split="val2017"), tmp_path / "a.zip"
    archive.write_bytes(server.data)
    fetch(url, archive, server.sha256)
    assert server.requested == []
    archive.write_bytes(b"another file")
    fetch(url, archive, server.sha256)
    assert archive.read_bytes() == server.data


def test_without_pooch_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(FastStyleError, match=r'pip install "fast_style\[train\]"'):
        fetch("http://127.0.0.1:1/a.zip", tmp_path / "a.zip", None)


def test_server_and_network_errors_are_plain(server: Server, tmp_path: Path) -> None:
    with pytest.raises(FastStyleError, match="answers 404"):
        fetch(server.url.format(split="absent"), tmp_path / "a.zip", server.sha256)
    with pytest.raises(FastStyleError, match=r"broke off"):
        fetch("http://127.0.0.1:1/a.zip", tmp_path / "a.zip", server.sha256)


def test_a_damaged_archive_is_removed(server: Server, tmp_path: Path) -> None:
    damaged = bytearray(server.data)
    damaged[200] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(damaged)
    with pytest.raises(FastStyleError, match=r"damaged .* removed"):
        coco.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "a.zip").exists()


def test_unpacking_again_keeps_what_is_there_and_stays_in_the_folder(server: Server, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../outside.jpg", b"x")
        archive.writestr("val/a.jpg", b"12")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.jpg").write_bytes(b"34")
    assert coco.unpack(tmp_path / "a.zip", tmp_path / "out") == 2
    assert (tmp_path / "out/a.jpg").read_bytes() == b"34"
    assert (tmp_path / "out/outside.jpg").exists()
