"""Find the checkpoints that come with the package by name. Imports no torch, so that a filter can start without it."""

from collections.abc import Iterable
from pathlib import Path

from ..errors import FastStyleError
from ..system.suggestions import did_you_mean, suggestion
from . import remote

SAMPLE = Path(__file__).parents[1] / "samples" / "lake.jpg"
"""A sample picture, rendered by the project's own code."""
ANY_STYLE = "any"
"""Name of the checkpoint that paints like any painting."""
SAMPLES = (SAMPLE, SAMPLE.with_name("still_life.jpg"))


def find(name: str) -> Path:
    """Return the file of that path or address, or the shipped checkpoint of that name.

    Raises FastStyleError when there is none, and for addresses that cannot be used.
    """
    path = remote.local(name)
    if path.is_file():
        return path
    known = checkpoints()
    if name not in known:
        raise FastStyleError(f"{name}: no such file, and no shipped {_hint(name, known)}")
    return known[name]


def stem(model: str | Path) -> str:
    """Return the name of a model without folder and suffix, by which results are called."""
    text = str(model)
    return Path(remote.parse(text).file_name if remote.is_address(text) else text).stem


def _hint(name: str, known: Iterable[str]) -> str:
    """Say what may be meant by a name that is no model's: one that is nearly the same, or the model with that style."""
    if not did_you_mean(name, known):
        owner = next((model for model, path in shipped().items() if name in _styles_of(path)), "")
        if owner:
            return f"model of that name; it is a style of {owner}: name that model, and the style {name}"
    return f"style of that name ({suggestion(name, known)})"


def _styles_of(path: Path) -> set[str]:
    """Names of the styles of a checkpoint."""
    from .checkpoint_file import read  # with NumPy, which those who find what they name need not wait for

    return {str(style["name"]) for style in read(path).styles}


def shipped() -> dict[str, Path]:
    """List the checkpoints with styles of their own that come with the package, by name: all but ANY_STYLE."""
    return {name: path for name, path in checkpoints().items() if name != ANY_STYLE}


def checkpoints() -> dict[str, Path]:
    """List the checkpoints that come with the package, by name, ANY_STYLE too."""
    package = Path(__file__).parents[1]
    folder = package / "checkpoints"  # in the wheel
    if not folder.is_dir() and (package.parent / "pyproject.toml").is_file():  # else it is somebody else's folder
        folder = package.parent / "checkpoints"  # in the repository
    return {path.stem: path for path in sorted(folder.glob("*.pth"))}
