"""The plug-in in the real GIMP 3, without a window: new layer, selection, documents of other kinds, what is missing.

Debian 13 has it: `apt install gimp`. On an older one a script of the name `gimp-console` does, that binds /tmp into a
Debian 13 of debootstrap and calls the one in there.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .conftest import picture
from .serving import as_file, opened, save_two, service

PROJECT = Path(__file__).parents[1]
DRIVER = Path(__file__).with_name("gimp_driver.py")
SELECTION = (30, 20, 60, 50)
SIZE = (160, 120)
# GIMP asks every plug-in for its procedures when it first starts: ten seconds of one core, minutes where others work.
LIMIT_S = 500


def is_there() -> bool:
    """Whether `gimp-console` is that of GIMP 3."""
    command = [shutil.which("gimp-console") or "false", "--version"]
    return " 3." in subprocess.run(command, capture_output=True, text=True).stdout


pytestmark = [pytest.mark.slow, pytest.mark.skipif(not is_there(), reason="needs the program gimp-console of GIMP 3")]


def drive(home: Path, address: str) -> dict[str, Any]:
    """What the driver saw in a GIMP of its own, with our plug-in installed by its command."""
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    environment |= {"XDG_CACHE_HOME": str(home / "cache"), "FAST_STYLE_DRIVER": str(home / "job.json")}
    code = "from fast_style.commands import script; script()"
    command = [sys.executable, "-c", code, "install-plugin", "gimp"]
    subprocess.run(command, check=True, env=environment | {"PYTHONPATH": str(PROJECT)}, capture_output=True)
    (home / "job.json").write_text(json.dumps({"address": address, "folder": str(home), "selection": SELECTION}))
    shutil.copy(DRIVER, home / "driver.py")
    batch = f"exec(open({str(home / 'driver.py')!r}).read())"
    command = ["gimp-console", "--no-interface", "--no-data", "--no-fonts", "--batch-interpreter", "python-fu-eval"]
    # GIMP's Python is the system's.
    environment = {name: value for name, value in environment.items() if "PYTHON" not in name}
    done = subprocess.run(
        [*command, "-b", batch, "--quit"], env=environment, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert (home / "seen.json").exists(), done.stdout[-2000:] + done.stderr[-2000:]
    seen: dict[str, Any] = json.loads((home / "seen.json").read_text())
    assert "problem" not in seen, seen["problem"]
    return seen


class Driven(NamedTuple):
    """What was seen, and where the pixels are."""

    seen: dict[str, Any]
    home: Path
    expected: np.ndarray
    """The service's own answer for the whole picture."""
    half: np.ndarray
    """The same at half of the strength."""
    of_profile: np.ndarray
    """Its answer for what the picture with a profile looks like in sRGB."""

    def pixels(self, name: str) -> np.ndarray:
        return np.frombuffer((self.home / f"{name}.raw").read_bytes(), np.uint8).reshape(SIZE[1], SIZE[0], -1)


def painted(url: str, content: bytes, strength: str = "1") -> np.ndarray:
    fields = {"style": "ink", "strokes": "fine", "strength": strength, "format": "png"}
    answer = httpx.post(f"{url}v1/stylize", params=fields, content=content, timeout=60)
    return np.asarray(opened(answer.content).convert("RGB"))


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    home = tmp_path_factory.mktemp("gimp")
    photo = picture(*SIZE).convert("RGB")
    photo.save(home / "in.png")
    gamma = PngInfo()  # of which GIMP makes a profile
    gamma.add(b"gAMA", (45455).to_bytes(4, "big"))  # 1 / 2.2, as other programs write it
    photo.save(home / "gamma.png", pnginfo=gamma)
    with service(save_two(tmp_path_factory.mktemp("models"))) as running:
        seen = drive(home, running.url)
        below = np.frombuffer((home / "profile_below.raw").read_bytes(), np.uint8).reshape(SIZE[1], SIZE[0], 3)
        content = as_file(photo)
        whole, half = painted(running.url, content), painted(running.url, content, "0.5")
        return Driven(seen, home, whole, half, painted(running.url, as_file(Image.fromarray(below))))


def test_a_layer_is_what_the_service_answers(driven: Driven) -> None:
    seen = driven.seen["whole"]
    assert (seen["error"], seen["layers"], seen["masked"]) == ("", ["ink"], [False])
    assert np.array_equal(driven.pixels("whole"), driven.expected)


def test_the_selection_is_the_mask(driven: Driven) -> None:
    assert driven.seen["selected"]["masked"] == [True]
    x, y, width, height = SELECTION
    inside = np.zeros((SIZE[1], SIZE[0], 1), np.uint8)
    inside[y : y + height, x : x + width] = 255
    assert np.array_equal(driven.pixels("mask"), inside)
    photo = np.asarray(Image.open(driven.home / "in.png"))
    assert np.array_equal(driven.pixels("flat"), np.where(inside, driven.half, photo))


def test_a_document_with_a_profile_gets_the_colors_that_the_service_means(driven: Driven) -> None:
    assert driven.seen["profile"]["profile"]
    assert not np.array_equal(driven.pixels("profile_below"), np.asarray(Image.open(driven.home / "gamma.png")))
    # The layer's numbers are those of the document's profile: read as sRGB they would be others. Of the colors only
    # what 8 bit round is lost.
    error = np.abs(driven.pixels("profile").astype(int) - driven.of_profile)
    assert (error.max() <= 2, error.mean() < 0.3) == (True, True), (error.max(), error.mean())


def test_a_document_in_linear_light_gets_the_same_layer(driven: Driven) -> None:
    assert driven.seen["linear"]["precision"] == "float-linear"
    assert np.array_equal(driven.pixels("linear"), driven.expected)


def test_a_style_that_the_service_has_not_is_said(driven: Driven) -> None:
    seen = driven.seen["missing"]
    assert "The service has no style 'nothing'; it has ink, oil, chalk, sand" in seen["error"]
    assert seen["layers"] == []
