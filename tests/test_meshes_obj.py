"""OBJ files with MTL: what is painted in them, and that all else stays byte for byte."""

from pathlib import Path

import numpy as np
import pytest

from fast_style.errors import FastStyleError
from fast_style.meshes.obj import Obj
from fast_style.meshes.types import PaintedTexture

from .sample_models import box, encoded

TEXTURE = encoded(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
PAINTED = PaintedTexture(b"painted", ".png")
MTL = """# caf\xe9
newmtl dark wood
Kd 0.8 0.8 0.8
map_Kd {options}maps/dark wood.png
map_Bump -bm 0.5 maps/bump.png

newmtl plain
Kd 1 0 0
"""


def saved(folder: Path, options: str = "", library: str = "in.mtl", name: str = "in.obj") -> Path:
    """A box as OBJ: four sides of dark wood, two plain ones, as squares."""
    lines = ["# made by hand \xe9", f"mtllib {library}"]
    for number, (places, uv) in enumerate(box(steps=1)):
        corners = [places[0, 0], places[0, 1], places[0, 2], places[1, 2]]
        coordinates = [uv[0, 0], uv[0, 1], uv[0, 2], uv[1, 2]]
        lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in corners]
        lines += [f"vt {u:.6f} {1 - v:.6f}" for u, v in coordinates]
        lines += ["usemtl dark wood" if number < 4 else "usemtl plain"]
        lines += ["f " + " ".join(f"{4 * number + i}/{4 * number + i}" for i in range(1, 5))]
    (folder / "maps").mkdir(parents=True)
    (folder / "maps" / "dark wood.png").write_bytes(TEXTURE)
    (folder / "maps" / "bump.png").write_bytes(b"bump")
    (folder / library).write_bytes(MTL.format(options=options).encode("latin-1"))
    (folder / name).write_bytes("\r\n".join(lines).encode("latin-1", "replace"))
    return folder / name


def test_a_texture_and_its_surface_are_found(tmp_path: Path) -> None:
    (texture,) = Obj(saved(tmp_path / "a")).textures()
    assert (texture.name, texture.data, texture.repeats) == ("maps/dark wood.png", TEXTURE, False)
    assert len(texture.surface.uv) == 8 and texture.surface.islands.max() == 3
    wanted = np.concatenate([uv for _, uv in box(steps=1)[:4]])
    assert texture.surface.uv.min() == pytest.approx(wanted.min()) and texture.surface.uv.max() == wanted.max()


def test_everything_else_is_kept(tmp_path: Path) -> None:
    source = saved(tmp_path / "a")
    model = Obj(source)
    model.textures()
    files = model.written(tmp_path / "a" / "out.obj", [PAINTED])
    names = {path.relative_to(tmp_path / "a").as_posix(): data for path, data in files.items()}
    assert list(names) == ["maps/out_dark wood.png", "out_in.mtl", "out.obj"]
    assert names["out.obj"] == source.read_bytes().replace(b"mtllib in.mtl", b"mtllib out_in.mtl")
    old = (tmp_path / "a" / "in.mtl").read_bytes()
    assert names["out_in.mtl"] == old.replace(b"maps/dark", b"maps/out_dark")
    assert names["maps/out_dark wood.png"] == b"painted"


def test_what_belongs_to_the_file_goes_along_into_another_folder(tmp_path: Path) -> None:
    model = Obj(saved(tmp_path / "a", library="my things.mtl"))
    model.textures()
    files = model.written(tmp_path / "b" / "out.obj", [PAINTED])
    names = {path.relative_to(tmp_path / "b").as_posix() for path in files}
    assert names == {"maps/out_dark wood.png", "maps/out_bump.png", "out_my things.mtl", "out.obj"}
    assert b"mtllib out_my things.mtl" in files[tmp_path / "b" / "out.obj"]


def test_the_result_is_read_again(tmp_path: Path) -> None:
    model = Obj(saved(tmp_path / "a"))
    model.textures()
    for path, data in model.written(tmp_path / "b" / "out.obj", [PAINTED]).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (texture,) = Obj(tmp_path / "b" / "out.obj").textures()
    assert texture.data == b"painted"


@pytest.mark.parametrize(
    ("options", "repeats"),
    [("-s 3 3 1 ", True), ("-s 3 ", True), ("-o 2 0 0 ", False), ("-clamp on -mm 0 1 -s 1 1 1 ", False)],
)
def test_options_before_the_name(tmp_path: Path, options: str, repeats: bool) -> None:
    model = Obj(saved(tmp_path / "a", options))
    (texture,) = model.textures()
    assert (texture.name, texture.repeats) == ("maps/dark wood.png", repeats)
    files = model.written(tmp_path / "a" / "out.obj", [PAINTED])
    assert f"map_Kd {options}maps/out_dark wood.png".encode() in files[tmp_path / "a" / "out_in.mtl"]


