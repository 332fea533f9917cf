"""Read Wavefront OBJ files with their materials (MTL), and write them with other textures; all else stays as it is."""

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FastStyleError
from .gltf_geometry import NEEDS_PACKAGES
from .surface import Array, Surface
from .types import Model, ModelTexture, PaintedTexture, below, content, of_result

# Lines of MTL that name a picture; the options of some stand before its name.
PICTURE = re.compile(r"(\s*(map_\w+|bump|norm|disp|decal|refl)\s+)(.*\S)", re.IGNORECASE)
BASE_COLOR = "map_kd"
# How many values the options take; those of NUMBERS one to three.
OPTIONS = {"-mm": 2} | dict.fromkeys(
    ("-blendu", "-blendv", "-cc", "-clamp", "-bm", "-boost", "-texres", "-imfchan", "-type", "-colorspace"), 1
)
NUMBERS = ("-o", "-s", "-t")
# One character for each byte, so that what is not changed is written as it was read.
ENCODING = "latin-1"


@dataclass(frozen=True)
class _Picture:
    """What stands behind map_Kd and the like."""

    name: str
    options: str
    """As written, with the space behind them."""

    @classmethod
    def of(cls, text: str) -> "_Picture":
        words = re.findall(r"\S+\s*", text)
        at = 0
        while at < len(words) and words[at].strip().lower() in (*OPTIONS, *NUMBERS):
            option = words[at].strip().lower()
            at += 1 + OPTIONS.get(option, 0)
            while option in NUMBERS and at < len(words) - 1 and re.fullmatch(r"[-+.\deE]+", words[at].strip()):
                at += 1
        return cls("".join(words[at:]).strip(), "".join(words[:at]))

    def numbers(self, option: str, default: float) -> Array:
        """Values of an option in both directions of the texture."""
        found = re.search(rf"{option}\s+([-+.\deE]+)(?:\s+([-+.\deE]+))?", self.options)
        return np.array([float(each) if each else default for each in (found.groups() if found else (None, None))])


