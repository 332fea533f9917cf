"""Name the files that lie beside a painted model: its textures, buffers and materials."""

from collections.abc import Iterable
from itertools import count
from pathlib import Path


class SideFiles:
    """Collect the files beside a result. Each has the result's name before its own, so that models share none."""

    def __init__(self, source: Path, target: Path, named: Iterable[Path]) -> None:
        """source: the model that is read; target: the result; named: the files that the model names, resolved."""
        self.contents: dict[Path, bytes] = {}
        self._target, self._folder, self._named = target, source.parent.resolve(), frozenset(named)
        self.moved = self._folder != target.parent.resolve()
        """Whether the result lies in another folder, into which what is not changed goes along."""

    def put(self, source: Path, data: bytes, suffix: str | None = None) -> str:
        """Take a file into the result; return its name from there, with slashes.

        source: the file in the model's folder, resolved, that it comes from; suffix: a new one. A number tells apart
        files of one name, and keeps those that the model itself names.
        """
        place = source.relative_to(self._folder)
        stem, suffix = f"{self._target.stem}_{place.stem}", place.suffix if suffix is None else suffix
        for number in count(1):
            name = place.with_name(f"{stem}{f'_{number}' if number > 1 else ''}{suffix}")
            path = self._target.parent / name
            if self.contents.get(path, data) == data and path.resolve() not in self._named:
                break
        self.contents[path] = data
        return name.as_posix()
