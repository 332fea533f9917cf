"""Tell models from pictures, and open them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import FastStyleError
from .gltf import Gltf
from .obj import Obj
from .types import Model

READERS: dict[str, Callable[[Path], Model]] = {".glb": Gltf, ".gltf": Gltf, ".obj": Obj}
"""What reads a file with that suffix."""


def is_model(path: Path) -> bool:
    """Return whether a file of that name is a 3-D model that can be painted."""
    return path.suffix.lower() in READERS


def open_model(path: Path) -> Model:
    """Open a model. Raises FastStyleError for what is none."""
    return READERS[path.suffix.lower()](path)


def named_files(path: Path) -> Sequence[Path]:
    """Return the files that a model names; none for what cannot be read."""
    try:
        return open_model(path).named_files()
    except FastStyleError:
        return ()
