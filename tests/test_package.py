"""The wheel, installed as a stranger would, carries the checkpoints and works outside the repository."""

import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import fast_style

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", str(PROJECT), "-w"]
    folder = once("wheel", lambda folder: subprocess.run([*command, str(folder)], check=True))
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_checkpoints_sample_and_type_marker(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"fast_style/checkpoints/wave.pth", "fast_style/checkpoints/wave.yaml"} <= names
    assert {"fast_style/py.typed", "fast_style/samples/lake.jpg"} <= names
    pages = {
        "server/page/backend.js",
        "web/index.html",
        "web/app.js",
        "web/base.css",
        "web/icons.svg",
        "export/web_page/backend.js",
    }
    assert {f"fast_style/{name}" for name in pages} <= names
    assert not [name for name in names if name.startswith("tests/")]


@pytest.mark.slow
def test_a_non_editable_install_stylizes_with_the_shipped_wave(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv")
    bin_folder = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    # The large dependencies are taken from this environment; the package itself only from the wheel.
    site = subprocess.run(
        [bin_folder / "python", "-c", "import site; print(site.getsitepackages()[0])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    own = [path for path in sys.path if path.endswith("site-packages")]
    (Path(site) / "borrowed.pth").write_text("\n".join(own))
    pip = [sys.executable, "-m", "pip", "--python", str(bin_folder / "python")]
    subprocess.run([*pip, "install", "--no-deps", "-q", str(wheel)], check=True)
    where: list[str | Path] = [bin_folder / "python", "-c", "import fast_style; print(fast_style.__file__)"]
    printed = subprocess.run(where, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert Path(printed.strip()).is_relative_to(tmp_path / "venv")
    sample = Path(site) / "fast_style/samples/lake.jpg"
    (Path(site) / "checkpoints").mkdir()
    (Path(site) / "checkpoints/wave.pth").write_text("somebody else's")
    command: list[str | Path] = [bin_folder / "fast-style", "stylize", str(sample), "-o", "out.jpg", "--size", "64"]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert (tmp_path / "out.jpg").exists()
    version = subprocess.run(
        [bin_folder / "fast-style", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert version == f"fast_style {fast_style.__version__}\n"
