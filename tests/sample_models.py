"""Draw sample models by formulas: a box, a vase and a ball with UV islands that are turned, mirrored and stretched."""

import io
import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fast_style.meshes.raster import cells
from fast_style.meshes.surface import Surface

Array = NDArray[np.float64]
Part = tuple[Array, Array]
"""Places (F, 3, 3) and texture coordinates (F, 3, 2)."""

# Where the islands lie in the texture: left, top, right, bottom; and how often they are turned by 90 degrees.
BOX = {
    (0, 1): ((0.02, 0.02, 0.30, 0.30), 0),
    (0, -1): ((0.32, 0.02, 0.60, 0.30), 1),
    (1, 1): ((0.62, 0.02, 0.98, 0.38), 2),
    (1, -1): ((0.02, 0.32, 0.24, 0.54), 3),
    (2, 1): ((0.26, 0.32, 0.54, 0.60), -1),  # mirrored
    (2, -1): ((0.62, 0.40, 0.90, 0.68), 1),
}


def grid(points: Array, uv: Array) -> Part:
    """Triangles of a grid of points (R, C, 3) and coordinates (R, C, 2)."""

    def split(values: Array) -> Array:
        a, b, c, d = values[:-1, :-1], values[:-1, 1:], values[1:, 1:], values[1:, :-1]
        both = np.stack([np.stack([a, d, c], -2), np.stack([a, c, b], -2)], 2)
        return both.reshape(-1, 3, values.shape[-1])

    return split(points), split(uv)


def box(half: float = 1.0, steps: int = 2) -> list[Part]:
    """The six sides of a box around the origin, each an island."""
    parts = []
    t = np.linspace(0, 1, steps + 1)
    down, across = np.meshgrid(t, t, indexing="ij")
    for (axis, sign), ((left, top, right, bottom), turns) in BOX.items():
        normal = np.eye(3)[axis] * sign
        up = np.array([0.0, 1.0, 0.0]) if axis != 1 else np.array([0.0, 0.0, -sign])
        side = np.cross(up, normal)
        points = normal + (2 * across[..., None] - 1) * side + (1 - 2 * down[..., None]) * up
        u, v = (across, down) if turns >= 0 else (1 - across, down)
        for _ in range(max(turns, 0)):
            u, v = 1 - v, u
        parts.append(grid(half * points, np.stack([left + (right - left) * u, top + (bottom - top) * v], -1)))
    return parts


def vase(bottom: float, steps: tuple[int, int] = (10, 24)) -> list[Part]:
    """A body of revolution: one island with a seam of its own from top to bottom, turned and stretched."""
    rows, columns = np.meshgrid(np.linspace(1, 0, steps[0] + 1), np.linspace(0, 1, steps[1] + 1), indexing="ij")
    radius = 0.45 + 0.22 * np.sin(2.6 * rows + 0.4)
    angle = 2 * math.pi * columns
    points = np.stack([radius * np.sin(angle), bottom + 1.6 * rows, radius * np.cos(angle)], -1)
    uv = np.stack([0.03 + 0.56 * columns, 0.70 + 0.27 * (1 - rows)], -1)
    return [grid(points, uv)]


def ball(center: tuple[float, float, float], radius: float, steps: tuple[int, int] = (8, 24)) -> list[Part]:
    """A ball of two islands, discs that meet at its equator."""
    parts = []
    for sign, middle in ((1, (0.715, 0.85)), (-1, (0.89, 0.85))):
        away, angle = np.meshgrid(
            np.linspace(0, 1, steps[0] + 1), sign * 2 * math.pi * np.linspace(0, 1, steps[1] + 1), indexing="ij"
        )
        polar = away * math.pi / 2
        place = np.stack([np.sin(polar) * np.sin(angle), sign * np.cos(polar), np.sin(polar) * np.cos(angle)], -1)
        uv = np.stack([middle[0] + 0.083 * away * np.sin(angle), middle[1] + 0.083 * away * np.cos(angle)], -1)
        points, coordinates = grid(center + radius * place, uv)
        whole = np.linalg.norm(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]), axis=1) > 1e-9
        parts.append((points[whole], coordinates[whole]))
    return parts


def sample_parts() -> list[Part]:
    """A vase on a box, and a ball on the vase."""
    return [*box(), *vase(1.0), *ball((0.0, 3.0, 0.0), 0.5)]


def color(places: Array) -> Array:
    """Colours (N, 3) in [0, 1] of places (N, 3): bands, spots and clouds, without any seam."""
    x, y, z = places.T
    cloud = np.sin(2.3 * x + 1.3 * np.sin(2 * z)) + np.sin(2.9 * y + np.sin(3 * x)) + np.sin(2.6 * z - 1.1 * y)
    spots = np.sin(7 * x + 0.5) * np.sin(7 * y) * np.sin(7 * z + 1.0)
    bands = np.sin(9 * y + 1.5 * np.sin(3 * x) + 1.5 * np.sin(3 * z))
    x, y, z = 31 * places.T
    fine = np.sin(x + np.sin(0.7 * y)) * np.sin(y + np.sin(0.6 * z)) + np.sin(0.8 * z + np.sin(0.9 * x)) * np.sin(
        1.3 * y
    )
    spots = spots + 0.35 * fine
    mixed = np.stack([0.5 + 0.15 * cloud + 0.2 * spots, 0.45 + 0.12 * bands + 0.1 * cloud, 0.5 - 0.14 * cloud], -1)
    return mixed.clip(0, 1)


