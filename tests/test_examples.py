"""Every example program runs, with small networks in the place of the shipped ones."""

import asyncio
import io
import runpy
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from fast_style import Stylizer, examples
from fast_style.export import onnx_bytes

from .conftest import picture, untrained

FOLDER = Path(examples.__file__).parent


@pytest.fixture
def small(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Stylizer:
    """What every example loads: an untrained network with two styles."""
    path = untrained(tmp_path / "small.pth", "wave", "scream")
    stylizer = Stylizer.load(path, device="cpu", engine="torch")
    monkeypatch.setattr(Stylizer, "load", lambda *_, **__: stylizer)
    return stylizer


def test_there_is_a_test_for_each() -> None:
    tested = {"notebook", "webcam", "web_api", "ffmpeg_pipe", "bare_onnxruntime", "gradio_demo"}
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__"} == tested


def test_notebook(small: Stylizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = runpy.run_path(str(FOLDER / "notebook.py"))
    assert any("Hokusai" in work for _, _, work in cells["table"])
    assert {path.name for path in (tmp_path / "painted").iterdir()} == {"painted.jpg", "gentle.jpg", "blend.jpg"}


def test_webcam(small: Stylizer, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2 = pytest.importorskip("cv2")

    class Camera:
        released = False

        def read(self) -> tuple[bool, Any]:
            return True, np.asarray(picture(32, 24))[..., ::-1]

        def release(self) -> None:
            self.released = True

    shown: list[Any] = []
    monkeypatch.setattr(cv2, "imshow", lambda _, frame: shown.append(frame))
    monkeypatch.setattr(cv2, "waitKey", lambda _: ord("q") if len(shown) == 3 else -1)
    camera = Camera()
    import_module("fast_style.examples.webcam").main(camera)
    expected = small(np.asarray(picture(32, 24)))
    assert len(shown) == 3
    assert np.array_equal(shown[-1][..., ::-1], expected)
    assert camera.released


def test_web_api(small: Stylizer, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fastapi")
    monkeypatch.delitem(sys.modules, "fast_style.examples.web_api", raising=False)
    transport = httpx.ASGITransport(import_module("fast_style.examples.web_api").app)

    async def post(path: str, content: bytes) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(path, content=content)

    file = io.BytesIO()
    picture(40, 30).save(file, "PNG")
    answer = asyncio.run(post("/paint?strength=0.8", file.getvalue()))
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == (40, 30)
    assert asyncio.run(post("/paint", b"no picture")).status_code == 422


def test_gradio_demo(several: Path) -> None:
    """In a process of its own: Gradio leaves sockets and event loops open."""
    pytest.importorskip("gradio", reason="needs the package gradio, which is absent")
    code = (
        "import sys, numpy; from fast_style.examples.gradio_demo import demo\n"
        "page = demo(sys.argv[1])\n"
        "print(page.fn(numpy.zeros((24, 32, 3), numpy.uint8), sys.argv[2], 0.5).shape)\n"
        "print([part['props'].get('label') for part in page.get_config_file()['components']])"
    )
    style = Stylizer.load(several, device="cpu", engine="torch").styles[1]
    command = [sys.executable, "-c", code, str(several), style]
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=FOLDER.parents[1])
    assert "(24, 32, 3)" in result.stdout
    assert all(f"'{label}'" in result.stdout for label in ("Photograph", "Style", "Strength", "Painting"))


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg, which is absent")
def test_ffmpeg_pipe(small: Stylizer, tmp_path: Path) -> None:
    source, target = str(tmp_path / "in.mkv"), str(tmp_path / "out.mkv")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=0.4", source], check=True)
    import_module("fast_style.examples.ffmpeg_pipe").main(source, target, "64x48")
    raw = ["ffmpeg", "-v", "error", "-i", target, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    assert len(subprocess.run(raw, check=True, capture_output=True).stdout) == 10 * 64 * 48 * 3


def test_bare_onnxruntime(several: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model = tmp_path / "several.onnx"
    model.write_bytes(onnx_bytes(several))
    picture(40, 30).save(tmp_path / "in.png")
    files = [str(model), str(tmp_path / "in.png"), str(tmp_path / "out.png")]
    import_module("fast_style.examples.bare_onnxruntime").main(*files)
    stylizer = Stylizer.load(several, device="cpu", engine="torch", precision="fp32")
    expected = stylizer.stylize(picture(40, 30), strokes="fine", noise=0)
    difference = np.abs(np.asarray(Image.open(files[2]), int) - np.asarray(expected, int))
    assert difference.max() <= 1
