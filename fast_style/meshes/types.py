"""Define what the readers of model files have in common: textures to paint, and a file to write with them."""

import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import numpy as np

from ..errors import FastStyleError
from .side_files import SideFiles
from .surface import Surface

NEEDS_PACKAGES = '3-D models need more packages: pip install "fast_style[meshes]"'
# Larger files are not read: a model has to fit into memory several times.
MOST_BYTES = 2**31


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
    alpha_counts: bool
    """Whether its alpha, if it has any, makes the model transparent."""


@dataclass(frozen=True)
class PaintedTexture:
    """Hold a painted texture, encoded."""

    data: bytes
    suffix: str
    """The usual suffix of its format."""


class Model(ABC):
    """Read a model file. Everything public raises FastStyleError for what cannot be read, whatever is wrong with it."""

    kind: ClassVar[str]
    """The name of the format, for messages."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._contents: dict[Path, bytes] = {}
        with self._readable():
            self._open()

    def textures(self) -> Sequence[ModelTexture]:
        """Return the base-colour textures, each once however many materials use it.

        Raises FastStyleError where there is none, or one that cannot be painted.
        """
        with self._readable():
            return self._textures()

    def written(self, target: Path, painted: Sequence[PaintedTexture]) -> Mapping[Path, bytes]:
        """Return the files of the model with those in the place of its textures, `target` the last of them."""
        with self._readable():
            files = SideFiles(self.path, target, self.named_files())
            data = self._written(files, painted)
            return {**files.contents, target: data}

    def named_files(self) -> Sequence[Path]:
        """Return the files in the model's folder that it names, resolved: textures, buffers, materials."""
        found = []
        with self._readable():
            for name in self._names():
                with suppress(FastStyleError):
                    found.append(self.beside(name))
        return found

    @abstractmethod
    def _open(self) -> None:
        """Read what names other files."""

    @abstractmethod
    def _textures(self) -> Sequence[ModelTexture]:
        """Return the base-colour textures."""

    @abstractmethod
    def _written(self, files: SideFiles, painted: Sequence[PaintedTexture]) -> bytes:
        """Put what lies beside the result into `files`; return the result itself."""

    @abstractmethod
    def _names(self) -> Iterable[str]:
        """Return the names of other files, as the model has them."""

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Raise FastStyleError for whatever is raised: a damaged file makes this package and trimesh trip anywhere."""
        try:
            with np.errstate(all="ignore"):  # numbers that are none, or too large, are left out of the surface
                yield
        except FastStyleError:
            raise
        except ImportError as error:
            raise FastStyleError(NEEDS_PACKAGES) from error
        except Exception as error:
            what = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise FastStyleError(f"{self.path}: not a readable {self.kind} model ({what})") from error

    def read(self, name: str) -> bytes:
        """Read a file that the model names, once however often. Raises FastStyleError where it is not there."""
        path = self.beside(name)
        if path not in self._contents:
            self._contents[path] = content(path, f"{self.path}: it names {name!r}, which")
        return self._contents[path]

    def beside(self, name: str) -> Path:
        """Return the resolved path of a file that the model names.

        Raises FastStyleError for one outside the model's folder, by steps up and links too: somebody else's model must
        not bring any file of this machine into its result.
        """
        plain, folder = name.replace("\\", "/"), self.path.parent.resolve()
        try:
            path = folder if urlsplit(plain).scheme else (folder / plain).resolve()
        except (OSError, RuntimeError, ValueError):  # links in a circle, characters that no name has
            path = folder
        if plain.startswith("/") or path == folder or not path.is_relative_to(folder):
            raise FastStyleError(
                f"{self.path}: it names {name!r}, which is not in its folder; put that file into its folder, and name "
                "it from there"
            )
        return path


def content(path: Path, what: str, first: int = MOST_BYTES) -> bytes:
    """Read a regular file, or its first bytes. Raises FastStyleError that begins with `what`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise FastStyleError(f"{what} is no regular file")
        if status.st_size > MOST_BYTES:
            raise FastStyleError(f"{what} is larger than {MOST_BYTES >> 30} GiB, which is not read")
        with path.open("rb") as file:
            return file.read(min(first, status.st_size))
    except OSError as error:
        raise FastStyleError(f"{what} cannot be read ({error.strerror})") from error
