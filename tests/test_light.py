"""Pictures, films and the service without torch: in a process that cannot import it, and in an install without it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fast_style import Stylizer
from fast_style.models.bundled import SAMPLE

from .conftest import picture
from .test_film_formats import film
from .test_readme import project

PROJECT = Path(__file__).parents[1]
DOCKERFILE = PROJECT / "fast_style/server/Dockerfile"
# What an install for inference need not have.
HEAVY = ("torch", "torchvision", "tensorboard", "onnx", "cv2", "skimage", "scipy")

# Arguments: engine, a model of one style, a model of the styles a and b, a photograph, a folder for results.
PAINT = f"""
import importlib.util, sys, time
from pathlib import Path
start = time.perf_counter()
assert [name for name in {HEAVY} if importlib.util.find_spec(name)] == []
engine, one, two, photo, folder = sys.argv[1], *map(Path, sys.argv[2:])
from fast_style import FastStyleError, Stylizer, styles
stylizer = Stylizer.load(one, engine=engine, precision="fp32")
stylizer.stylize(photo).save(folder / "whole.png")
print(f"the first picture took {{time.perf_counter() - start:.2f}} s")
stylizer.stylize(photo, tile_px=64).save(folder / "tiles.png")
stylizer.stylize(photo, strength=0.6, preserve_color="luminance").save(folder / "gentle.png")
several = Stylizer.load(two, engine=engine, precision="fp32")
several.stylize(photo, style="a=0.3,b=0.7").save(folder / "blend.png")
masks = {{"a": folder / "left.png", "b": folder / "right.png"}}
several.stylize(photo, mask=masks).save(folder / "per_pixel.png")
several.stylize(photo, mask=masks, tile_px=64).save(folder / "per_pixel_tiles.png")
try:
    stylizer.stylize(photo, tile_px=64, statistics="exact")
    raise AssertionError("exact statistics take torch")
except FastStyleError as error:
    print(error)
assert len(styles()) > 20
assert {{"torch", "onnx"}}.isdisjoint(name for name, module in sys.modules.items() if module)
"""
BLOCKED = f"import sys; sys.modules.update(dict.fromkeys({HEAVY}))\n"


def check_pictures(one: Path, two: Path, photo: Path, folder: Path) -> None:
    """Compare what PAINT painted with the same in torch."""
    single, several = (Stylizer.load(path, device="cpu", engine="torch", precision="fp32") for path in (one, two))
    masks = {"a": folder / "left.png", "b": folder / "right.png"}
    expected = {
        "whole": single.stylize(photo),
        "tiles": single.stylize(photo, tile_px=64),
        "gentle": single.stylize(photo, strength=0.6, preserve_color="luminance"),
        "blend": several.stylize(photo, style="a=0.3,b=0.7"),
        "per_pixel": several.stylize(photo, mask=masks),
        "per_pixel_tiles": several.stylize(photo, mask=masks, tile_px=64),
    }
    for name, image in expected.items():
        painted = np.asarray(Image.open(folder / f"{name}.png"), np.float32)
        apart = np.abs(painted - np.asarray(image, np.float32))
        assert apart.mean() < 0.2, name  # in steps of 8 bit
        assert apart.max() <= 12, name


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph, and beside it two masks, each of one half."""
    picture(150, 120).save(tmp_path / "photo.png")
    half = np.linspace(0, 255, 150, dtype=np.uint8)[None].repeat(120, 0)
    Image.fromarray(half).save(tmp_path / "right.png")
    Image.fromarray(255 - half).save(tmp_path / "left.png")
    return tmp_path / "photo.png"


