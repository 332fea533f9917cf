"""Models as an input of the command line and of the API."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fast_style
from fast_style import FastStyleError, Stylizer, stylize_model
from fast_style.commands.console import models
from fast_style.commands.console.planning import plan
from fast_style.commands.stylize import main
from fast_style.meshes import model
from fast_style.options import StylizeOptions

from .conftest import picture
from .sample_models import box, encoded, glb, grid
from .test_meshes_gltf import as_files, unpacked, view
from .test_meshes_obj import saved

TEXTURE = np.asarray(picture(48, 48))


@pytest.fixture(scope="module")
def stylizer(tiny: Path) -> Stylizer:
    return Stylizer.load(tiny, device="cpu", engine="torch")


@pytest.fixture
def chair(tmp_path: Path) -> Path:
    (tmp_path / "chair.glb").write_bytes(glb(box(), encoded(TEXTURE)))
    return tmp_path / "chair.glb"


def painted(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(view(path.read_bytes(), 1)))


def same(image: Image.Image, pixels: Any) -> bool:
    return np.array_equal(np.asarray(image), pixels)


def test_one_call_paints_a_model(chair: Path, stylizer: Stylizer) -> None:
    result = stylize_model(chair, model=stylizer)
    assert result == chair.with_name("chair_tiny.glb")
    image = painted(result)
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (48, 48))
    assert not same(image, TEXTURE)


def test_the_command_paints_a_model(chair: Path, tiny: Path, capsys: Any) -> None:
    target = chair.with_name("out.glb")
    assert main([str(chair), "-o", str(target), "--model", str(tiny), "--device", "cpu"]) == 0
    assert capsys.readouterr().out.startswith(f"{target}  48x48")
    assert not same(painted(target), TEXTURE)


def test_strength_zero_keeps_the_texture(chair: Path, stylizer: Stylizer) -> None:
    assert same(painted(stylize_model(chair, model=stylizer, strength=0.0)), TEXTURE)


def test_a_black_mask_keeps_the_texture(chair: Path, stylizer: Stylizer) -> None:
    result = stylize_model(chair, model=stylizer, mask=Image.new("L", (48, 48)))
    assert same(painted(result), TEXTURE)


@pytest.mark.parametrize("mode", ["MASK", "OPAQUE"])
def test_alpha_is_kept(tmp_path: Path, stylizer: Stylizer, mode: str) -> None:
    pixels = np.dstack([TEXTURE, np.full((48, 48), 255, np.uint8)])
    pixels[10:20, 10:20, 3] = 0
    tree, _ = unpacked(glb(box(), b"x"))
    materials = [{**tree["materials"][0], "alphaMode": mode}]
    (tmp_path / "in.glb").write_bytes(glb(box(), encoded(pixels), materials=materials))
    image = painted(stylize_model(tmp_path / "in.glb", tmp_path / "out.glb", stylizer, strength=0.0))
    assert np.array_equal(np.asarray(image)[..., 3], pixels[..., 3])
    # Opaque materials show what lies under alpha 0; in others nobody sees it, and painting fills it.
    assert np.array_equal(np.asarray(image)[12:18, 12:18, :3], TEXTURE[12:18, 12:18]) == (mode == "OPAQUE")


def test_a_jpeg_stays_one_whatever_its_exif_says(tmp_path: Path, stylizer: Stylizer) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter: no program that shows models does that
    buffer = io.BytesIO()
    Image.fromarray(TEXTURE[:32]).save(buffer, "JPEG", exif=exif)
    (tmp_path / "in.glb").write_bytes(glb(box(), buffer.getvalue(), "image/jpeg"))
    result = stylize_model(tmp_path / "in.glb", tmp_path / "out.glb", stylizer)
    assert painted(result).format == "JPEG" and painted(result).size == (48, 32)
    assert unpacked(result.read_bytes())[0]["images"][0]["mimeType"] == "image/jpeg"


def test_a_texture_that_repeats_is_painted_without_edges(tmp_path: Path, stylizer: Stylizer) -> None:
    points = np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0], [0.0], indexing="ij"), -1)[:, :, 0]
    (tmp_path / "in.glb").write_bytes(glb([grid(points, 4 * points[..., :2])], encoded(TEXTURE)))
    result = np.asarray(painted(stylize_model(tmp_path / "in.glb", tmp_path / "out.glb", stylizer)))
    assert np.array_equal(result, stylizer.stylize(TEXTURE, tileable=True))


def test_a_damaged_texture_is_told_in_a_line(tmp_path: Path, stylizer: Stylizer) -> None:
    (tmp_path / "in.glb").write_bytes(glb(box(), b"no picture"))
    with pytest.raises(FastStyleError, match=r"in\.glb, wood: not a readable picture"):
        stylize_model(tmp_path / "in.glb", tmp_path / "out.glb", stylizer)
    assert not (tmp_path / "out.glb").exists()


@pytest.mark.parametrize("make", [as_files, saved])
def test_models_of_several_files(tmp_path: Path, stylizer: Stylizer, make: Any) -> None:
    source = make(tmp_path / "in")
    (tmp_path / "in" / "maps" / "dark wood.png").write_bytes(encoded(TEXTURE))
    result = stylize_model(source, tmp_path / "out" / source.name, stylizer)
    new = Image.open(tmp_path / "out" / "maps" / "in_dark wood.png")
    assert result.is_file() and new.size == (48, 48) and not same(new, TEXTURE)
    assert same(Image.open(tmp_path / "in" / "maps" / "dark wood.png"), TEXTURE)


@pytest.mark.parametrize("make", [as_files, saved])
def test_two_models_in_one_folder_share_no_file(tmp_path: Path, stylizer: Stylizer, make: Any) -> None:
    for number in (1, 2):
        source = make(tmp_path / str(number))
        (source.parent / "maps" / "dark wood.png").write_bytes(encoded(TEXTURE // number))
        (source.parent / "maps" / "other.png").write_bytes(b"")
        source = source.rename(source.with_stem(f"m{number}"))
        stylize_model(source, tmp_path / "out" / source.name, stylizer, strength=0.0)
    for number in (1, 2):
        assert same(Image.open(tmp_path / "out" / "maps" / f"m{number}_dark wood.png"), TEXTURE // number)
    kinds = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"m1_in.bin", "m2_in.bin"} <= kinds or {"m1_in.mtl", "m2_in.mtl"} <= kinds


@pytest.mark.parametrize("there", ["maps/in_dark wood.png", "maps/in_normal.png", "in_in.bin"])
def test_files_beside_a_result_are_replaced_only_where_that_is_asked_for(
    tmp_path: Path, stylizer: Stylizer, there: str
) -> None:
    source = as_files(tmp_path / "in")
    (tmp_path / "in" / "maps" / "dark wood.png").write_bytes(encoded(TEXTURE))
    target, place = tmp_path / "out" / "in.gltf", tmp_path / "out" / there
    place.parent.mkdir(parents=True)
    place.write_bytes(b"mine")
    with pytest.raises(FastStyleError, match=f"{there} exists; use overwrite"):
        model.stylize_model(stylizer, source, target, overwrite=False)
    assert place.read_bytes() == b"mine" and not target.exists()
    stylize_model(source, target, stylizer, strength=0.0)
    assert place.read_bytes() != b"mine" and target.exists()


def test_the_command_replaces_what_lies_beside_a_result_only_where_that_is_asked_for(
    tmp_path: Path, tiny: Path, capsys: Any
) -> None:
    source = as_files(tmp_path / "in")
    (tmp_path / "in" / "maps" / "in_tiny_dark wood.png").write_bytes(b"mine")
    assert main([str(source), "--model", str(tiny), "--device", "cpu"]) == 1
    assert "in_tiny_dark wood.png exists; use --overwrite" in capsys.readouterr().err


def test_a_lost_map_is_told_before_painting(tmp_path: Path, stylizer: Stylizer, monkeypatch: Any) -> None:
    source = as_files(tmp_path / "in")
    (tmp_path / "in" / "maps" / "dark wood.png").write_bytes(encoded(TEXTURE))
    (tmp_path / "in" / "maps" / "normal.png").unlink()
    monkeypatch.setattr("fast_style.meshes.model.paint", None)
    with pytest.raises(FastStyleError, match=r"normal\.png', which cannot be read"):
        stylize_model(source, tmp_path / "out" / "in.gltf", stylizer)


def test_the_largest_texture_is_reported(chair: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("fast_style.meshes.stylize_model", lambda *_: [(64, 64), (65, 1)])
    assert models.stylize_model(None, chair, chair, StylizeOptions(), 90, False) == (64, 64)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("out.gltf", {}, r"name it out\.glb"),
        ("out.png", {}, r"name it out\.glb"),
        ("chair.glb", {}, "would replace itself"),
        ("out.glb", {"output_size": 8}, "keep their size"),
        ("out.glb", {"style": "no_such"}, "no_such"),
    ],
)
def test_what_is_not_for_models(
    chair: Path, stylizer: Stylizer, target: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(FastStyleError, match=message):
        stylize_model(chair, chair.with_name(target), stylizer, **options)


def test_compare_is_not_for_models(chair: Path, tiny: Path, capsys: Any) -> None:
    assert main([str(chair), "--compare", "--model", str(tiny), "--device", "cpu"]) == 1
    assert "--compare is for pictures" in capsys.readouterr().err


def targets(*inputs: str, output: str | None = None) -> dict[str, str]:
    jobs, problems = plan(inputs, output, "wave")
    assert not problems
    return {Path(str(job.source)).name: Path(str(job.target)).as_posix() for job in jobs}


def test_where_models_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    as_files(tmp_path / "all")
    (tmp_path / "all" / "chair.glb").write_bytes(b"")
    (tmp_path / "all" / "chair_wave.glb").write_bytes(b"")
    picture(8, 8).save(tmp_path / "all" / "photo.jpg")
    assert targets("all/chair.glb") == {"chair.glb": "all/chair_wave.glb"}
    assert targets("all/chair.glb", output="x.glb") == {"chair.glb": "x.glb"}
    # Neither the textures of in.gltf nor results of before.
    found = {"chair.glb": "out/chair.glb", "in.gltf": "out/in.gltf", "photo.jpg": "out/photo.jpg"}
    assert targets("all", output="out") == found
    # Models that differ in their extension alone would have one name for the files beside them.
    (tmp_path / "all" / "chair.obj").write_bytes(b"")
    found |= {"chair.glb": "out/chair_glb.glb", "chair.obj": "out/chair_obj.obj"}
    assert targets("all", output="out") == found
    with pytest.raises(FastStyleError, match="name a folder"):
        plan(["all"], "x.glb", "wave")
    with pytest.raises(FastStyleError, match="in the format that it was read in"):
        plan(["all/chair.glb"], None, "wave", "png")


def test_the_public_name() -> None:
    assert "stylize_model" in fast_style.__all__ and fast_style.stylize_model is stylize_model
