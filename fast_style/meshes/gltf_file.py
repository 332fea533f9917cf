"""Read the parts of glTF 2.0 files (.glb, .gltf), and write them with other pictures; all else stays byte for byte.

A library that reads a scene and writes it again loses what it does not know (extensions, skins) and adds its defaults.
So the JSON is kept as it is, and pictures are put in the place of others in the buffers or beside the file.
"""

import base64
import copy
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from ..errors import FastStyleError
from .side_files import SideFiles
from .types import Model, PaintedTexture, content

Json = dict[str, Any]

MAGIC = b"glTF"
JSON_CHUNK, BINARY_CHUNK = 0x4E4F534A, 0x004E4942
# Compression that keeps places in buffers of its own.
MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")
# What comes before the JSON of a GLB.
HEAD_BYTES = 20
MIME = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif"}
# Parts of buffers begin at multiples of this.
ALIGNMENT = 4


def parse(path: Path) -> tuple[Json, bool]:
    """Read the JSON of a glTF file, and whether it is a GLB, of which no more is read.

    Raises FastStyleError for what is no glTF 2.0 and for compression that is not read, any exception for damage.
    """
    head = content(path, f"{path}:", HEAD_BYTES)
    packed = head.startswith(MAGIC)
    if packed:
        version, length, size = struct.unpack_from("<III", head, 4)
        if version != 2 or max(length, HEAD_BYTES + size) > path.stat().st_size:
            raise ValueError(f"GLB version {version}" if version != 2 else "cut short")
        tree = json.loads(content(path, f"{path}:", HEAD_BYTES + size)[HEAD_BYTES:])
    else:
        tree = json.loads(content(path, f"{path}:"))
    version = str(tree["asset"]["version"])
    if not version.startswith("2."):
        raise FastStyleError(f"{path}: glTF {version}; only 2.0 is read, to which modelling programs convert it")
    used = {*tree.get("extensionsUsed", ()), *tree.get("extensionsRequired", ())}
    for name in used.intersection(MESHOPT):
        raise FastStyleError(f"{path}: compressed by {name}, which is not read; save it without")
    return tree, packed


def chunks_of(path: Path) -> list[tuple[int, bytes]]:
    """Read kinds and contents of the chunks behind the JSON of a GLB. Raises ValueError for one that is cut short."""
    data = content(path, f"{path}:")
    (length,) = struct.unpack_from("<I", data, 8)
    place, found = 12, []
    while place + 8 <= length:
        size, kind = struct.unpack_from("<II", data, place)
        if place + 8 + size > length:
            raise ValueError("cut short")
        found.append((kind, data[place + 8 : place + 8 + size]))
        place += 8 + size
    return found[1:]


def _joined(chunks: Sequence[tuple[int, bytes]]) -> bytes:
    body = b""
    for kind, data in chunks:
        padded = data + (b" " if kind == JSON_CHUNK else b"\0") * (-len(data) % ALIGNMENT)
        body += struct.pack("<II", len(padded), kind) + padded
    return struct.pack("<4sII", MAGIC, 2, 12 + len(body)) + body


