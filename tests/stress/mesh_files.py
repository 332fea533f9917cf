"""Make damaged and hostile 3-D models: each is a set of files by name, the model first."""

import base64
import io
import json
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import numpy as np
from PIL import Image

from ..conftest import picture
from ..sample_models import box, encoded, glb, packed, unpacked, with_draco
from .mutations import LENGTHS, changed, damaged, damaged_png
from .pictures import seeds as picture_seeds

Files = dict[str, bytes]
Tree = dict[str, Any]

# Names in the model's folder that lead out of it: links, which whoever unpacks a case makes.
FILE_LINK, FOLDER_LINK = "link.png", "up"
ODD_NUMBERS = (*LENGTHS, -1, -4, 2**63, 10**30, 0.5, 1e308, -1e308, 1e-308, float("nan"), float("inf"))
ODD_FLOATS = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0.0, 1e6, -1e6, 1e20, 0.5)
# So often a part is repeated that would take memory or time for each.
MANY = (50, 2000, 20_000)
MOST_JSON = 3_000_000
MTL = b"newmtl wood\nKd 1 1 1\nmap_Kd -s 1 1 1 maps/wood.png\nmap_Bump -bm 0.5 maps/bump.png\nnewmtl plain\n"


def make(rng: Random, secret: Path) -> Files:
    """Return the files of one case. secret: a file outside of the model's folder, which lies two folders up."""
    files = dict(rng.choice(_seeds()))
    name = next(iter(files))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if rng.random() < 0.2:
            _damage_a_file(files, rng)
        elif name.endswith(".obj"):
            rng.choice((_rename_in_text, _odd_statement, _odd_statement, _new_texture))(files, rng, secret)
        else:
            _change_gltf(files, name, rng, secret)
    return files


@cache
def _seeds() -> list[Files]:
    """Whole models: GLB and glTF with data inside and beside it, Draco, strided and quantized meshes, OBJ with MTL."""
    texture = encoded(np.asarray(picture(24, 24)))
    plain = glb(box(steps=1), texture)
    tree, binary = unpacked(plain)
    uris: Tree = {**tree, "images": [{"uri": "maps/wood.png"}, {"uri": "maps/bump.png"}]}
    beside = json.dumps({**uris, "buffers": [{"uri": "in.bin", "byteLength": len(binary)}]}).encode()
    inside = json.dumps({**tree, "images": [{"uri": _data_uri(texture)}], "textures": [{"source": 0}] * 2,
                         "buffers": [{"uri": _data_uri(binary), "byteLength": len(binary)}]}).encode()  # fmt: skip
    maps = {"maps/wood.png": texture, "maps/bump.png": texture}
    webp = io.BytesIO()
    Image.open(io.BytesIO(texture)).save(webp, "WEBP", lossless=True)
    return [
        {"in.glb": plain},
        {"in.glb": glb(box(), webp.getvalue(), "image/webp")},
        {"in.glb": with_draco(box(), texture)},
        {"in.glb": _indexed(texture)},
        {"in.gltf": beside, "in.bin": binary, **maps},
        {"in.gltf": inside},
        {"in.obj": _obj(), "in.mtl": MTL, **maps},
    ]


@cache
def _pictures() -> list[bytes]:
    return [data for _, data in picture_seeds()]


def _indexed(texture: bytes) -> bytes:
    """A strip with indices, quantized and interleaved coordinates that repeat, shown by a node under others."""
    places = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0.5], [2, 0, 0]], "<f4")
    uv = (places[:, :2] * 30000).astype("<u2")
    rows = b"".join(place.tobytes() + at.tobytes() for place, at in zip(places, uv, strict=True))
    blocks = [rows, struct.pack("<6H", 0, 1, 2, 3, 4, 4), texture]
    starts = np.cumsum([0, *map(len, blocks)]).tolist()
    views: list[Tree] = [
        {"buffer": 0, "byteOffset": start, "byteLength": len(block)}
        for start, block in zip(starts, blocks, strict=False)
    ]
    views[0]["byteStride"] = 16
    transform = {"KHR_texture_transform": {"scale": [2, 3], "rotation": 0.2, "offset": [0.1, 0]}}
    primitive = {"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "mode": 5, "material": 0}
    base = {"index": 0, "extensions": transform}
    tree = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"children": [1, 2]}, {"mesh": 0, "rotation": [0, 0.6, 0, 0.8]}, {"mesh": 0, "matrix": [1] * 16}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [{"alphaMode": "MASK", "pbrMetallicRoughness": {"baseColorTexture": base}}],
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [{"wrapS": 10497, "wrapT": 33071}],
        "images": [{"bufferView": 2, "mimeType": "image/png"}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 5, "type": "VEC3"},
            {"bufferView": 0, "byteOffset": 12, "componentType": 5123, "count": 5, "type": "VEC2", "normalized": True},
            {"bufferView": 1, "componentType": 5123, "count": 6, "type": "SCALAR"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": starts[-1]}],
    }
    return packed(tree, b"".join(blocks))


