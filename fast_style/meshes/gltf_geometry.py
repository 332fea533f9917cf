"""Read places and texture coordinates of glTF primitives through trimesh, Draco's too."""

import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .gltf_file import Json
from .surface import Array

TRIANGLES, STRIP = 4, 5
DRACO, TRANSFORM = "KHR_draco_mesh_compression", "KHR_texture_transform"
# Stands for accessors that are not read, whose memory trimesh would set aside all the same.
NOTHING = {"componentType": 5126, "count": 0, "type": "SCALAR"}
# Stands for parts of buffers that are not read, which trimesh would copy.
EMPTY = {"buffer": 0, "byteLength": 0}
# What of a node says where its mesh is.
PLACEMENT = ("children", "mesh", "matrix", "translation", "rotation", "scale")


@dataclass(frozen=True)
class Use:
    """Describe a primitive that shows a base-colour texture."""

    mesh: int
    primitive: Json
    info: Json
    """The material's reference to the texture."""
    opaque: bool

    @property
    def coordinates(self) -> str | None:
        """Return the name of the attribute with the texture coordinates; None where there is none, or no triangle."""
        number = self.info.get("extensions", {}).get(TRANSFORM, {}).get("texCoord", self.info.get("texCoord", 0))
        name = f"TEXCOORD_{number}"
        drawn = self.primitive.get("mode", TRIANGLES) in (TRIANGLES, STRIP)
        return name if drawn and {name, "POSITION"} <= set(self.primitive["attributes"]) else None

    @property
    def accessors(self) -> list[int]:
        """Return the numbers of the accessors that say where its triangles lie."""
        attributes = self.primitive["attributes"]
        found = [attributes["POSITION"], attributes[str(self.coordinates)]]
        return [*found, self.primitive["indices"]] if "indices" in self.primitive else found


def unread(tree: Json, use: Use) -> str | None:
    """Return what of a primitive is not read, where trimesh would take it for zeros: as many as its accessor claims."""
    for number in use.accessors:
        accessor = tree["accessors"][number]
        if "sparse" in accessor:
            return f"accessor {number} of mesh {use.mesh} is sparse, which is not read; save it without"
        if "bufferView" not in accessor and DRACO not in use.primitive.get("extensions", {}):
            return f"accessor {number} of mesh {use.mesh} has no data; the file is damaged"
    return None


def most_triangles(tree: Json, uses: Sequence[Use]) -> int:
    """Return how many triangles the primitives have at most: several may show the same ones."""
    total = 0
    for use in uses:
        accessor = tree["accessors"][use.primitive.get("indices", use.primitive["attributes"]["POSITION"])]
        room = tree["bufferViews"][accessor["bufferView"]]["byteLength"] if "bufferView" in accessor else math.inf
        total += min(accessor["count"], room) // (1 if use.primitive.get("mode") == STRIP else 3)
    return total


def parts(tree: Json, buffers: Sequence[bytes], uses: Sequence[Use]) -> list[tuple[Array, Array]]:
    """Return places in the scene (F, 3, 3) and texture coordinates (F, 3, 2) of each primitive.

    A mesh that several nodes show is where the first one shows it. Raises ImportError where packages are missing, and
    whatever trimesh raises on damage.
    """
    from trimesh.exchange.gltf import load_gltf
    from trimesh.resolvers import ZipResolver

    archive = ZipResolver({str(number): io.BytesIO(data) for number, data in enumerate(buffers)})
    read = load_gltf(io.BytesIO(json.dumps(_bare(tree, uses)).encode()), archive, skip_materials=True)
    places = _places(read)
    for use, mesh in zip(uses, read["geometry"].values(), strict=True):
        if DRACO in use.primitive.get("extensions", {}) and not len(mesh["faces"]):
            raise ValueError(f"the Draco data of mesh {use.mesh} is damaged")
    return [
        _placed(tree, use, mesh, places.get(name, np.eye(4)))
        for use, (name, mesh) in zip(uses, read["geometry"].items(), strict=True)
    ]


