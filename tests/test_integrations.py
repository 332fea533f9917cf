"""What is shared by the plug-ins of editors: the client of the service, and how they are installed."""

import ast
import io
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import get_args, get_type_hints

import httpx
import platformdirs
import pytest
from PIL import Image

from fast_style import FastStyleError, integrations
from fast_style.commands import main as fast_style
from fast_style.integrations import install as installing
from fast_style.integrations.install import HOSTS, install
from fast_style.integrations.service_client import (
    COLORS,
    STROKES,
    Cancelled,
    Controls,
    Network,
    ServiceClient,
    ServiceError,
    group,
)
from fast_style.options import ServerOptions, StylizeOptions
from fast_style.server.requests import stylize

from .conftest import picture
from .serving import as_file, in_process, save_model, save_two

WING = Path(integrations.__file__).parent


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service with a token, as it prints its address."""
    options = ServerOptions(models=save_two(tmp_path_factory.mktemp("models")), token="secret", body_mb=1)
    with in_process(options) as client:
        yield f"{client.base_url}/#token=secret"


def test_the_client_lists_paints_and_masks(address: str) -> None:
    client = ServiceClient(address)
    paintings = client.paintings()
    assert [painting.title for painting in paintings] == [
        f"Title of {name}" for name in ("ink", "oil", "chalk", "sand")
    ]
    assert Image.open(io.BytesIO(client.thumbnail(paintings[1]))).format == "JPEG"
    photo, mask = as_file(picture(40, 30)), as_file(Image.new("L", (40, 30), 255))
    fields = Controls(paintings[2].networks[0], 0.5, "luminance", "fine", 2.0).fields(40, 30)
    assert fields["size"] == "15"
    painted = client.paint(photo, fields)
    assert client.paint(photo, fields, mask) == painted
    url, _, token = address.partition("#token=")
    headers = {"Authorization": f"Bearer {token}"}
    asked = {"style": "chalk", "strength": "0.5", "preserve_color": "luminance", "strokes": "fine", "size": "15"}
    answer = httpx.post(f"{url}v1/stylize", params=asked, content=photo, headers=headers)
    assert answer.content == painted
    assert client.paint(photo, fields, as_file(Image.new("L", (40, 30), 0))) != painted


def test_what_goes_wrong_is_one_line(address: str) -> None:
    fields = Controls(Network("ink", "alone", "full")).fields(8, 8)
    with pytest.raises(ServiceError, match="wants its token"):
        ServiceClient(address.partition("#")[0]).paintings()
    with pytest.raises(ServiceError, match="image is not a readable picture"):
        ServiceClient(address).paint(b"no picture", fields)
    with pytest.raises(ServiceError, match="no model 'none'"):
        ServiceClient(address).paint(as_file(picture(8, 8)), {**fields, "model": "none"})
    with pytest.raises(ServiceError, match=r"No service answers at http://127.0.0.1:9/ \(Connection refused\)"):
        ServiceClient("127.0.0.1:9").paintings()
    with pytest.raises(ServiceError, match="No service answers at"):
        ServiceClient("http://a..b/").paint(b"", fields)
    with pytest.raises(ServiceError, match="The service stopped answering"):
        ServiceClient(address.partition("#")[0] + "#token=\u20ac").paintings()
    for text in ("", "ftp://a", "http://", "http://a:b", "http://[::1"):
        with pytest.raises(ServiceError, match="is no address of a service"):
            ServiceClient(text)


def test_another_server_is_told_from_ours() -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.handle_request).start()
        with pytest.raises(ServiceError, match=r"what answers at http://127.0.0.1:\d+/ is no service of fast_style"):
            ServiceClient(f"127.0.0.1:{server.server_port}").paintings()


def test_a_call_that_is_cancelled_ends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def slow(*arguments: object) -> object:
        reached.set()
        go_on.wait(10)
        return stylize(*arguments)  # type: ignore[arg-type]

    def cancel_once_it_works(client: ServiceClient) -> None:
        reached.wait(10)
        client.cancel()

    monkeypatch.setattr("fast_style.server.requests.stylize", slow)
    save_model(tmp_path / "ink.pth", "ink")
    with in_process(ServerOptions(models=tmp_path)) as server:
        client = ServiceClient(str(server.base_url))
        threading.Thread(target=cancel_once_it_works, args=(client,)).start()
        start = time.monotonic()
        with pytest.raises(Cancelled):
            client.paint(as_file(picture(8, 8)), {"style": "ink"})
        assert time.monotonic() - start < 5
        go_on.set()
        with pytest.raises(Cancelled):
            client.paintings()


def test_networks_of_one_painting_are_one_entry() -> None:
    about = {"artist": "Hokusai", "title": "The Wave", "preview": "v1/a.jpg"}
    styles = [
        {**about, "name": "wave", "model": "nano_wave", "kind": "nano"},
        {**about, "name": "wave", "model": "wave", "kind": "full", "preview": "v1/b.jpg"},
        {**about, "name": "my_own", "title": "", "model": "mine", "kind": "new"},
    ]
    wave, own = group(styles)
    assert (wave.title, wave.preview, [network.model for network in wave.networks]) == (
        "The Wave",
        "v1/b.jpg",
        ["wave", "nano_wave"],
    )
    assert (own.title, own.networks) == ("My own", (Network("my_own", "mine", "new"),))


def test_the_choices_are_those_of_the_options() -> None:
    hints = get_type_hints(StylizeOptions)
    assert set(COLORS) == set(get_args(hints["preserve_color"]))
    assert set(STROKES) == set(get_args(hints["strokes"])) - {"auto"}


@pytest.mark.parametrize("path", [*WING.glob("krita/*.py"), *WING.glob("gimp/*.py"), WING / "service_client.py"])
def test_plug_ins_use_their_programs_python_alone(path: Path) -> None:
    """That of Krita on Windows is 3.8; there is no package beside PyQt5, and none of ours."""
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    roots = {"__future__", "krita", "PyQt5", "gi", "service_client"} | {"collections", "contextlib", "dataclasses"}
    roots |= {
        "functools",
        "http",
        "json",
        "pathlib",
        "socket",
        "sys",
        "tempfile",
        "threading",
        "typing",
        "urllib",
        "uuid",
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert str(node.module).split(".")[0] in roots
        if isinstance(node, ast.ImportFrom) and node.level > 1:
            assert node.module == "service_client"
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= roots
    assert "from __future__ import annotations" in path.read_text() or path.name == "__init__.py"


@pytest.mark.parametrize("program", HOSTS)
def test_every_file_is_installed(program: str, tmp_path: Path) -> None:
    files = install(program, tmp_path)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(files)
    for path in files:
        originals = [one for one in WING.rglob(path.name) if one.read_bytes() == path.read_bytes()]
        assert originals, path
    assert install(program, tmp_path) == files  # a newer version goes over an older one
    with pytest.raises(FastStyleError, match="no such folder"):
        install(program, tmp_path / "none")


def test_krita_finds_the_plug_in_and_it_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, settings = tmp_path / "data", tmp_path / "config"
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name, **_: data / name)
    monkeypatch.setattr(platformdirs, "user_config_path", lambda *_, **__: settings)
    monkeypatch.setattr(installing.sys, "platform", "linux")
    settings.mkdir()
    (settings / "kritarc").write_text("[General]\nkey=1\n\n[python]\nenable_tenbrushes=true\n\n[theme]\nTheme=dark\n")
    assert fast_style(["install-plugin", "krita"]) == 0
    told = capsys.readouterr().out
    assert str(data / "krita/pykrita/fast_style_editors.desktop") in told
    assert "fast-style serve" in told
    assert (data / "krita/pykrita/fast_style_editors/krita/docker.py").exists()
    assert "X-KDE-Library=fast_style_editors.krita\n" in (data / "krita/pykrita/fast_style_editors.desktop").read_text()
    assert fast_style(["install-plugin", "krita"]) == 0
    assert (settings / "kritarc").read_text() == (
        "[General]\nkey=1\n\n[python]\nenable_fast_style_editors.krita=true\nenable_tenbrushes=true\n\n"
        "[theme]\nTheme=dark\n"
    )


def test_comfyui_needs_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style(["install-plugin", "comfyui"]) == 1
    assert "name its folder with --folder" in capsys.readouterr().err
    (tmp_path / "custom_nodes").mkdir()
    assert install("comfyui", tmp_path) == [tmp_path / "custom_nodes/ComfyUI-fast-style/__init__.py"]