def _obj() -> bytes:
    lines, number = ["mtllib in.mtl", "usemtl wood"], 1
    for places, uv in box(steps=1):
        for corners, coordinates in zip(places, uv, strict=True):
            lines += [f"v {x:.4f} {y:.4f} {z:.4f}" for x, y, z in corners]
            lines += [f"vt {u:.4f} {1 - v:.4f}" for u, v in coordinates]
            lines += ["f " + " ".join(f"{i}/{i}" for i in range(number, number + 3))]
            number += 3
    return "\n".join(lines).encode()


def _damage_a_file(files: Files, rng: Random) -> None:
    name = rng.choice(list(files))
    if rng.random() < 0.1 and len(files) > 1:
        del files[rng.choice(list(files)[1:])]
    elif name.endswith(".png") and rng.random() < 0.5:
        files[name] = damaged_png(files[name], rng)
    else:
        files[name] = damaged(files[name], rng, [data for each in _seeds() for data in each.values()])


def _new_texture(files: Files, rng: Random, secret: Path | None = None) -> None:
    for name in files:
        if name.endswith(".png"):
            files[name] = _texture(rng)


def _texture(rng: Random) -> bytes:
    """A picture of another format, size or claim, damaged or whole."""
    if rng.random() < 0.3:
        side = rng.choice(((1, 1), (1, 3000), (3000, 1), (2, 500), (300, 300)))
        return encoded(np.asarray(picture(*side)))
    data = rng.choice(_pictures())
    return damaged(data, rng) if rng.random() < 0.4 else data


def _change_gltf(files: Files, name: str, rng: Random, secret: Path) -> None:
    """Change the JSON, or what lies in the buffers, so that the file around it is whole."""
    try:
        tree, binary = unpacked(files[name]) if name.endswith(".glb") else (json.loads(files[name]), b"")
    except (ValueError, struct.error, RecursionError):  # changed before
        return
    kind = rng.randrange(9)
    try:
        if kind == 0:
            tree = changed(tree, rng)
        elif kind in (1, 2):
            _odd_number(tree, rng)
        elif kind == 3:
            _rename_in_tree(tree, rng, secret)
        elif kind == 4:
            _repeat(tree, rng)
        elif kind == 5:
            _tangle(tree, rng)
        elif kind == 6:
            tree["images"][0] = {"uri": _data_uri(_texture(rng))}
            _new_texture(files, rng)
        elif binary:
            binary = _odd_floats(binary, rng)
        elif "in.bin" in files:
            files["in.bin"] = _odd_floats(files["in.bin"], rng)
    except (KeyError, IndexError, TypeError, AttributeError):  # changed before
        return
    text = json.dumps(tree, default=repr, skipkeys=True)
    if rng.random() < 0.02:
        text = '{"asset": ' * rng.choice((1000, 100_000)) + text
    if len(text) > MOST_JSON:  # reading takes time for each byte, which is no fault
        return
    files[name] = packed(text, binary) if name.endswith(".glb") else text.encode()


