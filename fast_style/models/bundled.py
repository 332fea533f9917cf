"""Checkpoints by name: those that come with the package. Imports no torch, so that a filter can start without it."""

from difflib import get_close_matches
from pathlib import Path

from ..errors import FastStyleError

SAMPLE = Path(__file__).parents[1] / "samples" / "lake.jpg"
"""The picture that comes with the package, drawn by its own code."""
SAMPLES = (SAMPLE, SAMPLE.with_name("still_life.jpg"))


def find(name: str) -> Path:
    """The file of that path, or the shipped checkpoint of that name. Raises FastStyleError when there is neither."""
    path = Path(name)
    if path.is_file():
        return path
    known = shipped()
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"
        raise FastStyleError(f"{name}: no such file, and no shipped style of that name ({hint})")
    return known[name]


def shipped() -> dict[str, Path]:
    """The checkpoints that come with the package, by name."""
    package = Path(__file__).parents[1]
    folder = package / "checkpoints"  # in the wheel
    if not folder.is_dir() and (package.parent / "pyproject.toml").is_file():  # else it is somebody else's folder
        folder = package.parent / "checkpoints"  # in the repository
    return {path.stem: path for path in sorted(folder.glob("*.pth"))}