@pytest.mark.parametrize("name", ["Å", "\u0445", "àé", "中"], ids=ascii)
def test_names_in_any_writing(tmp_path: Path, name: str) -> None:
    source = saved(tmp_path / "a", library=f"{name}.mtl")
    source.write_bytes(source.read_bytes().replace(f"{name}.mtl".encode("latin-1", "replace"), f"{name}.mtl".encode()))
    (tmp_path / "a" / f"{name}.png").write_bytes(TEXTURE)
    library = tmp_path / "a" / f"{name}.mtl"
    library.write_bytes(library.read_bytes().replace(b"maps/dark wood", name.encode()))
    model = Obj(source)
    assert [texture.name for texture in model.textures()] == [f"{name}.png"]
    files = model.written(tmp_path / "b" / "out.obj", [PAINTED])
    names = {path.relative_to(tmp_path / "b").as_posix() for path in files}
    assert names == {f"out_{name}.png", "maps/out_bump.png", f"out_{name}.mtl", "out.obj"}
    assert f"mtllib out_{name}.mtl".encode() in files[tmp_path / "b" / "out.obj"]


def test_one_picture_of_two_spellings_is_painted_once(tmp_path: Path) -> None:
    source = saved(tmp_path / "a")
    library = tmp_path / "a" / "in.mtl"
    library.write_bytes(library.read_bytes() + b"map_Kd ./maps\\dark wood.png\n")
    model = Obj(source)
    (texture,) = model.textures()
    assert len(texture.surface.uv) == 12
    files = model.written(tmp_path / "a" / "out.obj", [PAINTED])
    assert files[tmp_path / "a" / "out_in.mtl"].count(b"maps/out_dark wood.png") == 2


def test_the_files_that_it_names(tmp_path: Path) -> None:
    names = {path.relative_to(tmp_path / "a").as_posix() for path in Obj(saved(tmp_path / "a")).named_files()}
    assert names == {"in.mtl", "maps/dark wood.png", "maps/bump.png"}


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("in.obj", b"mtllib in.mtl", b"", "no base-colour texture"),
        ("in.obj", b"in.mtl", b"lost.mtl", "cannot be read"),
        ("in.obj", b"in.mtl", b"x" * 300, "cannot be read"),
        ("in.obj", b"in.mtl", b"x" * 300 + b" y", "cannot be read"),
        ("in.obj", b"in.mtl", b"../../../dev/zero", "not in its folder"),
        ("in.obj", b"vt ", b"vn ", "unwrap it first"),
        ("in.obj", b"f ", b"f x", "not a readable OBJ"),
        ("in.obj", b"v ", b"# ", "not a readable OBJ|unwrap it first"),
        ("in.mtl", b"map_Kd", b"map_Ks", "no base-colour texture"),
        ("in.mtl", b"dark wood.png", b"lost.png", "cannot be read"),
        ("in.mtl", b"maps/dark wood.png", b"/etc/hostname", "put that file into its folder"),
    ],
)
def test_what_cannot_be_painted_is_told_in_a_line(
    tmp_path: Path, file: str, old: bytes, new: bytes, message: str
) -> None:
    source = saved(tmp_path / "a")
    changed = tmp_path / "a" / file
    changed.write_bytes(changed.read_bytes().replace(old, new))
    with pytest.raises(FastStyleError, match=message) as error:
        Obj(source).textures()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", ["1e300", "-1e30", "1e400", "nan"])
@pytest.mark.parametrize("key", [b"v ", b"vt "])
def test_triangles_that_lie_nowhere_are_left_out(tmp_path: Path, number: str, key: bytes) -> None:
    source = saved(tmp_path / "a")
    source.write_bytes(source.read_bytes().replace(b"\n" + key, b"\n" + key + number.encode() + b" ", 1))
    (texture,) = Obj(source).textures()
    assert len(texture.surface.uv) == 6 and texture.surface.islands.max() == 2


def test_faces_that_do_not_fit_into_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = saved(tmp_path / "a")
    source.write_bytes(source.read_bytes() + b"\nf" + b" 1/1 2/2" * 100_000)
    monkeypatch.setattr("fast_style.images.limits.available_bytes", lambda: 2**29)
    with pytest.raises(FastStyleError, match=r"in\.obj: 200010 triangles take about 0\.6 GB"):
        Obj(source).textures()
