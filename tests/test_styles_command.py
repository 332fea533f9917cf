"""`fast-style styles`: the list and the sheet."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

import fast_style as package
from fast_style import FastStyleError, Stylizer
from fast_style.commands import main as fast_style
from fast_style.commands.styles import HEADINGS
from fast_style.models.bundled import shipped
from fast_style.system.suggestions import did_you_mean, suggestion

from .conftest import picture


def test_shipped_styles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style(["styles", "wave", "scream"]) == 0
    heading, *rows, _, last = capsys.readouterr().out.splitlines()
    assert heading == "For pictures, one network for each painting:"
    assert [row.split()[0] for row in rows] == ["wave", "scream"]
    assert "The Scream, Edvard Munch" in rows[1]
    assert last.startswith("Choose one with --model")


def test_networks_stand_below_what_they_are_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style(["styles"]) == 0
    *parts, any_painting, _ = capsys.readouterr().out.split("\n\n")
    below = {}
    for heading, *rows in map(str.splitlines, parts):
        below[heading.removesuffix(":")] = {row.split()[0] for row in rows}
    assert set.union(*below.values()) == set(shipped())
    assert sum(map(len, below.values())) == len(shipped())
    groups = {heading: group for group, heading in HEADINGS.items()}
    for heading, names in below.items():
        for name in names:
            assert name.endswith("_video") == (groups[heading] == "video")
            assert (name.partition("_")[0] in ("lite", "nano")) == (groups[heading] in ("lite", "nano"))
    assert "gallery" in below[HEADINGS["several"]]
    assert any_painting == "Any painting at once: --model any --style-image PAINTING"


def test_styles_are_listed_as_json(several: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style(["styles", "scream", str(several), "--json"]) == 0
    scream, a, b = map(json.loads, capsys.readouterr().out.splitlines())
    assert (scream["model"], scream["style"], scream["artist"]) == ("scream", "scream", "Edvard Munch")
    assert [a["style"], b["style"]] == ["a", "b"]
    assert Path(a["file"]) == several
    assert a["sha256"] == hashlib.sha256(several.read_bytes()).hexdigest()


def test_a_sheet_has_a_row_for_each_style_and_a_column_for_each_picture(several: Path, tmp_path: Path) -> None:
    for name in ("x.png", "y.png"):
        picture(60, 48, len(name)).save(tmp_path / name)
    flags = ["-o", str(tmp_path / "sheet.png"), "--on", str(tmp_path / "x.png"), str(tmp_path / "y.png")]
    assert fast_style(["styles", str(several), *flags, "--size", "40"]) == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        # Photographs, a, b: 40 px, a caption of 28 and a gap of 8 each, and a gap at the end; two columns of 50 px.
        assert sheet.size == (2 * 50 + 3 * 8, 3 * (40 + 28 + 8) + 8)


def test_many_rows_stand_beside_each_other(several: Path, tmp_path: Path) -> None:
    """Eight styles of one picture, with the photograph nine rows: two parts, of five rows and of four."""
    picture(60, 48, 1).save(tmp_path / "x.png")
    models = [str(several)] * 4
    flags = ["-o", str(tmp_path / "sheet.png"), "--on", str(tmp_path / "x.png"), "--size", "40"]
    assert fast_style(["styles", *models, *flags]) == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size[0] % (50 + 8) == 8 and sheet.size[0] > 2 * 50
        assert sheet.size[1] < 2.5 * sheet.size[0]


def test_models_of_one_file_name_are_all_painted(tiny: Path, tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        shutil.copy(tiny, tmp_path / folder)
    models = [str(tmp_path / folder / tiny.name) for folder in "ab"]
    picture(48, 48).save(tmp_path / "x.png")
    flags = ["-o", str(tmp_path / "sheet.png"), "--on", str(tmp_path / "x.png"), "--size", "40"]
    assert fast_style(["styles", *models, *flags]) == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height == 3 * (40 + 28 + 8) + 8


def test_a_script_can_list_what_is_shipped() -> None:
    listed = package.styles()
    assert {style.model for style in listed} == set(shipped())
    assert len([style for style in listed if style.model == "gallery"]) == 24
    (scream,) = package.styles("scream")
    assert (scream.name, scream.title, scream.artist) == ("scream", "The Scream", "Edvard Munch")
    with pytest.raises(FastStyleError, match=r"no shipped style of that name \(did you mean scream\?\)"):
        package.styles("scraem")
    with pytest.raises(FastStyleError, match="it is a style of gallery: name that model, and the style metzinger"):
        package.styles("metzinger")


def test_a_film_takes_one_call(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    first, second = picture(40, 30, 1), picture(40, 30, 2)
    first.save(tmp_path / "in.gif", save_all=True, append_images=[second], duration=100)
    stylizer = Stylizer.load(tiny, device="cpu")
    counted: list[int] = []
    result = package.stylize_film(
        tmp_path / "in.gif", model=stylizer, report=lambda progress: counted.append(progress.frames), strength=0.5
    )
    assert result == tmp_path / "in_tiny.gif"
    assert counted == [1, 2]
    with Image.open(result) as film:
        assert (film.size, getattr(film, "n_frames", 1)) == ((40, 30), 2)


def test_suggestions_name_each_name_once() -> None:
    assert suggestion("wvae", ["wave", "scream", "wave"]) == "did you mean wave?"
    assert suggestion("fog", ["wave", "scream", "wave"]) == "there are wave, scream"
    assert suggestion("fog", []) == "there are none"
    assert did_you_mean("stregth", ["strength"], "--") == " (did you mean --strength?)"
    assert did_you_mean("fog", ["strength"]) == ""


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("scraem", "no shipped model has a style 'scraem'; did you mean scream?"),
        ("wave=0.5,metzingr=0.5", "no shipped model has a style 'metzingr'; did you mean metzinger?"),
        ("nano_wave,metzinger", "no shipped model has the styles nano_wave, metzinger together; gallery has the most"),
    ],
)
def test_a_wrong_style_without_a_model_is_looked_for_in_all(
    style: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fast_style(["stylize", "x.jpg", "--style", style]) == 1
    assert capsys.readouterr().err == f"fast-style stylize: {said}\n"
