"""glTF files: what is painted in them, and that all else stays byte for byte."""

import base64
import copy
import io
import json
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fast_style.errors import FastStyleError
from fast_style.meshes.gltf import Gltf
from fast_style.meshes.sources import named_files
from fast_style.meshes.types import PaintedTexture

from .sample_models import box, encoded, glb, packed, unpacked, with_draco

TEXTURE = encoded(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
PAINTED = PaintedTexture(b"painted, and of another length", ".png")


def changed(change: Callable[[dict[str, Any]], None], data: bytes | None = None) -> bytes:
    """The sample GLB with another JSON."""
    tree, binary = unpacked(data or glb(box(), TEXTURE))
    change(tree)
    return packed(tree, binary)


def opened(folder: Path, data: bytes, name: str = "in.glb") -> Gltf:
    (folder / name).write_bytes(data)
    return Gltf(folder / name)


def view(data: bytes, number: int) -> bytes:
    tree, binary = unpacked(data)
    part = tree["bufferViews"][number]
    return binary[part["byteOffset"] : part["byteOffset"] + part["byteLength"]]


def test_a_texture_and_its_surface_are_found(tmp_path: Path) -> None:
    (texture,) = opened(tmp_path, glb(box(), TEXTURE)).textures()
    assert (texture.name, texture.data, texture.repeats, texture.alpha_counts) == ("wood", TEXTURE, False, False)
    assert texture.surface.islands.max() == 5
    assert np.ptp(texture.surface.places) == pytest.approx(1)  # the node scales by a half


@pytest.mark.parametrize("length", [1, 3, len(TEXTURE) + 5, 5000])
def test_everything_else_is_kept_byte_for_byte(tmp_path: Path, length: int) -> None:
    before = glb(box(), TEXTURE)
    model = opened(tmp_path, before)
    model.textures()
    target = tmp_path / "out.glb"
    files = model.written(target, [PaintedTexture(b"x" * length, ".jpg")])
    assert list(files) == [target]
    after = files[target]
    assert view(after, 1) == b"x" * length
    assert all(view(after, number) == view(before, number) for number in (0, 2, 3))
    (old, _), (new, binary) = unpacked(before), unpacked(after)
    assert new["buffers"][0]["byteLength"] == len(binary)
    assert all(part["byteOffset"] % 4 == 0 for part in new["bufferViews"])
    assert new["images"][0].pop("mimeType") == "image/jpeg" and old["images"][0].pop("mimeType")
    for name in ("bufferViews", "buffers"):
        del old[name], new[name]
    assert new == old


def test_unknown_chunks_are_kept(tmp_path: Path) -> None:
    data = glb(box(), TEXTURE)
    more = data + (8).to_bytes(4, "little") + b"XTRA" + b"whatever"
    more = more[:8] + len(more).to_bytes(4, "little") + more[12:]
    model = opened(tmp_path, more)
    model.textures()
    assert model.written(tmp_path / "out.glb", [PAINTED])[tmp_path / "out.glb"].endswith(b"XTRAwhatever")


def as_files(folder: Path) -> Path:
    """The sample as .gltf, .bin, and pictures in a folder beside them, with a name that has to be quoted."""
    tree, binary = unpacked(glb(box(), TEXTURE))
    folder.mkdir(parents=True)
    (folder / "maps").mkdir()
    (folder / "in.bin").write_bytes(binary)
    (folder / "maps" / "dark wood.png").write_bytes(TEXTURE)
    (folder / "maps" / "normal.png").write_bytes(TEXTURE)
    tree["buffers"][0]["uri"] = "in.bin"
    tree["images"] = [{"uri": "maps/dark%20wood.png"}, {"uri": "maps/normal.png"}]
    (folder / "in.gltf").write_text(json.dumps(tree))
    return folder / "in.gltf"


def test_pictures_beside_the_file_get_names_of_their_own(tmp_path: Path) -> None:
    source = as_files(tmp_path / "a")
    model = Gltf(source)
    assert [texture.data for texture in model.textures()] == [TEXTURE]
    names = {path.relative_to(tmp_path / "a").as_posix() for path in model.named_files()}
    assert names == {"in.bin", "maps/dark wood.png", "maps/normal.png"}
    files = model.written(tmp_path / "a" / "out.gltf", [PAINTED])
    assert {path.relative_to(tmp_path / "a").as_posix() for path in files} == {"maps/out_dark wood.png", "out.gltf"}
    tree = json.loads(files[tmp_path / "a" / "out.gltf"])
    assert tree["images"] == [{"uri": "maps/out_dark%20wood.png"}, {"uri": "maps/normal.png"}]


def test_what_belongs_to_the_file_goes_along_into_another_folder(tmp_path: Path) -> None:
    source = as_files(tmp_path / "a")
    model = Gltf(source)
    model.textures()
    files = model.written(tmp_path / "c" / "out.gltf", [PAINTED])
    names = {path.relative_to(tmp_path / "c").as_posix(): data for path, data in files.items()}
    assert set(names) == {"out_in.bin", "maps/out_dark wood.png", "maps/out_normal.png", "out.gltf"}
    assert names["out_in.bin"] == (tmp_path / "a" / "in.bin").read_bytes()
    tree = json.loads(names["out.gltf"])
    assert tree["buffers"][0]["uri"] == "out_in.bin"
    assert tree["images"] == [{"uri": "maps/out_dark%20wood.png"}, {"uri": "maps/out_normal.png"}]


def test_a_picture_that_goes_along_and_its_painted_copy_are_told_apart(tmp_path: Path) -> None:
    source = as_files(tmp_path / "a")
    tree = json.loads(source.read_text())
    tree["images"][1]["uri"] = "maps/../maps/dark%20wood.png"  # the normal map is the base colour's file
    source.write_text(json.dumps(tree))
    model = Gltf(source)
    model.textures()
    files = model.written(tmp_path / "c" / "out.gltf", [PAINTED])
    uris = [image["uri"] for image in json.loads(files[tmp_path / "c" / "out.gltf"])["images"]]
    assert uris == ["maps/out_dark%20wood.png", "maps/out_dark%20wood_2.png"]
    assert files[tmp_path / "c" / "maps" / "out_dark wood.png"] == PAINTED.data
    assert files[tmp_path / "c" / "maps" / "out_dark wood_2.png"] == TEXTURE


def test_files_that_the_model_names_are_never_replaced(tmp_path: Path) -> None:
    source = as_files(tmp_path / "a")
    (tmp_path / "a" / "maps" / "out_dark wood.png").write_bytes(b"rough")
    tree = json.loads(source.read_text())
    tree["images"].append({"uri": "maps/out_dark%20wood.png"})
    source.write_text(json.dumps(tree))
    model = Gltf(source)
    model.textures()
    files = model.written(tmp_path / "a" / "out.gltf", [PAINTED])
    assert set(files) == {tmp_path / "a" / "maps" / "out_dark wood_2.png", tmp_path / "a" / "out.gltf"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize(
    "uri", ["../secret", "maps/../../secret", "link", "up/secret", "..%2Fsecret", "", "//[", "a\0b"]
)
def test_no_file_outside_the_folder_is_read(tmp_path: Path, uri: str) -> None:
    source = as_files(tmp_path / "a")
    (tmp_path / "secret").write_bytes(TEXTURE)
    (tmp_path / "a" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    tree = json.loads(source.read_text())
    tree["images"][0]["uri"] = uri
    source.write_text(json.dumps(tree))
    with pytest.raises(FastStyleError, match="is not in its folder; put that file into its folder") as error:
        Gltf(source).textures()
    assert "\n" not in str(error.value)


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes in folders")
@pytest.mark.parametrize("make", [lambda path: os.mkfifo(path), lambda path: path.mkdir()], ids=["pipe", "folder"])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, make: Any) -> None:
    source = as_files(tmp_path / "a")
    (tmp_path / "a" / "in.bin").unlink()
    make(tmp_path / "a" / "in.bin")
    with pytest.raises(FastStyleError, match=r"in\.bin', which is no regular file"):
        Gltf(source).textures()


def test_files_of_any_size_are_not_read(tmp_path: Path) -> None:
    source = as_files(tmp_path / "a")
    with (tmp_path / "a" / "in.bin").open("wb") as file:
        file.truncate(2**31 + 1)
    with pytest.raises(FastStyleError, match="larger than 2 GiB"):
        Gltf(source).textures()


def test_of_a_glb_its_json_tells_the_files_that_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.glb").write_bytes(changed(put({"uri": "maps/wood.png"}, "images", 0)))
    monkeypatch.setattr("fast_style.meshes.gltf.chunks_of", None)
    assert named_files(tmp_path / "in.glb") == [tmp_path / "maps" / "wood.png"]


def test_embedded_data_stays_embedded(tmp_path: Path) -> None:
    tree, binary = unpacked(glb(box(), TEXTURE))
    tree["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    tree["images"][0] = {"uri": "data:image/png;base64," + base64.b64encode(TEXTURE).decode()}
    model = opened(tmp_path, json.dumps(tree).encode(), "in.gltf")
    assert [texture.data for texture in model.textures()] == [TEXTURE]
    files = model.written(tmp_path / "out.gltf", [PAINTED])
    image = json.loads(files[tmp_path / "out.gltf"])["images"][0]
    assert list(files) == [tmp_path / "out.gltf"]
    assert image["uri"] == "data:image/png;base64," + base64.b64encode(PAINTED.data).decode()


def test_a_texture_of_several_materials_is_painted_once(tmp_path: Path) -> None:
    def twice(tree: dict[str, Any]) -> None:
        tree["materials"].append(copy.deepcopy(tree["materials"][0]))
        tree["textures"].append({"source": 0})
        tree["materials"][1]["pbrMetallicRoughness"]["baseColorTexture"]["index"] = 2
        primitives = tree["meshes"][0]["primitives"]
        primitives.append({**primitives[0], "material": 1})

    (texture,) = opened(tmp_path, changed(twice)).textures()
    assert len(texture.surface.uv) == 2 * 6 * 8


def test_a_picture_that_is_something_else_too_stays_what_it_is_there(tmp_path: Path) -> None:
    def glowing(tree: dict[str, Any]) -> None:
        tree["materials"][0]["emissiveTexture"] = {"index": 0}

    model = opened(tmp_path, changed(glowing))
    model.textures()
    after = model.written(tmp_path / "out.glb", [PAINTED])[tmp_path / "out.glb"]
    tree, _ = unpacked(after)
    material = tree["materials"][0]
    both = (material["emissiveTexture"], material["pbrMetallicRoughness"]["baseColorTexture"])
    images = [tree["images"][tree["textures"][info["index"]]["source"]] for info in both]
    assert [view(after, image["bufferView"]) for image in images] == [TEXTURE, PAINTED.data]


def test_a_file_without_textures_of_webp_has_both_painted(tmp_path: Path) -> None:
    def webp(tree: dict[str, Any]) -> None:
        tree["textures"][0]["extensions"] = {"EXT_texture_webp": {"source": 2}}
        tree["images"].append({"bufferView": 3, "mimeType": "image/webp"})

    assert len(opened(tmp_path, changed(webp)).textures()) == 2


@pytest.mark.parametrize(
    ("sampler", "transform", "repeats"),
    [
        ({}, {"scale": [3, 3]}, True),
        ({"wrapS": 33071, "wrapT": 33071}, {"scale": [3, 3]}, False),
        ({"wrapS": 33648, "wrapT": 33648}, {"scale": [3, 3]}, True),
        ({}, {"offset": [2, 0]}, False),
        ({}, {}, False),
    ],
)
def test_whether_a_texture_repeats(tmp_path: Path, sampler: Any, transform: Any, repeats: bool) -> None:
    def change(tree: dict[str, Any]) -> None:
        tree["samplers"] = [sampler]
        tree["textures"][0]["sampler"] = 0
        info = tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
        info["extensions"] = {"KHR_texture_transform": transform}

    (texture,) = opened(tmp_path, changed(change)).textures()
    assert texture.repeats == repeats


def test_draco_is_read(tmp_path: Path) -> None:
    (texture,) = opened(tmp_path, with_draco(box(), TEXTURE)).textures()
    assert len(texture.surface.uv) == 48
    assert np.ptp(texture.surface.places) == pytest.approx(1, abs=0.01)


def drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(tree: dict[str, Any]) -> None:
        *before, last = path
        for name in before:
            tree = tree[name]
        del tree[last]

    return change


def put(value: Any, *path: Any) -> Callable[[dict[str, Any]], None]:
    def change(tree: dict[str, Any]) -> None:
        *before, last = path
        for name in before:
            tree = tree[name]
        tree[last] = value

    return change


BASE = ("materials", 0, "pbrMetallicRoughness", "baseColorTexture")
ATTRIBUTES = ("meshes", 0, "primitives", 0, "attributes")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("materials"), "no base-colour texture"),
        (drop(*BASE), "no base-colour texture"),
        (drop(*ATTRIBUTES, "TEXCOORD_0"), "unwrap it first"),
        (put(1, "meshes", 0, "primitives", 0, "mode"), "unwrap it first"),
        (put({"KHR_texture_basisu": {"source": 0}}, "textures", 0, "extensions"), "KTX2"),
        (put(["EXT_meshopt_compression"], "extensionsRequired"), "compressed"),
        (put(["EXT_meshopt_compression"], "extensionsUsed"), "compressed"),
        (put({"count": 1}, "accessors", 1, "sparse"), "accessor 1 of mesh 0 is sparse"),
        (put({"componentType": 5126, "count": 10**9, "type": "VEC3"}, "accessors", 0), "accessor 0 of mesh 0 has no"),
        (put([{"byteLength": 1}] * 2, "buffers"), "binary part of buffer 1 is missing"),
        (put([1], "images"), "not a readable"),
        (put([{"uri": 5}], "images"), "not a readable"),
        (put(5, "buffers"), "not a readable"),
        (put(None, "extensionsRequired"), "not a readable"),
        (put("1.0", "asset", "version"), "only 2.0"),
        (put({"uri": "http://127.0.0.1/a.png"}, "images", 0), "put that file into its folder"),
        (put({"uri": "/etc/hostname"}, "images", 0), "put that file into its folder"),
        (put({"uri": "lost.png"}, "images", 0), "cannot be read"),
        (put(10**9, "accessors", 0, "count"), "not a readable"),
        (put(77, *BASE, "index"), "not a readable"),
        (put([], "nodes"), "not a readable"),
        (put("x", "bufferViews", 0, "byteOffset"), "not a readable"),
        (put(None, "meshes"), "not a readable"),
    ],
)
def test_what_cannot_be_painted_is_told_in_a_line(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(FastStyleError, match=message) as error:
        opened(tmp_path, changed(change)).textures()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"", b"glTF", b"{}", b"[]", b"\xff\xfe", glb(box(), TEXTURE)[:-40]])
