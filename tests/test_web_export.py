"""The files of the page without a server; that it paints is seen in a browser, in test_page."""

import base64
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from fast_style import FastStyleError
from fast_style.export import web_runtime, write_web
from fast_style.export.half_weights import halve
from fast_style.export.web_runtime import FILES, VERSION, fetch, runtime_files

STYLES = [{"name": "identity"}, {"name": "oil", "title": "Oil", "artist": "Nobody"}]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with files of the right names, whose hash is taken for the pinned one."""
    path = tmp_path / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name in FILES:
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    monkeypatch.setattr(web_runtime, "INTEGRITY", f"sha512-{digest}")
    return path


def test_the_folder_holds_all_that_the_page_asks_for(tmp_path: Path, package: Path) -> None:
    folder = tmp_path / "page"
    for _ in range(2):  # a second export replaces the first
        write_web(b"model", "many", folder, STYLES, {"oil": b"thumbnail"}, package)
    told = json.loads((folder / "styles.json").read_text())
    assert told["rows"] == 2
    (style,) = told["styles"]
    assert (style["name"], style["row"], style["model"]) == ("oil", 1, "many")
    assert (folder / style["preview"]).read_bytes() == b"thumbnail"
    assert (folder / "model.onnx").read_bytes() == b"model"
    for name in FILES:
        if name.endswith(".wasm"):
            assert gzip.decompress((folder / "runtime" / f"{name}.gz").read_bytes()) == name.encode()
        else:
            assert (folder / "runtime" / name).read_text() == name
    for name in ("index.html", "app.js", "backend.js", "network.js", "pixels.js", "offline.js", "samples/lake.jpg"):
        assert (folder / name).is_file()


def test_another_model_has_another_address(tmp_path: Path, package: Path) -> None:
    """Browsers keep the large files under their version."""
    versions = []
    for model in (b"one", b"one", b"other"):
        write_web(model, "many", tmp_path / "page", STYLES, {}, package)
        versions.append(json.loads((tmp_path / "page" / "styles.json").read_text())["version"])
    assert versions[0] == versions[1] != versions[2]


def test_halved_weights_give_the_same_pictures() -> None:
    rng = np.random.default_rng(0)
    weights = numpy_helper.from_array(rng.normal(size=(3, 3, 9, 9)).astype(np.float32), "weights")
    bias = numpy_helper.from_array(np.array([0.1, 0.2, 1e-9], np.float32), "bias")
    picture = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, None, None)) for name in ("in", "out")]
    conv = helper.make_node("Conv", ["in", "weights", "bias"], ["out"])
    graph = helper.make_graph([conv], "graph", picture[:1], picture[1:], [weights, bias])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    half = halve(model)
    assert len(half.SerializeToString()) < 0.6 * len(model.SerializeToString())
    photo = rng.random((1, 3, 20, 30), np.float32)
    pictures = [
        InferenceSession(one.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"in": photo})[0]
        for one in (model, half)
    ]
    assert np.abs(pictures[0] - pictures[1]).max() < 0.01 * np.abs(pictures[0]).max()


def test_two_styles_of_one_name_have_a_thumbnail_each(tmp_path: Path, package: Path) -> None:
    write_web(b"", "many", tmp_path / "page", [{"name": "oil"}] * 2, {"oil": b"1", "oil (2)": b"2"}, package)
    styles = json.loads((tmp_path / "page" / "styles.json").read_text())["styles"]
    assert [(style["name"], (tmp_path / "page" / style["preview"]).read_bytes()) for style in styles] == [
        ("oil", b"1"),
        ("oil (2)", b"2"),
    ]


def test_another_folder_is_left_alone(tmp_path: Path, package: Path) -> None:
    (tmp_path / "letters.txt").write_text("precious")
    with pytest.raises(FastStyleError, match="holds other files"):
        write_web(b"model", "many", tmp_path, STYLES, {}, package)


def test_another_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.tgz").write_bytes(b"something else")
    with pytest.raises(FastStyleError, match="its hash differs"):
        runtime_files(tmp_path / "other.tgz")


def test_without_npm_the_registry_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_runtime.shutil, "which", lambda name: None)
    monkeypatch.delenv("npm_config_registry", raising=False)
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    with pytest.raises(FastStyleError, match="install npm, or set npm_config_registry"):
        fetch()
    monkeypatch.setenv("npm_config_registry", "http://registry.example/")
    with pytest.raises(FastStyleError, match="it takes an address with https://"):
        fetch()
    asked = []

    def answer(address: str, timeout: float) -> Any:
        asked.append(address)
        return io.BytesIO(b"content")

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    monkeypatch.setenv("npm_config_registry", "https://registry.example/npm/")
    assert fetch() == b"content"
    assert asked == [f"https://registry.example/npm/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"]


def test_npm_is_asked_first_and_its_reason_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def npm(command: list[str], *, cwd: str, **_: object) -> Any:
        asked.append(command)
        if len(asked) == 1:
            (Path(cwd) / "onnxruntime-web.tgz").write_bytes(b"content")
        return subprocess.CompletedProcess(command, len(asked) - 1, "", "npm error code E404\nnpm error not found\n")

    monkeypatch.setattr(web_runtime.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(web_runtime.subprocess, "run", npm)
    assert fetch() == b"content"
    assert asked[0][:3] == ["/bin/npm", "pack", f"onnxruntime-web@{VERSION}"]
    with pytest.raises(FastStyleError, match="npm error not found"):
        fetch()