@pytest.mark.parametrize("engine", ["onnx", pytest.param("openvino", marks=pytest.mark.slow)])
def test_it_paints_where_torch_cannot_be_imported(
    engine: str, tiny: Path, several: Path, photo: Path, tmp_path: Path
) -> None:
    pytest.importorskip({"onnx": "onnxruntime"}.get(engine, engine))
    command: list[str | Path] = [sys.executable, "-c", BLOCKED + PAINT, engine, tiny, several, photo, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    last = "without torch there are no exact statistics of tiles; choose statistics sampled, or install torch"
    assert done.stdout.splitlines()[-1] == last
    check_pictures(tiny, several, photo, tmp_path)


def test_commands_run_where_torch_cannot_be_imported(tiny: Path, photo: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    possible: list[list[str | Path]] = [
        ["stylize", photo, "-o", tmp_path / "out.jpg", "--model", tiny, "--quiet", "--size", "64"],
        ["styles", "wave"],
        ["devices"],
    ]
    not_possible: dict[str, list[str | Path]] = {
        "the torch engine is not installed: pip install torch": [
            "stylize",
            photo,
            "--model",
            tiny,
            "--engine",
            "torch",
        ],
        "this takes torch, which is not installed: pip install torch": ["convert", tiny, "-o", tmp_path / "new.pth"],
    }
    lines = [[str(word) for word in words] for words in (*possible, *not_possible.values())]
    code = f"from fast_style.commands import main; print([main(words) for words in {lines}])"
    done = subprocess.run([sys.executable, "-c", BLOCKED + code], capture_output=True, text=True, cwd=PROJECT)
    assert done.stdout.splitlines()[-1] == str([0] * len(possible) + [1] * len(not_possible)), done.stderr
    assert [line.partition(": ")[2] for line in done.stderr.splitlines()] == list(not_possible)
    assert (tmp_path / "out.jpg").exists()


def requirements(path: Path) -> list[str]:
    """Return the lines of a file of requirements, without comments."""
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def test_the_short_lists_are_those_of_the_project() -> None:
    extras = project()["optional-dependencies"]
    core = {line for line in project()["dependencies"] if not line.startswith(HEAVY)}
    runtime = {line for line in extras["engines"] if line.startswith("onnxruntime")}
    assert set(requirements(PROJECT / "fast_style/engines/light.txt")) == core | runtime
    assert set(requirements(PROJECT / "fast_style/server/light.txt")) == set(extras["serve"])


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, each with what follows its name."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(name, rest) for line in text.splitlines() if line.strip() for name, _, rest in [line.partition(" ")]]


def test_the_image_is_small_and_careful() -> None:
    found = instructions(DOCKERFILE)
    last_from = max(place for place, (name, _) in enumerate(found) if name == "FROM")
    stage = found[last_from:]
    assert all(rest.split()[0].endswith("-slim") for name, rest in found if name == "FROM")
    assert [rest for name, rest in stage if name == "USER"] == ["fast_style"]
    assert {"HEALTHCHECK", "EXPOSE", "ENTRYPOINT"} <= {name for name, _ in stage}
    assert not [rest for name, rest in found if name == "RUN" and "torch" in rest]
    for name, rest in found:
        sources = rest.split()[:-1] if name == "COPY" and not rest.startswith("--from") else []
        assert [source for source in sources if not (PROJECT / source).exists()] == []
    ignored = requirements(DOCKERFILE.with_name("Dockerfile.dockerignore"))
    kept = {line[1:] for line in ignored if line.startswith("!")}
    assert {rest.split()[0].split("/")[0] for name, rest in found if name == "COPY" and "=" not in rest} <= kept


@dataclass
class Installed:
    """What the build steps of the Dockerfile made, in a folder that stands for the image's root."""

    root: Path
    environment: dict[str, str]
    entrypoint: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)

    def run(self, *command: "str | Path", folder: Path | None = None) -> str:
        """Run a command in it; return what it prints."""
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, cwd=folder or self.root)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def megabytes(self) -> float:
        """Return the size of the installed packages, without pip's own."""
        site = next((self.root / "opt/fast_style/lib").glob("python*/site-packages"))
        return sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The first stage of the Dockerfile, built with this system's Python; no user is added, nothing is copied on."""
    root = tmp_path_factory.mktemp("image")
    place, made = root, Installed(root, {**os.environ, "PYTHONPATH": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1"})

    def inside(text: str) -> str:
        return text.replace("/opt/", f"{root}/opt/")

    for name, rest in instructions(DOCKERFILE):
        if name == "WORKDIR":
            place = root / rest.lstrip("/")
            place.mkdir()
        elif name == "ENV":
            for word in shlex.split(rest):
                key, _, value = word.partition("=")
                made.environment[key] = inside(value).replace("$PATH", made.environment["PATH"])
        elif name == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            for source in sources:
                to = place / target / source if target.endswith("/") else place / target
                copy = shutil.copytree if (PROJECT / source).is_dir() else shutil.copy
                copy(PROJECT / source, to)
        elif name == "RUN" and not rest.startswith("useradd"):
            command = ["bash", "-c", inside(rest)]
            subprocess.run(command, check=True, cwd=place, env=made.environment, stdout=subprocess.DEVNULL)
        elif name == "ENTRYPOINT":
            made.entrypoint = json.loads(rest)
        elif name == "HEALTHCHECK":
            made.healthcheck = json.loads(rest.partition("CMD ")[2])
    return made


@pytest.mark.slow
def test_an_install_without_torch_paints(
    image: Installed, tiny: Path, several: Path, photo: Path, tmp_path: Path
) -> None:
    packages = {line.partition("==")[0].lower() for line in image.run("pip", "freeze").splitlines()}
    assert packages.isdisjoint(HEAVY)
    assert image.megabytes() < 350
    (tmp_path / "paint.py").write_text(PAINT)
    image.run("python", tmp_path / "paint.py", "onnx", tiny, several, photo, tmp_path, folder=tmp_path)
    check_pictures(tiny, several, photo, tmp_path)
    shown = image.run("fast-style", "stylize", SAMPLE, "-o", "first.jpg", "--model", "lite_wave", folder=tmp_path)
    assert (tmp_path / "first.jpg").exists(), shown


@pytest.mark.slow
def test_its_films(image: Installed, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    if not shutil.which("ffmpeg"):
        pytest.skip("needs the program ffmpeg, which is absent")
    requirement = next(line for line in project()["optional-dependencies"]["video"] if line.startswith("av"))
    image.run("pip", "install", "--quiet", requirement)
    film(tmp_path / "in.mp4", seconds=1.2)
    image.run("fast-style", "stylize", "in.mp4", "-o", "out.mp4", "--model", "nano_wave", folder=tmp_path)
    with av.open(str(tmp_path / "out.mp4")) as painted:
        assert sum(1 for _ in painted.decode(video=0)) == 30


@pytest.fixture
def served(image: Installed, tiny: Path, tmp_path: Path) -> Iterator[str]:
    """The image's entry point on a free port, with the models of a folder; its address."""
    (tmp_path / "models").mkdir()
    shutil.copy(tiny, tmp_path / "models")
    command = [*image.entrypoint, "--port", "0", "--models", str(tmp_path / "models")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=image.environment, cwd=tmp_path)
    assert process.stdout is not None
    try:
        found = re.search(r"http://[^/\s]+:(\d+)/", process.stdout.readline())
        assert found
        yield f"http://127.0.0.1:{found[1]}"
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stdout.close()


@pytest.mark.slow
def test_its_service(image: Installed, served: str, photo: Path) -> None:
    started = time.monotonic()
    request = urllib.request.Request(f"{served}/v1/stylize", photo.read_bytes())
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("image/")
    assert time.monotonic() - started < 60
    with urllib.request.urlopen(served) as answer:
        assert b"<html" in answer.read()
    image.run(*(word.replace("http://127.0.0.1:8000", served) for word in image.healthcheck))