class Writer:
    """Write a glTF file with other pictures in the place of some."""

    def __init__(
        self, model: Model, tree: Json, buffers: Sequence[bytes], chunks: Sequence[tuple[int, bytes]] | None
    ) -> None:
        """buffers: the contents of the file's buffers; chunks: those behind the JSON of a GLB."""
        self._model, self._tree, self._buffers, self._chunks = model, copy.deepcopy(tree), list(buffers), chunks

    def written(self, files: SideFiles, pictures: Mapping[int, PaintedTexture]) -> bytes:
        """Return the file, and put into `files` what is changed beside it, and what goes along into another folder.

        pictures: by number of the image.
        """
        views: dict[int, list[int]] = {}
        for number, new in pictures.items():
            image = self._tree["images"][number]
            if "mimeType" in image or "bufferView" in image:
                image["mimeType"] = MIME[new.suffix]
            if "bufferView" in image:
                views.setdefault(image["bufferView"], []).append(number)
            else:
                self._store(files, image, new.data, new.suffix)
        changed = self._put_into_buffers(files, views, pictures)
        kept = [buffer for number, buffer in enumerate(self._tree.get("buffers", ())) if number not in changed]
        kept += [image for number, image in enumerate(self._tree["images"]) if number not in pictures]
        for holder in kept if files.moved else ():
            if is_file(holder):
                self._store(files, holder, self._model.read(unquote(holder["uri"])))
        text = json.dumps(self._tree, ensure_ascii=False, separators=(",", ":")).encode()
        return text if self._chunks is None else _joined([(JSON_CHUNK, text), *self._chunks])

    def _store(self, files: SideFiles, holder: Json, data: bytes, suffix: str | None = None) -> None:
        """Put data where the address of a buffer or image says, files under a name of the result."""
        if is_file(holder):
            holder["uri"] = quote(files.put(self._model.beside(unquote(holder["uri"])), data, suffix))
            return
        kind = MIME.get(suffix or "", "application/octet-stream")
        holder["uri"] = f"data:{kind};base64,{base64.b64encode(data).decode()}"

    def _put_into_buffers(
        self, files: SideFiles, views: Mapping[int, Sequence[int]], pictures: Mapping[int, PaintedTexture]
    ) -> set[int]:
        """Replace the parts of buffers that are pictures; return which buffers change.

        views: numbers of the images that each part is.
        """
        inside: dict[int, dict[int, bytes]] = {}
        for view, images in views.items():
            buffer, data = self._tree["bufferViews"][view]["buffer"], pictures[images[0]].data
            if self._is_shared(view, images):
                self._append(buffer, images, data)
            else:
                inside.setdefault(buffer, {})[view] = data
        changed = {self._tree["bufferViews"][view]["buffer"] for view in views}
        for buffer in changed:
            self._splice(buffer, inside.get(buffer, {}))
            holder, data = self._tree["buffers"][buffer], self._buffers[buffer]
            holder["byteLength"] = len(data)
            if "uri" in holder:
                self._store(files, holder, data)
            elif self._chunks is not None:
                first = next(i for i, (kind, _) in enumerate(self._chunks) if kind == BINARY_CHUNK)
                self._chunks = [*self._chunks[:first], (BINARY_CHUNK, data), *self._chunks[first + 1 :]]
        return changed

    def _is_shared(self, view: int, images: Sequence[int]) -> bool:
        """Whether something else uses the bytes of a part too."""
        first, last, buffer = _range(self._tree["bufferViews"][view])
        overlaps = any(
            number != view and other[2] == buffer and other[0] < last and first < other[1]
            for number, other in enumerate(map(_range, self._tree["bufferViews"]))
        )
        used = {i for i, image in enumerate(self._tree["images"]) if image.get("bufferView") == view}
        return overlaps or used != set(images)

    def _append(self, buffer: int, images: Sequence[int], data: bytes) -> None:
        old = self._buffers[buffer]
        start = len(old) + -len(old) % ALIGNMENT
        self._buffers[buffer] = old.ljust(start, b"\0") + data
        self._tree["bufferViews"].append({"buffer": buffer, "byteOffset": start, "byteLength": len(data)})
        for image in images:
            self._tree["images"][image]["bufferView"] = len(self._tree["bufferViews"]) - 1

    def _splice(self, buffer: int, new: Mapping[int, bytes]) -> None:
        """Put new bytes in the place of parts of a buffer; what lies behind moves by multiples of ALIGNMENT."""
        views, old = self._tree["bufferViews"], self._buffers[buffer]
        pieces, place, moves = [], 0, []
        for view in sorted(new, key=lambda number: _range(views[number])[0]):
            first, last, _ = _range(views[view])
            longer = -(-(len(new[view]) - (last - first)) // ALIGNMENT) * ALIGNMENT
            pieces += [old[place:first], new[view].ljust(last - first + longer, b"\0")]
            place = last
            moves.append((last, longer))
        self._buffers[buffer] = b"".join([*pieces, old[place:]])
        for number, view in enumerate(views):
            if view["buffer"] != buffer:
                continue
            start = view.get("byteOffset", 0)
            moved = sum(longer for last, longer in moves if last <= start)
            if moved:
                view["byteOffset"] = start + moved
            if number in new:
                view["byteLength"] = len(new[number])


def is_file(holder: Json) -> bool:
    """Return whether a buffer or image is a file beside the glTF."""
    return "uri" in holder and not holder["uri"].startswith("data:")


def _range(view: Json) -> tuple[int, int, int]:
    """First and last byte of a part, and its buffer."""
    start = view.get("byteOffset", 0)
    return start, start + view["byteLength"], view["buffer"]
