"""`fast-style styles`: the list and the sheet."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from fast_style.commands import main as fast_style

from .conftest import picture


def test_shipped_styles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style(["styles", "wave", "scream"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["MODEL", "wave", "scream"]
    assert "The Scream, Edvard Munch" in lines[2]


def test_a_sheet_has_a_row_for_each_style_and_a_column_for_each_picture(several: Path, tmp_path: Path) -> None:
    for name in ("x.png", "y.png"):
        picture(60, 48, len(name)).save(tmp_path / name)
    flags = ["-o", str(tmp_path / "sheet.png"), "--on", str(tmp_path / "x.png"), str(tmp_path / "y.png")]
    assert fast_style(["styles", str(several), *flags, "--size", "40"]) == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        # Photographs, a, b: 40 px, a caption of 28 and a gap of 8 each, and a gap at the end; two columns of 50 px.
        assert sheet.size == (2 * 50 + 3 * 8, 3 * (40 + 28 + 8) + 8)


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
