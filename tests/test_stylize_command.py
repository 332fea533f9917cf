import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from fast_style import images
from fast_style.commands import main as fast_style
from fast_style.commands import run, stylize

from .conftest import picture

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pictures: in.jpg, and album/ with two more in nested folders."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "album/sub").mkdir(parents=True)
    picture(50, 40).save("in.jpg")
    picture(30, 40, 1).save("album/one.png")
    picture(40, 30, 2).save("album/sub/two.webp")
    (tmp_path / "album/notes.txt").write_text("not a picture")
    return tmp_path


@pytest.fixture
def command(tiny: Path) -> "Command":
    return Command(tiny)


class Command:
    """`stylize.py --model tiny --device cpu ...`, in this process."""

    def __init__(self, model: Path) -> None:
        self.model = model

    def __call__(self, *arguments: str) -> int:
        fixed = ["--model", str(self.model), "--device", "cpu", "--precision", "fp32"]
        return run(stylize.main, [*fixed, *arguments], "stylize.py")


def size(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_one_file_beside_the_input(work: Path, command: Command) -> None:
    assert command("in.jpg") == 0
    assert size("in_tiny.jpg") == (50, 40)


def test_one_file_to_a_named_file_of_another_format(work: Path, command: Command) -> None:
    assert command("in.jpg", "-o", "new/folder/out.png") == 0
    with Image.open("new/folder/out.png") as image:
        assert (image.format, image.size) == ("PNG", (50, 40))


def test_folders_are_mirrored(work: Path, command: Command) -> None:
    assert command("album", "-o", "out") == 0
    assert files(work / "out") == {"one.png", "sub/two.webp"}


def test_a_second_run_over_a_folder_leaves_its_results_alone(work: Path, command: Command) -> None:
    assert command("album") == 0
    assert command("album", "--overwrite") == 0
    assert files(work / "album") == {"notes.txt", "one.png", "one_tiny.png", "sub/two.webp", "sub/two_tiny.webp"}


def test_an_output_folder_inside_the_input_is_not_stylized_again(work: Path, command: Command) -> None:
    assert command("album", "-o", "album/painted") == 0
    first = files(work / "album/painted")
    assert command("album", "-o", "album/painted", "--skip-existing") == 0
    assert files(work / "album/painted") == first == {"one.png", "sub/two.webp"}


def test_a_folder_of_a_shipped_styles_name_does_not_hide_it(work: Path) -> None:
    Path("wave").mkdir()
    assert run(stylize.main, ["in.jpg", "--device", "cpu", "--size", "32"], "stylize.py") == 0
    assert size("in_wave.jpg") == (50, 40)


@pytest.mark.parametrize(
    ("text", "line"), [("no room\nfor details", "MemoryError: no room\n"), ("", "MemoryError: \n")]
)
def test_an_unforeseen_error_in_one_picture_is_one_line(
    work: Path,
    command: Command,
    text: str,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from fast_style import Stylizer

    whole = Stylizer.apply

    def fail_once(self: Stylizer, picture: images.Picture, *more: object, **named: object) -> images.Picture:
        if picture.image.size == (30, 40):
            raise MemoryError(text)
        return whole(self, picture, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Stylizer, "apply", fail_once)
    assert command("album", "-o", "out") == 1
    assert f"one.png: {line}" in capsys.readouterr().err
    assert files(work / "out") == {"sub/two.webp"}


def test_several_inputs_and_globs_go_to_a_folder(work: Path, command: Command) -> None:
    assert command("in.jpg", "album/**/*.webp", "-o", "out") == 0
    assert files(work / "out") == {"in.jpg", "two.webp"}


def test_existing_results_are_kept(work: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in_tiny.jpg").write_text("precious")
    assert command("in.jpg") == 1
    error = capsys.readouterr().err
    assert error.strip() == "stylize.py: in_tiny.jpg exists; use --overwrite or --skip-existing"
    assert command("in.jpg", "--skip-existing") == 0
    assert capsys.readouterr().err == ""
    assert Path("in_tiny.jpg").read_text() == "precious"
    assert command("in.jpg", "--overwrite") == 0
    assert size("in_tiny.jpg") == (50, 40)


def test_two_inputs_for_one_output_are_refused(
    work: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(9, 9).save("album/in.jpg")
    assert command("in.jpg", "album/in.jpg", "-o", "out") == 1
    assert "several inputs would be written to" in capsys.readouterr().err
    assert not Path("out").exists()


def test_one_bad_file_does_not_stop_the_others(
    work: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("album/bad.jpg").write_text("no picture")
    assert command("album", "absent.jpg", "-o", "out") == 1
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("stylize.py: ")]
    assert len(lines) == 2
    assert "absent.jpg: no such file" in lines[0]
    assert "bad.jpg: not a readable picture" in lines[1]
    assert "Traceback" not in error
    assert files(work / "out") == {"one.png", "sub/two.webp"}


def test_sizes_format_quality_and_compare(work: Path, command: Command) -> None:
    assert command("in.jpg", "-o", "a.jpg", "--size", "20") == 0
    assert size("a.jpg") == (50, 40)
    assert command("in.jpg", "-o", "b.jpg", "--output-size", "20") == 0
    assert size("b.jpg") == (25, 20)
    assert command("in.jpg", "-o", "c.png", "--compare") == 0
    assert size("c.png") == (100, 40)
    with Image.open("c.png") as sheet, Image.open("in.jpg") as before:
        assert np.array_equal(np.asarray(sheet)[:, :50], np.asarray(before))
    assert command("in.jpg", "--format", "webp") == 0
    assert size("in_tiny.webp") == (50, 40)
    assert command("in.jpg", "-o", "d.jpg", "--quality", "30") == 0
    assert command("in.jpg", "-o", "e.jpg", "--quality", "98") == 0
    assert Path("d.jpg").stat().st_size < Path("e.jpg").stat().st_size


def test_exif_orientation_profile_and_alpha_survive(work: Path, command: Command) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(50, 40).save("turned.jpg", exif=exif)
    assert command("turned.jpg") == 0
    assert size("turned_tiny.jpg") == (40, 50)
    image = picture(50, 40)
    image.putalpha(Image.linear_gradient("L").resize((50, 40)))
    image.save("alpha.png")
    assert command("alpha.png") == 0
    with Image.open("alpha_tiny.png") as out:
        assert out.getchannel("A").tobytes() == image.getchannel("A").tobytes()
    picture(50, 40).convert("CMYK").save("cmyk.jpg")
    assert command("cmyk.jpg") == 0
    with Image.open("cmyk_tiny.jpg") as out:
        assert out.mode == "RGB"


def test_standard_input_to_standard_output(work: Path, tiny: Path) -> None:
    script = [sys.executable, str(PROJECT / "stylize.py"), "-", "--model", str(tiny), "--device", "cpu"]
    result = subprocess.run(script, input=Path("in.jpg").read_bytes(), capture_output=True, check=True)
    image = Image.open(io.BytesIO(result.stdout))
    assert (image.format, image.size) == ("JPEG", (50, 40))
    result = subprocess.run([*script, "--format", "png"], input=result.stdout, capture_output=True, check=True)
    assert Image.open(io.BytesIO(result.stdout)).format == "PNG"


def test_info_tells_what_a_checkpoint_is(work: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--info") == 0
    told = yaml.safe_load(capsys.readouterr().out)
    assert told["model"]["width"] == 4
    assert told["styles"] == [{"name": "tiny"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name at least one picture"),
        (["in.jpg", "--model", "in.jpg"], "in.jpg: not a file of network weights"),
        (["in.jpg", "--model", "nonesuch"], "no shipped style of that name"),
        (["in.jpg", "-o", "out.xyz"], "out.xyz: no known picture format"),
        (["in.jpg", "--format", "xyz"], "--format xyz: no known picture format"),
        (["in.jpg", "--quality", "0"], "--quality is 0; it takes 1 to 100"),
        (["in.jpg", "--size", "0"], "--size is 0; it takes 1 or more"),
        (["in.jpg", "--device", "toaster"], "unknown device 'toaster'"),
    ],
)
def test_bad_input_is_one_plain_line(
    work: Path, command: Command, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*arguments) == 1
    error = capsys.readouterr().err.strip()
    assert error.startswith("stylize.py: ")
    assert message in error
    assert "\n" not in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stepz", "3"], "there is no --stepz"),
        (["in.jpg", "--size", "big"], "--size"),
        (["in.jpg", "--precision", "fp8"], "--precision"),
    ],
)
def test_wrong_flags_are_one_plain_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run(stylize.main, arguments, "stylize.py")
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("stylize.py: ")
    assert message in error
    assert error.endswith("see stylize.py --help")
    assert "\n" not in error


def test_the_console_command_knows_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style([]) == 2
    assert "stylize" in capsys.readouterr().out
    assert fast_style(["paint"]) == 2
    assert "unknown command 'paint'" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        fast_style(["stylize", "--help"])
    assert stop.value.code == 0
    assert "fast-style stylize" in capsys.readouterr().out


def test_tiles_show_their_progress(work: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    picture(150, 90).save("large.png")
    assert command("large.png", "--tile-px", "64", "--device", "cpu", "--engine", "torch") == 0
    shown = capsys.readouterr().err
    assert "large.png, statistics" in shown
    assert "large.png, tiles: 100%" in shown


def test_controls_come_from_the_command_line(work: Path, command: Command) -> None:
    picture(60, 40).save("a.png")
    Image.new("L", (9, 9), 0).save("black.png")
    before = Image.open("a.png").tobytes()
    assert command("a.png", "--strength", "0", "-o", "0.png") == 0
    assert command("a.png", "--mask", "black.png", "-o", "1.png") == 0
    assert command("a.png", "--preserve-color", "luminance", "--interpolate", "slerp", "-o", "2.png") == 0
    assert Image.open("0.png").tobytes() == Image.open("1.png").tobytes() == before != Image.open("2.png").tobytes()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--strength", "2"], "--strength is 2.0; it takes 0 to 1.5"),
        (["--style", "scream"], "no style 'scream' in this model; it has tiny"),
        (["--mask", "nowhere.png"], "nowhere.png: no such file"),
        (["--tile-px", "9"], "--tile-px is 9; it takes 64 or more"),
    ],
)
def test_wrong_controls_get_one_line(
    work: Path, command: Command, flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(60, 40).save("a.png")
    assert command("a.png", *flags) != 0
    assert said in capsys.readouterr().err