def _odd_floats(binary: bytes, rng: Random) -> bytes:
    """Places or texture coordinates that are no number, or far away, or all the same."""
    changed = bytearray(binary)
    reach = rng.choice((100, len(binary) - 4))
    for _ in range(rng.choice((1, 10, 300))):
        struct.pack_into("<f", changed, 4 * rng.randrange(max(1, reach // 4)), rng.choice(ODD_FLOATS))
    return bytes(changed)


def _odd_number(tree: Any, rng: Random) -> None:
    """Put another number in the place of one, as a size or an index that is claimed."""
    found: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, dict | list):
                walk(item)
            elif isinstance(item, int | float):
                found.append((value, key))

    walk(tree)
    holder, key = rng.choice(found)
    holder[key] = rng.choice((*ODD_NUMBERS, holder[key] + 1, holder[key] * 1000))


def _rename_in_tree(tree: Tree, rng: Random, secret: Path) -> None:
    holder = rng.choice([*tree["images"], *tree["buffers"]])
    holder["uri"] = rng.choice(_names(secret))
    if rng.random() < 0.5:
        holder["uri"] = quote(holder["uri"], errors="surrogatepass")


def _names(secret: Path) -> tuple[str, ...]:
    """Names that lead out of the folder, or nowhere."""
    near = f"../../{secret.name}"
    return (
        near, str(secret), f"maps/../{near}", near.replace("/", "\\"), secret.as_uri(), FILE_LINK, "x/" * 300,
        f"{FOLDER_LINK}/../{secret.name}", f"{FOLDER_LINK}/{near}", f"{near}%00.png", f"..%2f..%2f{secret.name}", ".",
        "..", "", "/dev/zero", "/proc/self/environ", "//127.0.0.1/x.png", "http://127.0.0.1:9/x", "file:x", "C:\\x.png",
        "a\0b", "in.glb", "in.obj", "in.gltf", "x" * 300, "é" * 200, "maps", "data:", "data:,", "data:image/png;base64",
        "data:image/png;base64," + "A" * 3001, "data:;base64,%%%", "\ud800", "a\nb.png", "~/x", "$HOME/x", "-o",
    )  # fmt: skip


def _repeat(tree: Tree, rng: Random) -> None:
    """The same part very often: memory must not be taken for each."""
    kind, count = rng.randrange(7), rng.choice(MANY)
    names = ("buffers", "bufferViews", "images", "textures", "nodes", "materials", "meshes")
    part = tree[names[kind]]
    tree[names[kind]] = part + [part[0]] * count
    if kind == 6:
        primitives = part[0]["primitives"]
        part[0]["primitives"] = primitives * min(count, 2000)
        tree[names[kind]] = part


def _tangle(tree: Tree, rng: Random) -> None:
    """Nodes that contain themselves, or each other in a chain or a lattice; arrays one in the other."""
    kind, nodes = rng.randrange(4), tree["nodes"]
    if kind == 0:
        nodes[-1]["children"] = [0, len(nodes) - 1]
    elif kind == 1:
        count = rng.choice((300, 5000))
        first = len(nodes)
        tree["nodes"] = [*nodes[:-1], {"children": [first]}]
        tree["nodes"] += [{"children": [first + i + 1], "scale": [1.5] * 3} for i in range(count)]
        tree["nodes"].append(nodes[-1])
        tree["nodes"][0]["children"] = [first]
    elif kind == 2:  # each of a layer shows each of the next
        layers = [list(range(len(nodes) + 20 * i, len(nodes) + 20 * (i + 1))) for i in range(8)]
        nodes[0]["children"] = layers[0]
        for below in [*layers[1:], [0]]:
            nodes.extend({"children": below} for _ in range(20))
    else:
        deep: Any = {}
        for _ in range(rng.choice((50, 900))):
            deep = rng.choice(([deep], {"x": deep}))
        rng.choice((tree, tree["materials"][0], tree["asset"]))["extras"] = deep


def _rename_in_text(files: Files, rng: Random, secret: Path) -> None:
    name = rng.choice(_names(secret)).encode("utf-8", "surrogatepass")
    file, old = rng.choice((("in.obj", b"in.mtl"), ("in.mtl", b"maps/wood.png"), ("in.mtl", b"maps/bump.png")))
    if file in files:
        files[file] = files[file].replace(old, name)


def _odd_statement(files: Files, rng: Random, secret: Path | None = None) -> None:
    """A line of OBJ or MTL that no program writes, anywhere."""
    file = rng.choice(("in.obj", "in.obj", "in.mtl"))
    if file not in files:
        return
    number = rng.choice((*map(str, ODD_NUMBERS), "1e400", "-0", "x", "", "1/1/1/1", "//", "9" * 5000))
    statements: tuple[Callable[[], str], ...] = (
        lambda: f"f {number} 2/2 3/3", lambda: f"f 1/{number} 2/2 3/3", lambda: "f " + "1/1 2/2 " * rng.choice(MANY),
        lambda: f"v {number} 0 {number}", lambda: f"vt {number} 0.5", lambda: "usemtl " + "x" * rng.choice(MANY),
        lambda: "usemtl wood\n" * rng.choice(MANY), lambda: "mtllib " + "in.mtl " * rng.choice(MANY), lambda: "\\",
        lambda: "mtllib in.mtl\n" * rng.choice(MANY), lambda: "f 1/1 2/2 3/3\n" * rng.choice(MANY), lambda: "f",
        lambda: f"p {number}", lambda: "call a.obj", lambda: f"csh touch {secret}", lambda: "o a\ng b\ns 1",
        lambda: "newmtl " + number, lambda: f"map_Kd -s {number} {number} maps/wood.png", lambda: "map_Kd",
        lambda: f"map_Kd -o {number} maps/wood.png", lambda: "map_Kd " + "-clamp " * rng.choice(MANY), lambda: "v 1 2",
        lambda: "newmtl wood\nmap_Kd maps/wood.png\n" * rng.choice(MANY), lambda: f"map_Kd -mm {number}",
    )  # fmt: skip
    lines = files[file].split(b"\n")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(statements)().encode("utf-8", "replace"))
    files[file] = b"\n".join(lines)


def _data_uri(data: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()
