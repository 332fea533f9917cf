"""Find the base-colour textures of glTF files and what they are wrapped around."""

import base64
import copy
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from ..errors import FastStyleError
from .gltf_file import BINARY_CHUNK, Json, Writer, chunks_of, is_file, parse
from .gltf_geometry import Use, most_triangles, parts, unread
from .side_files import SideFiles
from .surface import Surface, check_triangles
from .types import Model, ModelTexture, PaintedTexture

# Names of references to base colours; the second is of KHR_materials_pbrSpecularGlossiness.
BASE_COLOR = ("baseColorTexture", "diffuseTexture")
CLAMP_TO_EDGE = 33071
KTX2 = "KHR_texture_basisu"


class Gltf(Model):
    """Read a glTF file."""

    kind = "glTF"

    def _open(self) -> None:
        self.tree, self._packed = parse(self.path)
        self._painted: list[list[int]] = []

    def _written(self, files: SideFiles, painted: Sequence[PaintedTexture]) -> bytes:
        pictures = {number: new for numbers, new in zip(self._painted, painted, strict=True) for number in numbers}
        return Writer(self, self.tree, self._buffers, self._chunks).written(files, pictures)

    def _names(self) -> Iterator[str]:
        holders = [*self.tree.get("buffers", ()), *self.tree.get("images", ())]
        return (unquote(each["uri"]) for each in holders if is_file(each))

    def _textures(self) -> list[ModelTexture]:
        if not any(name in BASE_COLOR for name, _ in self._references()):
            raise FastStyleError(f"{self.path}: no base-colour texture to paint; its colours are not pictures")
        self._separate()
        uses = [use for use in self._uses() if use.coordinates]
        for reason in filter(None, (unread(self.tree, use) for use in uses)):
            raise FastStyleError(f"{self.path}: {reason}")
        check_triangles(most_triangles(self.tree, uses), str(self.path))
        shapes = parts(self.tree, self._buffers, uses)
        self._painted, found = [], []
        for numbers in self._groups():
            mine = [i for i, use in enumerate(uses) if set(numbers) & set(self._sources(use.info["index"]))]
            if not mine:
                continue
            surface = Surface.joined([shapes[i] for i in mine])
            wraps = any(self._wraps(uses[i].info) for i in mine)
            tile = surface.within_tile() if wraps else surface.clamped()
            alpha = not all(uses[i].opaque for i in mine)
            data = self._data(self.tree["images"][numbers[0]])
            found.append(ModelTexture(self._name(numbers[0]), data, tile or surface, tile is None, alpha))
            self._painted.append(numbers)
        if not found:
            raise FastStyleError(f"{self.path}: no mesh has texture coordinates for its base colour; unwrap it first")
        return found

    def _references(self) -> Iterator[tuple[str, Json]]:
        """The materials' references to textures: what each is for, and the reference."""

        def walk(value: Any) -> Iterator[tuple[str, Json]]:
            for name, item in value.items() if isinstance(value, dict) else ():
                if name.endswith("Texture") and isinstance(item, dict) and "index" in item:
                    yield name, item
                yield from walk(item)

        for material in self.tree.get("materials", ()):
            yield from walk(material)

    def _separate(self) -> None:
        """Give base colours images of their own where other textures, such as emission, show the same ones."""
        others = {
            n for name, info in self._references() if name not in BASE_COLOR for n in self._sources(info["index"])
        }
        copies: dict[int, int] = {}
        tree = copy.deepcopy(self.tree)
        self.tree, before = tree, self.tree
        for name, info in self._references():
            index = info["index"]
            if name not in BASE_COLOR or index >= len(before["textures"]) or not others & set(self._sources(index)):
                continue
            if index not in copies:
                copies[index] = len(tree["textures"])
                tree["textures"].append(self._copied(tree["textures"][index]))
            info["index"] = copies[index]

    def _copied(self, texture: Json) -> Json:
        """A texture with copies of its images."""
        texture = copy.deepcopy(texture)
        for holder in (texture, *texture.get("extensions", {}).values()):
            if "source" in holder:
                self.tree["images"].append(dict(self.tree["images"][holder["source"]]))
                holder["source"] = len(self.tree["images"]) - 1
        return texture

    def _uses(self) -> Iterator[Use]:
        for mesh, content in enumerate(self.tree.get("meshes", ())):
            for primitive in content["primitives"]:
                if "material" in primitive:
                    material = self.tree["materials"][primitive["material"]]
                    opaque = material.get("alphaMode", "OPAQUE") == "OPAQUE"
                    glossy = material.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness", {})
                    rough = material.get("pbrMetallicRoughness", {})
                    infos = (rough.get(BASE_COLOR[0]), glossy.get(BASE_COLOR[1]))
                    yield from (Use(mesh, primitive, info, opaque) for info in infos if info)

    def _sources(self, texture: int) -> list[int]:
        """Numbers of a texture's images: one, and others for programs that know an extension."""
        content = self.tree["textures"][texture]
        holders = (content, *content.get("extensions", {}).values())
        return [holder["source"] for holder in holders if "source" in holder]

    def _groups(self) -> list[list[int]]:
        """Numbers of the images of base colours, those together that are stored in one place."""
        groups: dict[Any, list[int]] = {}
        for texture in {info["index"]: None for name, info in self._references() if name in BASE_COLOR}:
            if KTX2 in self.tree["textures"][texture].get("extensions", {}):
                raise FastStyleError(
                    f"{self.path}: texture {texture} is KTX2 ({KTX2}), which is not read; save it as PNG or JPEG"
                )
            for number in self._sources(texture):
                image = self.tree["images"][number]
                place = self.beside(unquote(image["uri"])) if is_file(image) else image.get("uri")
                group = groups.setdefault(image.get("bufferView", place), [])
                group += [number] if number not in group else []
        return list(groups.values())

    def _wraps(self, info: Json) -> bool:
        number = self.tree["textures"][info["index"]].get("sampler")
        sampler = {} if number is None else self.tree["samplers"][number]
        return {sampler.get("wrapS"), sampler.get("wrapT")} != {CLAMP_TO_EDGE}

    def _name(self, number: int) -> str:
        image = self.tree["images"][number]
        uri = image.get("uri", "data:")
        return str(image.get("name") or (f"image {number}" if uri.startswith("data:") else unquote(uri)))

    @cached_property
    def _chunks(self) -> list[tuple[int, bytes]] | None:
        return chunks_of(self.path) if self._packed else None

    @cached_property
    def _buffers(self) -> list[bytes]:
        return [self._buffer(number, buffer) for number, buffer in enumerate(self.tree.get("buffers", ()))]

    def _buffer(self, number: int, buffer: Json) -> bytes:
        if "uri" in buffer:
            return self._from_uri(buffer["uri"])
        found = [data for kind, data in self._chunks or () if kind == BINARY_CHUNK]
        if number or not found:  # the binary part of a GLB is its first buffer
            raise FastStyleError(f"{self.path}: the binary part of buffer {number} is missing; the file is damaged")
        return found[0]

    def _data(self, image: Json) -> bytes:
        if "bufferView" not in image:
            return self._from_uri(image["uri"])
        view = self.tree["bufferViews"][image["bufferView"]]
        start = view.get("byteOffset", 0)
        return self._buffers[view["buffer"]][start : start + view["byteLength"]]

    def _from_uri(self, uri: str) -> bytes:
        return base64.b64decode(uri.partition(",")[2]) if uri.startswith("data:") else self.read(unquote(uri))