def draw(parts: list[Part], side_px: int, color: Callable[[Array], Array] = color) -> NDArray[np.uint8]:
    """Draw the texture of a model; grey outside its islands but for two pixels around them."""
    from scipy.ndimage import distance_transform_edt

    surface = Surface.joined(parts)
    texture = np.full((side_px * side_px, 3), 128, np.uint8)
    shown = np.zeros(side_px * side_px, bool)
    for part in cells(surface.uv * side_px, (side_px, side_px)):
        texture[part.pixels] = (255 * color(part.interpolated(surface.places))).round()
        shown[part.pixels] = True
    away, (row, column) = distance_transform_edt(~shown.reshape(side_px, side_px), return_indices=True)
    padded = texture.reshape(side_px, side_px, 3)
    return np.where(away[..., None] <= 2, padded[row, column], padded)


def encoded(pixels: NDArray[Any], format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()


def glb(parts: list[Part], texture: bytes, mime: str = "image/png", **changes: Any) -> bytes:
    """A GLB of one mesh with a base-colour texture and a normal map, and with what a painter has to leave alone."""
    places, uv = (np.concatenate([part[i] for part in parts]).reshape(-1, 3 - i) for i in (0, 1))
    normal_map = encoded(np.full((4, 4, 3), (128, 128, 255), np.uint8))
    blocks = [places.astype("<f4").tobytes(), texture, uv.astype("<f4").tobytes(), normal_map]
    views, binary = [], b""
    for block in blocks:
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(block)})
        binary += block + bytes(-len(block) % 4)
    bounds = {"min": places.min(0).tolist(), "max": places.max(0).tolist()}
    tree = {
        "asset": {"version": "2.0", "generator": "tests", "extras": {"ünï": 1.5e-7}},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "vase", "scale": [0.5, 0.5, 0.5], "extras": {"kept": [1, 2]}}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "material": 0}]}],
        "materials": [
            {
                "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0},
                "normalTexture": {"index": 1},
                "extensions": {"VENDOR_something": {"kept": True}},
            }
        ],
        "textures": [{"source": 0}, {"source": 1}],
        "images": [{"bufferView": 1, "mimeType": mime, "name": "wood"}, {"bufferView": 3, "mimeType": "image/png"}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(places), "type": "VEC3", **bounds},
            {"bufferView": 2, "componentType": 5126, "count": len(uv), "type": "VEC2"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
        "extensionsUsed": ["VENDOR_something"],
        **changes,
    }
    return packed(tree, binary)


def with_draco(parts: list[Part], texture: bytes) -> bytes:
    """The GLB with its mesh compressed by Draco."""
    import DracoPy

    places, uv = (np.concatenate([part[i] for part in parts]).reshape(-1, 3 - i) for i in (0, 1))
    faces = np.arange(len(places)).reshape(-1, 3)
    blob = DracoPy.encode(places.astype(np.float32), faces.astype(np.uint32), tex_coord=uv.astype(np.float64))
    decoded = {each["attribute_type"]: each["unique_id"] for each in DracoPy.decode(blob).attributes}
    tree, _ = unpacked(glb(parts, texture))
    for accessor in tree["accessors"]:
        del accessor["bufferView"]
    tree["accessors"].append({"componentType": 5125, "count": len(places), "type": "SCALAR"})
    primitive = tree["meshes"][0]["primitives"][0]
    primitive["indices"] = 2
    attributes = {"POSITION": decoded[0], "TEXCOORD_0": decoded[3]}
    primitive["extensions"] = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": attributes}}
    blob += bytes(-len(blob) % 4)
    sizes = [(0, len(blob)), (len(blob), len(texture))]
    tree["bufferViews"] = [{"buffer": 0, "byteOffset": start, "byteLength": size} for start, size in sizes]
    tree["images"] = [{"bufferView": 1, "mimeType": "image/png"}] * 2
    tree["buffers"] = [{"byteLength": len(blob) + len(texture)}]
    return packed(tree, blob + texture)


def packed(tree: dict[str, Any] | str, binary: bytes) -> bytes:
    """Put a glTF, or its JSON, together as a GLB."""
    text = (tree if isinstance(tree, str) else json.dumps(tree)).encode()
    chunks = [(b"JSON", text + b" " * (-len(text) % 4)), (b"BIN\0", binary + bytes(-len(binary) % 4))]
    body = b"".join(struct.pack("<I", len(data)) + kind + data for kind, data in chunks)
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def unpacked(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Take a GLB apart."""
    length = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + length]), data[28 + length :]
