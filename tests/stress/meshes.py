"""Damaged and hostile 3-D models (GLB, glTF, OBJ with MTL and textures): painted, and the result read again.

A case is a ZIP of the model's files, the model first, which is painted beside itself or into another folder.
"""

import io
import os
import shutil
import zipfile
from pathlib import Path
from random import Random

from fast_style import Stylizer
from fast_style.errors import FastStyleError
from fast_style.meshes import stylize_model
from fast_style.meshes.sources import open_model
from fast_style.options import StylizeOptions

from ..conftest import untrained
from . import mesh_files
from .parts import StressError


class Stress:
    """See the package."""

    def __init__(self, folder: Path) -> None:
        self._secret, self._place = folder.parent / "secret.txt", folder / "case"
        self._stylizer = Stylizer.load(untrained(folder / "tiny.pth", "a"), "cpu", "torch", "fp32")

    def make(self, rng: Random) -> tuple[str, bytes]:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in mesh_files.make(rng, self._secret.resolve()).items():
                archive.writestr(name, data)
        return rng.choice(("beside.zip", "elsewhere.zip")), buffer.getvalue()

    def run(self, path: Path) -> str:
        source, before = self._unpacked(path)
        target = source.with_stem("new") if "beside" in path.name else self._place / "out" / source.name
        try:
            sizes = stylize_model(self._stylizer, source, target, StylizeOptions())
            self._read_again(target, sizes)
        finally:
            self._look_around(before, target)
        return "painted"

    def _unpacked(self, path: Path) -> tuple[Path, dict[Path, bytes]]:
        """The model's path, and the files that are there."""
        shutil.rmtree(self._place, ignore_errors=True)
        folder = self._place / "in"
        (folder / "maps").mkdir(parents=True)
        (folder / mesh_files.FILE_LINK).symlink_to(self._secret.resolve())
        (folder / mesh_files.FOLDER_LINK).symlink_to(self._place)
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            archive.extractall(folder)
        return folder / names[0], {folder / name: (folder / name).read_bytes() for name in names}

    def _read_again(self, target: Path, sizes: list[tuple[int, int]]) -> None:
        try:
            found = len(open_model(target).textures())
        except FastStyleError as error:
            raise StressError(f"the result is no model: {error}") from error
        if found != len(sizes):
            raise StressError(f"{len(sizes)} textures became {found}")

    def _look_around(self, before: dict[Path, bytes], target: Path) -> None:
        """See that the model is as it was, and that what is new bears the result's name."""
        for path, data in before.items():
            if path.read_bytes() != data:
                raise StressError(f"{path} was changed")
        for folder, _, names in os.walk(self._place.parent):
            for path in (Path(folder) / name for name in names):
                ours = path.is_relative_to(target.parent) and (
                    path == target or path.name.startswith(f"{target.stem}_")
                )
                known = path in before or path.name in (mesh_files.FILE_LINK, mesh_files.FOLDER_LINK, "tiny.pth")
                if not (ours or known):
                    raise StressError(f"wrote {path}")

    def close(self) -> None:
        pass