def test_what_is_no_gltf_is_told_in_a_line(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FastStyleError, match="not a readable glTF model"):
        opened(tmp_path, data)


@pytest.mark.parametrize("more", [{"images": [1]}, {"buffers": 5}, {"images": [{"uri": 5}]}, {"extensionsUsed": None}])
def test_a_damaged_file_names_no_files(tmp_path: Path, more: dict[str, Any]) -> None:
    (tmp_path / "in.gltf").write_text(json.dumps({"asset": {"version": "2.0"}, **more}))
    assert named_files(tmp_path / "in.gltf") == ()


def test_coordinates_of_a_clamped_texture_stay_near_it(tmp_path: Path) -> None:
    def change(tree: dict[str, Any]) -> None:
        tree["samplers"] = [{"wrapS": 33071, "wrapT": 33071}]
        tree["textures"][0]["sampler"] = 0
        info = tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
        info["extensions"] = {"KHR_texture_transform": {"scale": [1e6, 1e6]}}

    (texture,) = opened(tmp_path, changed(change)).textures()
    assert np.abs(texture.surface.uv).max() < 1.1


def test_accessors_that_nothing_shown_needs_take_no_memory(tmp_path: Path) -> None:
    def change(tree: dict[str, Any]) -> None:
        tree["accessors"].append({"componentType": 5126, "count": 10**15, "type": "VEC3"})

    assert opened(tmp_path, changed(change)).textures()