def _places(read: dict[str, Any]) -> dict[str, Array]:
    """Where the first node that shows it puts each geometry, (4, 4), as trimesh lists nodes: from parents to children.

    trimesh's own scene graph multiplies a chain of n nodes in n^3 steps.
    """
    world, places = {read["base_frame"]: np.eye(4)}, dict[str, Array]()
    for edge in read["graph"]:
        place = world.setdefault(edge["frame_to"], world[edge["frame_from"]] @ edge["matrix"])
        if "geometry" in edge:
            places.setdefault(edge["geometry"], place)
    return places


def _bare(tree: Json, uses: Sequence[Use]) -> Json:
    """The scene with those primitives alone, which have nothing but places and texture coordinates."""
    kept: Json = {name: tree[name] for name in ("scene", "scenes") if name in tree}
    needed = {number for use in uses for number in use.accessors}
    shown = _views(tree, uses, needed)
    meshes: list[Json] = [{"name": str(number), "primitives": []} for number in range(len(tree["meshes"]))]
    for use in uses:
        meshes[use.mesh]["primitives"].append(_bare_primitive(use))
    return {
        **kept,
        "bufferViews": [view if number in shown else EMPTY for number, view in enumerate(tree.get("bufferViews", ()))],
        "accessors": [
            accessor if number in needed and "bufferView" in accessor else NOTHING
            for number, accessor in enumerate(tree["accessors"])
        ],
        "asset": {"version": "2.0"},
        "buffers": [{"uri": str(number)} for number in range(len(tree.get("buffers", ())))],
        "nodes": [_bare_node(node, meshes) for node in tree.get("nodes", ())],
        "meshes": meshes,
    }


def _views(tree: Json, uses: Sequence[Use], accessors: Iterable[int]) -> set[int]:
    """Numbers of the parts of buffers that are needed."""
    drawn = (use.primitive.get("extensions", {}).get(DRACO) for use in uses)
    holders = [*(tree["accessors"][number] for number in accessors), *filter(None, drawn)]
    return {holder["bufferView"] for holder in holders if "bufferView" in holder}


def _bare_node(node: Json, meshes: Sequence[Json]) -> Json:
    """What says where a node and its mesh are; trimesh leaves out nodes of empty meshes, with what hangs on them."""
    bare = {name: node[name] for name in PLACEMENT if name in node}
    if "mesh" in bare and not meshes[bare["mesh"]]["primitives"]:
        del bare["mesh"]
    return bare


def _bare_primitive(use: Use) -> Json:
    def renamed(attributes: Json) -> Json:
        # Attributes whose names begin with _ are handed on as they are.
        return {"POSITION": attributes["POSITION"], "_UV": attributes[str(use.coordinates)]}

    bare: Json = {name: use.primitive[name] for name in ("indices", "mode") if name in use.primitive}
    draco = use.primitive.get("extensions", {}).get(DRACO)
    if draco:
        import DracoPy  # noqa: F401, without it trimesh would read zeros

        bare["extensions"] = {DRACO: {**draco, "attributes": renamed(draco["attributes"])}}
    return {**bare, "attributes": renamed(use.primitive["attributes"])}


def _placed(tree: Json, use: Use, mesh: dict[str, Any], matrix: Array) -> tuple[Array, Array]:
    attributes = use.primitive["attributes"]
    points = _numbers(tree, mesh["vertices"], attributes["POSITION"])
    uv = _transformed(_numbers(tree, mesh["vertex_attributes"]["_UV"], attributes[str(use.coordinates)]), use.info)
    faces = np.asarray(mesh["faces"], np.intp)
    if np.linalg.det(matrix[:3, :3]) < 0:  # mirrored: the outside stays outside
        faces = faces[:, ::-1]
    return (points @ matrix[:3, :3].T + matrix[:3, 3])[faces], uv[faces]


def _numbers(tree: Json, values: NDArray[Any], accessor: int) -> Array:
    """Quantized values as what they stand for."""
    normalized = tree["accessors"][accessor].get("normalized") and values.dtype.kind in "iu"
    return values.astype(np.float64) / (np.iinfo(values.dtype).max if normalized else 1)


def _transformed(uv: Array, info: Json) -> Array:
    """Apply KHR_texture_transform: scaled, turned, moved."""
    change = info.get("extensions", {}).get(TRANSFORM, {})
    angle = change.get("rotation", 0.0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved: Array = (uv * change.get("scale", (1, 1))) @ turn.T + change.get("offset", (0, 0))
    return moved
