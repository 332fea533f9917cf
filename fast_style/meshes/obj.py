"""Read Wavefront OBJ files with their materials (MTL), and write them with other textures; all else stays as it is."""

import io
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FastStyleError
from .side_files import SideFiles
from .surface import Array, Surface, check_triangles
from .types import Model, ModelTexture, PaintedTexture, content

# Lines of MTL that name a picture; the options of some stand before its name.
PICTURE = re.compile(rb"(\s*(map_\w+|bump|norm|disp|decal|refl)\s+)(.*\S)", re.IGNORECASE)
LIBRARY = re.compile(rb"(\s*mtllib\s+)(.*\S)")
BASE_COLOR = b"map_kd"
# How many values the options take; those of NUMBERS one to three.
OPTIONS = {b"-mm": 2} | dict.fromkeys(
    (b"-blendu", b"-blendv", b"-cc", b"-clamp", b"-bm", b"-boost", b"-texres", b"-imfchan", b"-type", b"-colorspace"), 1
)
NUMBERS = (b"-o", b"-s", b"-t")


@dataclass(frozen=True)
class _Picture:
    """What stands behind map_Kd and the like."""

    name: bytes
    options: bytes
    """As written, with the space behind them."""

    @classmethod
    def of(cls, text: bytes) -> "_Picture":
        words = re.findall(rb"\S+\s*", text)
        at = 0
        while at < len(words) and words[at].strip().lower() in (*OPTIONS, *NUMBERS):
            option = words[at].strip().lower()
            at += 1 + OPTIONS.get(option, 0)
            while option in NUMBERS and at < len(words) - 1 and re.fullmatch(rb"[-+.\deE]+", words[at].strip()):
                at += 1
        return cls(b"".join(words[at:]).strip(), b"".join(words[:at]))

    def numbers(self, option: bytes, default: float) -> Array:
        """Values of an option in both directions of the texture."""
        found = re.search(option + rb"\s+([-+.\deE]+)(?:\s+([-+.\deE]+))?", self.options)
        return np.array([float(each) if each else default for each in (found.groups() if found else (None, None))])