def test_quantized_coordinates_are_read(tmp_path: Path) -> None:
    tree, binary = unpacked(glb(box(), TEXTURE))
    part = tree["bufferViews"][2]
    uv = np.frombuffer(binary, "<f4", part["byteLength"] // 4, part["byteOffset"])
    small = (uv * 65535).round().astype("<u2").tobytes()
    part["byteLength"] = len(small)
    tree["accessors"][1] |= {"componentType": 5123, "normalized": True}
    binary = binary[: part["byteOffset"]] + small + binary[part["byteOffset"] + len(small) :]
    (texture,) = opened(tmp_path, packed(tree, binary)).textures()
    assert np.abs(texture.surface.uv.reshape(-1) - uv).max() < 1e-4


def test_the_result_is_read_by_other_programs(tmp_path: Path) -> None:
    import trimesh

    model = opened(tmp_path, glb(box(), TEXTURE))
    model.textures()
    new = PaintedTexture(encoded(np.full((4, 4, 3), 7, np.uint8)), ".png")
    data = model.written(tmp_path / "out.glb", [new])[tmp_path / "out.glb"]
    scene = trimesh.load_scene(io.BytesIO(data), "glb")
    (mesh,) = scene.geometry.values()
    image = mesh.visual.material.baseColorTexture
    assert isinstance(image, Image.Image) and image.getpixel((0, 0)) == (7, 7, 7)


def test_a_long_chain_of_nodes_is_followed_at_once(tmp_path: Path) -> None:
    def change(tree: dict[str, Any]) -> None:
        first, scale = tree["nodes"][0], {"scale": [1.001] * 3}
        tree["nodes"] = [{"children": [i + 1], **scale} for i in range(1000)] + [{**first, "children": [0]}]

    start = time.process_time()
    (texture,) = opened(tmp_path, changed(change)).textures()
    assert np.ptp(texture.surface.places) == pytest.approx(1.001**1000)
    assert time.process_time() - start < 10  # matrix products of the whole chain took minutes


def test_a_mesh_below_one_without_a_texture_is_where_its_node_puts_it(tmp_path: Path) -> None:
    def change(tree: dict[str, Any]) -> None:
        plain = {"primitives": [{"attributes": {"POSITION": 0}}]}
        tree["meshes"].append(plain)
        tree["nodes"] = [{"mesh": 1, "children": [1], "scale": [3, 3, 3]}, *tree["nodes"]]

    (texture,) = opened(tmp_path, changed(change)).textures()
    assert np.ptp(texture.surface.places) == pytest.approx(3)


def test_a_file_that_is_named_often_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = as_files(tmp_path / "a")
    tree = json.loads(source.read_text())
    tree["buffers"] *= 50
    source.write_text(json.dumps(tree))
    read: list[Path] = []

    def content(path: Path, *_: object) -> bytes:
        read.append(path)
        return path.read_bytes()

    monkeypatch.setattr("fast_style.meshes.types.content", content)
    Gltf(source).textures()
    assert sorted(path.name for path in read) == ["dark wood.png", "in.bin"]


def test_parts_of_buffers_that_nothing_shown_needs_take_no_memory(tmp_path: Path) -> None:
    tree, binary = unpacked(glb(box(), TEXTURE))
    binary += bytes(10**6)
    tree["buffers"][0]["byteLength"] = len(binary)
    tree["bufferViews"] += [{"buffer": 0, "byteLength": len(binary) - 1}] * 200
    tracemalloc.start()
    try:
        assert opened(tmp_path, packed(tree, binary)).textures()
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_triangles_that_do_not_fit_into_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def often(tree: dict[str, Any]) -> None:
        tree["meshes"][0]["primitives"] *= 5000

    monkeypatch.setattr("fast_style.images.limits.available_bytes", lambda: 2**29)
    with pytest.raises(
        FastStyleError, match=r"in\.glb: 240000 triangles take about 0\.7 GB of memory, 0\.5 GB are free"
    ):
        opened(tmp_path, changed(often)).textures()


def test_draco_data_that_cannot_be_decoded_is_told(tmp_path: Path) -> None:
    tree, binary = unpacked(with_draco(box(), TEXTURE))
    with pytest.raises(FastStyleError, match="the Draco data of mesh 0 is damaged"):
        opened(tmp_path, packed(tree, bytes(20) + binary[20:])).textures()
