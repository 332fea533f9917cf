"""Find the checkpoints that come with the package by name. Imports no torch, so that a filter can start without it."""

from pathlib import Path

from ..errors import FastStyleError

SAMPLE = Path(__file__).parents[1] / "samples" / "lake.jpg"
"""A sample picture, rendered by the project's own code."""
SAMPLES = (SAMPLE, SAMPLE.with_name("still_life.jpg"))


def find(name: str) -> Path:
    """Return the file of that path, or the shipped checkpoint of that name; FastStyleError when there is neither."""
    path = Path(name)
    if path.is_file():
        return path
    known = shipped()
    if name not in known:
        raise FastStyleError(f"{name}: no such file, and no shipped style of that name ({', '.join(known) or 'none'})")
    return known[name]


def shipped() -> dict[str, Path]:
    """List the checkpoints that come with the package, by name."""
    package = Path(__file__).parents[1]
    # In the wheel they lie inside the package, in the repository beside it.
    folders = (package / "checkpoints", package.parent / "checkpoints")
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.pth"))}