class Obj(Model):
    """Read an OBJ file and the MTL files that it names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = content(path, f"{path}:").decode(ENCODING)
        names = [name for key, rest in _statements(self._text) if key == "mtllib" for name in self._files(rest)]
        self._libraries = {name: self.read(_decoded(name)).decode(ENCODING) for name in dict.fromkeys(names)}
        self._painted: list[str] = []

    def textures(self) -> Sequence[ModelTexture]:
        """Return the textures of map_Kd, as in the base class."""
        materials = {name: picture for text in self._libraries.values() for name, picture in _base_colors(text)}
        if not materials:
            raise FastStyleError(f"{self.path}: no base-colour texture (map_Kd) to paint; its colours are not pictures")
        try:
            shapes = self._shapes(materials)
        except ImportError as error:
            raise FastStyleError(NEEDS_PACKAGES) from error
        except Exception as error:  # whatever trimesh trips over in a damaged file
            raise FastStyleError(f"{self.path}: not a readable OBJ model ({type(error).__name__}: {error})") from error
        found, self._painted = [], list(shapes)
        for name, parts in shapes.items():
            surface = Surface.joined(parts)
            tile = surface.within_tile()
            data = self.read(_decoded(name))
            found.append(ModelTexture(_decoded(name), data, tile or surface, tile is None, has_alpha=True))
        if not found:
            raise FastStyleError(f"{self.path}: no face with a texture has texture coordinates; unwrap it first")
        return found

    def written(self, target: Path, painted: Sequence[PaintedTexture]) -> Mapping[Path, bytes]:
        """Return the files of the result, as in the base class: OBJ, MTL and pictures."""
        files: dict[Path, bytes] = {}
        new = dict(zip(self._painted, painted, strict=True))
        moved = self.path.parent.resolve() != target.parent.resolve()

        def renamed(line: re.Match[str]) -> str:
            picture, start = _Picture.of(line[3]), line[1]
            name = _decoded(picture.name)
            if line[2].lower() == BASE_COLOR and picture.name in new:
                place, data = of_result(name, target, new[picture.name].suffix), new[picture.name].data
            elif moved and self.beside(name).is_file():
                place, data = below(name), self.read(name)
            else:
                return line[0]
            files[target.parent / place] = data
            return f"{start}{picture.options}{place.as_posix().encode().decode(ENCODING)}"

        libraries = {}
        for library, text in self._libraries.items():
            libraries[library] = of_result(_decoded(library), target)
            files[target.parent / libraries[library]] = _each_line(PICTURE, renamed, text).encode(ENCODING)

        def relinked(line: re.Match[str]) -> str:
            places = [libraries[name].as_posix().encode().decode(ENCODING) for name in self._files(line[2])]
            return line[1] + " ".join(places)

        files[target] = _each_line(re.compile(r"(\s*mtllib\s+)(.*\S)"), relinked, self._text).encode(ENCODING)
        return files

    def named_files(self) -> Sequence[Path]:
        """Return the MTL files and the pictures that they name."""
        pictures = [
            _Picture.of(line[3]).name
            for text in self._libraries.values()
            for line in map(PICTURE.match, text.splitlines())
            if line
        ]
        return [self.beside(_decoded(name)) for name in (*self._libraries, *pictures)]

    def _files(self, text: str) -> list[str]:
        """Names behind mtllib: one that may have spaces, or several."""
        return [text] if self.beside(_decoded(text)).is_file() else text.split()

    def _shapes(self, materials: Mapping[str, _Picture]) -> dict[str, list[tuple[Array, Array]]]:
        """Places and texture coordinates by the name of the picture, as trimesh reads them."""
        from trimesh.exchange.obj import load_obj
        from trimesh.geometry import triangulate_quads
        from trimesh.resolvers import ZipResolver

        numbers = {name: str(number) for number, name in enumerate(materials)}
        lines = ["mtllib materials"]
        for key, rest in _statements(self._text):
            if key in ("v", "vt", "f"):
                lines.append(f"{key} {rest}")
            elif key == "usemtl":
                lines.append(f"usemtl {numbers.get(rest, 'other')}")
        library = "\n".join(f"newmtl {number}" for number in (*numbers.values(), "other"))
        resolver = ZipResolver({"materials": io.BytesIO(library.encode())})
        read = load_obj(io.BytesIO("\n".join(lines).encode()), resolver)
        pictures = dict(enumerate(materials.values()))
        found: dict[str, list[tuple[Array, Array]]] = {}
        for mesh in read.get("geometry", {}).values():
            visual = mesh.get("visual")
            if visual is None or visual.uv is None or visual.material.name not in numbers.values():
                continue
            picture = pictures[int(visual.material.name)]
            uv = visual.uv[:, :2] * picture.numbers("-s", 1.0) + picture.numbers("-o", 0.0)
            uv = np.stack([uv[:, 0], 1 - uv[:, 1]], -1)
            faces = triangulate_quads(mesh["faces"])
            found.setdefault(picture.name, []).append((np.asarray(mesh["vertices"])[faces], uv[faces]))
        return found


def _statements(text: str) -> Iterator[tuple[str, str]]:
    """Keyword and rest of each line."""
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        key, *rest = line.split(None, 1)[:2] or [""]
        yield key, rest[0].strip() if rest else ""


def _base_colors(text: str) -> Iterator[tuple[str, _Picture]]:
    """Materials of an MTL file that have a texture, and that."""
    material = ""
    for key, rest in _statements(text):
        if key == "newmtl":
            material = rest
        elif key.lower() == BASE_COLOR and rest:
            yield material, _Picture.of(rest)


def _each_line(pattern: re.Pattern[str], change: Callable[[re.Match[str]], str], text: str) -> str:
    """Replace what a pattern matches at the beginning of lines."""
    return "".join(pattern.sub(change, line, 1) if pattern.match(line) else line for line in text.splitlines(True))


def _decoded(name: str) -> str:
    return name.replace("\\", "/").encode(ENCODING).decode("utf-8", "surrogateescape")