class Obj(Model):
    """Read an OBJ file and the MTL files that it names. Its text is kept as bytes, whose encoding nobody knows."""

    kind = "OBJ"

    def _open(self) -> None:
        self._text = content(self.path, f"{self.path}:")
        names = [name for key, rest in _statements(self._text) if key == b"mtllib" for name in self._files(rest)]
        self._libraries = {name: self.read(_decoded(name)) for name in dict.fromkeys(names)}
        self._painted: list[Path] = []

    def _textures(self) -> Sequence[ModelTexture]:
        materials = {name: picture for text in self._libraries.values() for name, picture in _base_colors(text)}
        if not materials:
            raise FastStyleError(f"{self.path}: no base-colour texture (map_Kd) to paint; its colours are not pictures")
        found, self._painted = [], []
        for name, parts in self._shapes(materials).items():
            surface = Surface.joined(parts)
            tile = surface.within_tile()
            found.append(ModelTexture(name, self.read(name), tile or surface, tile is None, alpha_counts=True))
            self._painted.append(self.beside(name))
        if not found:
            raise FastStyleError(f"{self.path}: no face with a texture has texture coordinates; unwrap it first")
        return found

    def _written(self, files: SideFiles, painted: Sequence[PaintedTexture]) -> bytes:
        new = dict(zip(self._painted, painted, strict=True))

        def renamed(line: re.Match[bytes]) -> bytes:
            picture = _Picture.of(line[3])
            base = line[2].lower() == BASE_COLOR
            if not (base or files.moved):
                return line[0]
            path = self.beside(_decoded(picture.name))
            if base and path in new:
                place = files.put(path, new[path].data, new[path].suffix)
            elif files.moved and _is_file(path):
                place = files.put(path, self.read(_decoded(picture.name)))
            else:
                return line[0]
            return line[1] + picture.options + _encoded(place)

        libraries = {
            library: files.put(self.beside(_decoded(library)), _each_line(PICTURE, renamed, text))
            for library, text in self._libraries.items()
        }

        def relinked(line: re.Match[bytes]) -> bytes:
            return line[1] + b" ".join(_encoded(libraries[name]) for name in self._files(line[2]))

        return _each_line(LIBRARY, relinked, self._text)

    def _names(self) -> Iterator[str]:
        yield from map(_decoded, self._libraries)
        for text in self._libraries.values():
            yield from (_decoded(_Picture.of(line[3]).name) for line in map(PICTURE.match, text.splitlines()) if line)

    def _files(self, text: bytes) -> list[bytes]:
        """Names behind mtllib: one that may have spaces, or several."""
        words = text.split()
        return [text] if len(words) > 1 and _is_file(self.beside(_decoded(text))) else words

    def _shapes(self, materials: Mapping[bytes, _Picture]) -> dict[str, list[tuple[Array, Array]]]:
        """Places and texture coordinates by the name of the picture, as trimesh reads them."""
        from trimesh.exchange.obj import load_obj
        from trimesh.geometry import triangulate_quads
        from trimesh.resolvers import ZipResolver

        numbers = {name: str(number).encode() for number, name in enumerate(materials)}
        lines, triangles = [b"mtllib materials"], 0
        for key, rest in _statements(self._text):
            if key in (b"v", b"vt", b"f"):
                lines.append(key + b" " + rest.partition(b"#")[0])
                triangles += max(0, len(rest.split()) - 2) if key == b"f" else 0
            elif key == b"usemtl":
                lines.append(b"usemtl " + numbers.get(rest, b"other"))
        check_triangles(triangles, str(self.path))
        library = b"\n".join(b"newmtl " + number for number in (*numbers.values(), b"other"))
        read = load_obj(io.BytesIO(b"\n".join(lines)), ZipResolver({"materials": io.BytesIO(library)}))
        pictures = {str(number): picture for number, picture in enumerate(materials.values())}
        found: dict[Path, tuple[str, list[tuple[Array, Array]]]] = {}
        for mesh in read.get("geometry", {}).values():
            visual = mesh.get("visual")
            if visual is None or visual.uv is None or visual.material.name not in pictures:
                continue
            picture = pictures[visual.material.name]
            uv = visual.uv[:, :2] * picture.numbers(b"-s", 1.0) + picture.numbers(b"-o", 0.0)
            uv = np.stack([uv[:, 0], 1 - uv[:, 1]], -1)
            faces = triangulate_quads(mesh["faces"])
            name = _decoded(picture.name)  # one picture may have several, as maps/a.png and ./maps/a.png
            parts = found.setdefault(self.beside(name), (name, []))[1]
            parts.append((np.asarray(mesh["vertices"])[faces], uv[faces]))
        return dict(found.values())


def _statements(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keyword and rest of each line."""
    for line in text.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ").splitlines():
        key, *rest = line.split(None, 1)[:2] or [b""]
        yield key, rest[0].strip() if rest else b""


def _base_colors(text: bytes) -> Iterator[tuple[bytes, _Picture]]:
    """Materials of an MTL file that have a texture, and that."""
    material = b""
    for key, rest in _statements(text):
        if key == b"newmtl":
            material = rest
        elif key.lower() == BASE_COLOR and rest:
            yield material, _Picture.of(rest)


def _each_line(pattern: re.Pattern[bytes], change: Callable[[re.Match[bytes]], bytes], text: bytes) -> bytes:
    """Replace what a pattern matches at the beginning of lines."""
    return b"".join(pattern.sub(change, line, 1) if pattern.match(line) else line for line in text.splitlines(True))


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113, which raises nothing where the name is too long


def _decoded(name: bytes) -> str:
    return name.replace(b"\\", b"/").decode("utf-8", "surrogateescape")


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
