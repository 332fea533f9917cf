"""Define what the readers of model files have in common: textures to paint, and a file to write with them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from ..errors import FastStyleError
from .surface import Surface


@dataclass(frozen=True)
class ModelTexture:
    """Describe a base-colour texture of a model."""

    name: str
    data: bytes
    """The picture file."""
    surface: Surface
    """What it is wrapped around, within 0 to 1 unless it repeats."""
    repeats: bool
    """Whether the model shows it several times side by side."""
    has_alpha: bool
    """Whether its alpha, if it has any, makes the model transparent."""


@dataclass(frozen=True)
class PaintedTexture:
    """Hold a painted texture, encoded."""

    data: bytes
    suffix: str
    """The usual suffix of its format."""


class Model(ABC):
    """Read a model file. Raises FastStyleError for what is none, and for what of it cannot be read."""

    path: Path

    @abstractmethod
    def textures(self) -> Sequence[ModelTexture]:
        """Return the base-colour textures, each once however many materials use it.

        Raises FastStyleError where there is none, or one that cannot be painted.
        """

    @abstractmethod
    def written(self, target: Path, painted: Sequence[PaintedTexture]) -> Mapping[Path, bytes]:
        """Return the files of the model with those in the place of its textures, `target` the last of them."""

    @abstractmethod
    def named_files(self) -> Sequence[Path]:
        """Return the files that the model names: textures, buffers, materials."""

    def read(self, name: str) -> bytes:
        """Read a file that the model names. Raises FastStyleError where it is not there."""
        return content(self.beside(name), f"{self.path}: it names {name}, which")

    def beside(self, name: str) -> Path:
        """Return the path of a file that the model names. Raises FastStyleError for what is no relative path."""
        plain = name.replace("\\", "/")
        if urlsplit(plain).scheme or plain.startswith("/") or "\0" in plain:
            raise FastStyleError(f"{self.path}: it names {name}; put that file into its folder, and name it from there")
        return self.path.parent / plain


def content(path: Path, what: str) -> bytes:
    """Read a file. Raises FastStyleError that begins with `what`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FastStyleError(f"{what} cannot be read ({error.strerror})") from error


def below(name: str) -> PurePosixPath:
    """Return where a file that a model names is put below the folder of the result: its own path, without steps up."""
    return PurePosixPath(*(part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("..", ".")))


def of_result(name: str, target: Path, suffix: str | None = None) -> PurePosixPath:
    """Return where a changed file is put below the folder of the result: with the result's name before its own."""
    place = below(name)
    return place.with_name(f"{target.stem}_{place.stem}{place.suffix if suffix is None else suffix}")
