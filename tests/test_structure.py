"""The package: which module may import which, what importing and asking for help may cost."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fast_style

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "fast_style"

# Layers from the lowest up: a module may import from lower layers, and from packages to the left in its own.
FLOORS = [
    ["errors", "options", "system", "scenes"],
    ["images", "models"],
    ["export", "engines", "losses", "data"],
    ["inference", "training"],
    ["stylizer", "taste", "benchmark"],
    ["meshes", "video", "server", "integrations"],
    ["evaluation"],
    ["commands", "examples"],
]
PLACE = {name: (floor, position) for floor, names in enumerate(FLOORS) for position, name in enumerate(names)}


def modules() -> list[Path]:
    """Every file of the package but its own front, which names the public parts lazily."""
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def imported(path: Path) -> set[str]:
    """Top-level modules of fast_style that a file imports, at any depth of nesting."""
    parts = path.relative_to(PACKAGE).parts
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == len(parts):
            names |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fast_style."):
            names.add(str(node.module).split(".")[1])
    return names - {"__version__"}


def test_every_module_has_a_place() -> None:
    found = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()}
    assert found == set(PLACE)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_or_left(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    wrong = [name for name in imported(path) - {own} if PLACE[name] >= PLACE[own]]
    assert not wrong, f"{own} may not import {wrong}"


def test_the_import_test_sees_imports() -> None:
    assert {"data", "models", "options"} <= imported(PACKAGE / "training" / "trainer.py")
    assert "engines" in imported(PACKAGE / "stylizer.py")


LAZY = ["torch", "torchvision", "tensorboard"]


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import fast_style", [*LAZY, "numpy", "PIL"]),
        ("from fast_style import Stylizer", LAZY),
        ("import fast_style.options", [*LAZY, "numpy"]),
    ],
)
def test_importing_is_lazy(code: str, absent: list[str]) -> None:
    check = f"{code}; import sys; print([m for m in {absent} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("script", ["train.py", "stylize.py"])
@pytest.mark.parametrize("flag", ["--help", "--help-all"])
def test_help_imports_nothing_that_takes_time(script: str, flag: str) -> None:
    """What is not imported cannot make the answer slow, on a busy machine either."""
    slow = ["torch", "torchvision", "tensorboard", "numpy", "PIL", "av", "openvino", "onnxruntime", "starlette"]
    code = (
        f"import runpy, sys; sys.argv = ['{script}', '{flag}']\n"
        f"try: runpy.run_path('{script}', run_name='__main__')\n"
        "except SystemExit as stop: assert not stop.code\n"
        f"print([name for name in {slow} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert result.stdout.startswith(f"usage: {script} ")
    assert result.stdout.splitlines()[-1] == "[]"


def test_the_library_neither_prints_nor_exits() -> None:
    for path in modules():
        if "commands" in path.parts:
            continue
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert not {"print", "exit"} & {call.id for call in calls if isinstance(call, ast.Name)}, path


def test_extras_are_there() -> None:
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert set(extras) == {
        "audio",
        "engines",
        "evaluate",
        "executorch",
        "faces",
        "export",
        "formats",
        "meshes",
        "mobile",
        "train",
        "video",
        "serve",
        "share",
        "all",
        "test",
    }
    assert "test" not in extras["all"][0]
    for requirement in [*project["dependencies"], *(r for k, v in extras.items() if k != "all" for r in v)]:
        assert ">=" in requirement, requirement


def test_the_version_is_one() -> None:
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    pyproject = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert pyproject["project"]["dynamic"] == ["version"]
    assert pyproject["tool"]["hatch"]["version"]["path"] == "fast_style/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", fast_style.__version__)
    assert set(fast_style.__all__) <= set(dir(fast_style))
