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
from .types import PaintedTexture, below, content, of_result

Json = dict[str, Any]

MAGIC = b"glTF"
JSON_CHUNK, BINARY_CHUNK = 0x4E4F534A, 0x004E4942
MESHOPT = "EXT_meshopt_compression"
MIME = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif"}
# Parts of buffers begin at multiples of this.
ALIGNMENT = 4


def parse(path: Path) -> tuple[Json, list[tuple[int, bytes]] | None]:
    """Read a glTF file: its JSON, and the chunks behind it, None where it is no GLB.

    Raises FastStyleError for what is no glTF 2.0 and for compression that is not read.
    """
    data = content(path, f"{path}:")
    try:
        chunks = _chunks(data) if data.startswith(MAGIC) else None
        tree = json.loads(chunks[0][1] if chunks else data)
        version = str(tree["asset"]["version"])
    except Exception as error:  # whatever is wrong with a damaged file
        raise FastStyleError(f"{path}: not a readable glTF model ({type(error).__name__}: {error})") from error
    if not version.startswith("2."):
        raise FastStyleError(f"{path}: glTF {version}; only 2.0 is read, to which modelling programs convert it")
    if MESHOPT in tree.get("extensionsRequired", ()):
        raise FastStyleError(f"{path}: compressed by {MESHOPT}, which is not read; save it without")
    return tree, chunks[1:] if chunks else None


def _chunks(data: bytes) -> list[tuple[int, bytes]]:
    """Kinds and contents of the chunks of a GLB."""
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2 or length > len(data):
        raise ValueError(f"GLB version {version}" if version != 2 else "cut short")
    place, found = 12, []
    while place + 8 <= length:
        size, kind = struct.unpack_from("<II", data, place)
        if place + 8 + size > length:
            raise ValueError("cut short")
        found.append((kind, data[place + 8 : place + 8 + size]))
        place += 8 + size
    return found


def _joined(chunks: Sequence[tuple[int, bytes]]) -> bytes:
    body = b""
    for kind, data in chunks:
        padded = data + (b" " if kind == JSON_CHUNK else b"\0") * (-len(data) % ALIGNMENT)
        body += struct.pack("<II", len(padded), kind) + padded
    return struct.pack("<4sII", MAGIC, 2, 12 + len(body)) + body


class Writer:
    """Write a glTF file with other pictures in the place of some."""

    def __init__(self, tree: Json, buffers: Sequence[bytes], chunks: list[tuple[int, bytes]] | None) -> None:
        """buffers: the contents of the file's buffers; chunks: those behind the JSON of a GLB."""
        self._tree, self._buffers, self._chunks = copy.deepcopy(tree), list(buffers), chunks
        self._files: dict[Path, bytes] = {}

    def files(
        self, source: Path, target: Path, pictures: Mapping[int, PaintedTexture], contents: Mapping[str, bytes]
    ) -> dict[Path, bytes]:
        """Return the files to write. pictures: by number of the image; contents: files that the model names.

        What is changed gets a name of its own; what is not is taken along into another folder.
        """
        kept = {} if source.parent.resolve() == target.parent.resolve() else contents
        images = [image for number, image in enumerate(self._tree["images"]) if number not in pictures]
        for holder in [*self._tree.get("buffers", ()), *images]:
            if _is_file(holder) and unquote(holder["uri"]) in kept:
                place = below(unquote(holder["uri"]))
                self._files[target.parent / place] = kept[unquote(holder["uri"])]
                holder["uri"] = quote(place.as_posix())
        views: dict[int, list[int]] = {}
        for number, new in pictures.items():
            image = self._tree["images"][number]
            if "mimeType" in image or "bufferView" in image:
                image["mimeType"] = MIME[new.suffix]
            if "bufferView" in image:
                views.setdefault(image["bufferView"], []).append(number)
            else:
                self._store(image, new.data, target, new.suffix)
        self._put_into_buffers(views, pictures, target)
        text = json.dumps(self._tree, ensure_ascii=False, separators=(",", ":")).encode()
        self._files[target] = text if self._chunks is None else _joined([(JSON_CHUNK, text), *self._chunks])
        return self._files

    def _store(self, holder: Json, data: bytes, target: Path, suffix: str | None = None) -> None:
        """Put new data where the address of a buffer or image says, files under a name of their own."""
        if not _is_file(holder):
            kind = MIME.get(suffix or "", "application/octet-stream")
            holder["uri"] = f"data:{kind};base64,{base64.b64encode(data).decode()}"
            return
        place = of_result(unquote(holder["uri"]), target, suffix)
        self._files[target.parent / place] = data
        holder["uri"] = quote(place.as_posix())

    def _put_into_buffers(
        self, views: Mapping[int, Sequence[int]], pictures: Mapping[int, PaintedTexture], target: Path
    ) -> None:
        """Replace the parts of buffers that are pictures. views: numbers of the images that each part is."""
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
                self._store(holder, data, target)
            elif self._chunks is not None:
                first = next(i for i, (kind, _) in enumerate(self._chunks) if kind == BINARY_CHUNK)
                self._chunks = [*self._chunks[:first], (BINARY_CHUNK, data), *self._chunks[first + 1 :]]

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


def _is_file(holder: Json) -> bool:
    return "uri" in holder and not holder["uri"].startswith("data:")


def _range(view: Json) -> tuple[int, int, int]:
    """First and last byte of a part, and its buffer."""
    start = view.get("byteOffset", 0)
    return start, start + view["byteLength"], view["buffer"]
