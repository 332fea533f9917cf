"""The plug-in in the real Krita, under a virtual display: docker, preview, new layer, selection, a missing service."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from .conftest import picture
from .serving import as_file, opened, save_two, service

PROJECT = Path(__file__).parents[1]
DRIVER = Path(__file__).with_name("krita_driver.py")
SELECTION = (30, 20, 60, 50)
SIZE = (160, 120)
# Krita makes its database of brushes when it first starts: 20 seconds of one core, minutes where others work.
LIMIT_S = 500

needs_krita = pytest.mark.skipif(
    not (shutil.which("krita") and shutil.which("xvfb-run")), reason="needs the programs krita and xvfb-run"
)


def install(home: Path) -> dict[str, str]:
    """Our plug-in by its command, and the driver beside it, in a home of their own; the environment for Krita."""
    folders = {"HOME": home, "XDG_DATA_HOME": home / "data", "XDG_CONFIG_HOME": home / "config"}
    folders |= {"XDG_CACHE_HOME": home / "cache", "XDG_RUNTIME_DIR": home / "run", "PYTHONPATH": PROJECT}
    (home / "run").mkdir(mode=0o700)
    environment = {**os.environ, **{name: str(folder) for name, folder in folders.items()}}
    code = "from fast_style.commands import script; script()"
    command = [sys.executable, "-c", code, "install-plugin", "krita"]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    pykrita = home / "data/krita/pykrita"
    ours = (pykrita / "fast_style_editors.desktop").read_text()
    (pykrita / "driver.desktop").write_text(ours.replace("fast_style_editors.krita", "driver"))
    (pykrita / "driver").mkdir()
    shutil.copy(DRIVER, pykrita / "driver/__init__.py")
    with (home / "config/kritarc").open("a") as settings:  # the group [python] is its last
        settings.write("enable_driver=true\n")
    # Krita's Python is the system's: it looks for its packages beside the python3 that PATH finds.
    return {name: value for name, value in environment.items() if "PYTHON" not in name} | {"PATH": "/usr/bin:/bin"}


def drive(home: Path, address: str, source: Path) -> dict[str, Any]:
    """What the driver saw in a Krita of its own."""
    environment = install(home)
    job = {"address": address, "picture": str(source), "folder": str(home), "selection": SELECTION}
    (home / "job.json").write_text(json.dumps({**job, "patience_s": LIMIT_S / 2}))
    command = ["xvfb-run", "-a", "-s", "-screen 0 1280x900x24", "krita", "--nosplash"]
    environment["FAST_STYLE_DRIVER"] = str(home / "job.json")
    with (home / "krita.txt").open("w") as log, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, env=environment, stdout=log, stderr=log, timeout=LIMIT_S)
    assert (home / "seen.json").exists(), (home / "krita.txt").read_text()[-2000:]
    seen: dict[str, Any] = json.loads((home / "seen.json").read_text())
    assert "error" not in seen, seen["error"]
    return seen


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], Path, str]]:
    """What was seen, where the pictures are, and the service, which still runs."""
    home = tmp_path_factory.mktemp("krita")
    models = save_two(tmp_path_factory.mktemp("models"))
    picture(*SIZE).save(home / "in.png")
    with service(models) as running:
        yield drive(home, running.url, home / "in.png"), home, running.url


def painted(url: str, home: Path, **fields: str) -> np.ndarray:
    """The service's own answer for the whole picture."""
    answer = httpx.post(f"{url}v1/stylize", params=fields, content=(home / "in.png").read_bytes(), timeout=60)
    return np.asarray(opened(answer.content).convert("RGB"))


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


@needs_krita
@pytest.mark.slow
def test_the_docker_lists_previews_and_says_what_is_missing(driven: tuple[dict[str, Any], Path, str]) -> None:
    seen, home, url = driven
    assert seen["missing"].startswith("No service answers at http://127.0.0.1:9/ (Connection refused)")
    assert "fast-style serve" in seen["missing"]
    assert seen["gone"] == seen["missing"]
    assert seen["paintings"] == ["Title of ink", "Title of oil", "Title of chalk", "Title of sand"]
    assert seen["button"] == "Cancel"
    assert seen["cancelled"] == ["Cancelled", 0]
    expected = painted(url, home, style="ink", strokes="fine", format="png")
    assert np.array_equal(pixels(home / "preview.png"), expected)


@needs_krita
@pytest.mark.slow
def test_a_layer_is_what_the_service_answers(driven: tuple[dict[str, Any], Path, str]) -> None:
    seen, home, url = driven
    assert (seen["whole"]["name"], seen["whole"]["kind"], seen["whole"]["masks"]) == ("Title of ink", "paintlayer", [])
    assert seen["status"] == "Added as a new layer"
    assert seen["whole"]["active"] == seen["selected"]["active"] == "Background"  # another style can be tried at once
    assert np.array_equal(pixels(home / "whole.png"), painted(url, home, style="ink", strokes="fine", format="png"))


@needs_krita
@pytest.mark.slow
def test_the_selection_is_the_mask(driven: tuple[dict[str, Any], Path, str]) -> None:
    seen, home, url = driven
    assert seen["selected"]["masks"] == [["transparencymask", "selected_mask.png"]]
    x, y, width, height = SELECTION
    inside = np.zeros((SIZE[1], SIZE[0]), bool)
    inside[y : y + height, x : x + width] = True
    assert np.array_equal(np.asarray(Image.open(home / "selected_mask.png").convert("L")), inside * np.uint8(255))
    layer = painted(url, home, style="ink", strokes="fine", strength="0.8", format="png")
    assert np.array_equal(pixels(home / "selected.png"), layer)
    photo = pixels(home / "in.png")
    shown = np.where(inside[..., None], layer, photo)
    assert np.array_equal(pixels(home / "projection.png"), shown)
    assert (home / "painted.kra").stat().st_size > 1000
    mask = as_file(Image.fromarray(inside * np.uint8(255)))
    files = {"image": (home / "in.png").read_bytes(), "mask": mask}
    fields = {"style": "ink", "strokes": "fine", "feather": "0", "format": "png"}
    answer = httpx.post(f"{url}v1/stylize", params=fields, files=files, timeout=60)
    assert np.array_equal(pixels(home / "selected_preview.png"), np.asarray(opened(answer.content).convert("RGB")))


@needs_krita
@pytest.mark.slow
def test_a_document_of_16_bit_gets_a_layer_of_16_bit(driven: tuple[dict[str, Any], Path, str]) -> None:
    seen, home, url = driven
    assert seen["sixteen"] == ["U16", "RGBA"]
    bgra = np.frombuffer((home / "sixteen.raw").read_bytes(), np.uint16).reshape(SIZE[1], SIZE[0], 4)
    expected = painted(url, home, style="ink", strokes="fine", strength="0.8", format="png")
    assert np.array_equal(bgra[..., 2::-1] >> 8, expected)
    assert (bgra[..., 3] == 65535).all()
