import io
import json
import logging
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

import fast_style as package
from fast_style import FastStyleError, images
from fast_style.commands import main as fast_style
from fast_style.commands import run, stylize
from fast_style.commands.console import model_names

from .conftest import picture, untrained

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


def test_each_result_has_a_line_unless_quiet(work: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("album", "in.jpg", "-o", "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"\d+\.\d s", "SECONDS", line) for line in lines] == [
        f"{Path('out/one.png')}  30x40  SECONDS",
        f"{Path('out/sub/two.webp')}  40x30  SECONDS",
        f"{Path('out/in.jpg')}  50x40  SECONDS",
    ]
    assert command("in.jpg", "--quiet", "--output-size", "20") == 0
    assert capsys.readouterr().out == ""


def test_results_and_problems_as_json(work: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    Path("album/bad.png").write_text("no picture")
    assert command("album", "absent.jpg", "-o", "out", "--json") == 1
    captured = capsys.readouterr()
    entries = [json.loads(line) for line in captured.out.splitlines()]
    problems = [entry for entry in entries if "error" in entry]
    done = {entry["input"]: entry for entry in entries if "error" not in entry}
    assert problems[0]["error"] == "absent.jpg: no such file"
    assert problems[1]["input"] == str(Path("album/bad.png"))
    one = done[str(Path("album/one.png"))]
    assert one.pop("seconds") >= 0
    assert one == {"input": str(Path("album/one.png")), "output": str(Path("out/one.png")), "width": 30, "height": 40}
    assert len(entries) == 4
    assert "absent.jpg: no such file" in captured.err


def test_a_folder_with_a_name_of_255_bytes_leading_dashes_and_percent_signs(work: Path, command: Command) -> None:
    names = ["-dash.png", "100%done.png", "Christmas%20dinner.png", "n" * 246 + ".png"]
    for name in names:
        picture(9, 8).save(work / name)
    assert command(*names) == 0
    assert all((work / f"{name[:-4]}_tiny.png").exists() for name in names)


def test_animations_of_an_album_are_mirrored(work: Path, command: Command) -> None:
    pytest.importorskip("av")
    frames = [picture(16, 12, seed) for seed in range(2)]
    for name in ("album/sub/moving.gif", "album/moving.gif"):
        frames[0].save(name, save_all=True, append_images=frames[1:], duration=100)
    assert command("album", "-o", "out") == 0
    assert files(work / "out") == {"moving.gif", "one.png", "sub/moving.gif", "sub/two.webp"}


@pytest.mark.parametrize(
    ("model", "style", "meant"),
    [
        (None, "", ("wave", "")),
        (None, "scream", ("scream", "")),
        (None, "chalk", ("several", "chalk")),
        (None, "oil=1,chalk=2", ("several", "oil=1,chalk=2")),
        (None, "a, b", ("odd", "a, b")),
        (None, "oil=much,chalk=2", ("several", "oil=much,chalk=2")),
        ("chalk", "", ("several", "chalk")),
        ("several", "oil", ("several", "oil")),
        ("several.pth", "", ("several.pth", "")),
        ("nonesuch", "", ("nonesuch", "")),
    ],
)
def test_a_model_may_be_named_by_its_style_and_a_style_by_its_model(
    tmp_path: Path, model: str | None, style: str, meant: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoints = {"odd": ["a, b"], "scream": ["scream"], "several": ["oil", "chalk"], "wave": ["wave"]}
    shipped = {name: untrained(tmp_path / f"{name}.pth", *styles) for name, styles in checkpoints.items()}
    monkeypatch.setattr("fast_style.models.bundled.shipped", lambda: shipped)
    assert model_names.choose(model, style) == meant


@pytest.mark.parametrize(
    ("model", "style", "masks", "meant"),
    [
        (None, "", ["sky.png=oil", "ground.png=chalk"], ("several", "")),
        (None, "oil=0.6,chalk=0.4", ["sky.png=oil"], ("several", "oil=0.6,chalk=0.4")),
        (None, "scream", ["sky.png"], ("scream", "")),
        (None, "scream", ["sky.png=scream"], ("scream", "scream")),
        ("several", "", ["sky.png=oil"], ("several", "")),
        (
            "wave",
            "oil=0.6,chalk=0.4",
            [],
            "wave lacks a style of oil, chalk; model several has both: name that one",
        ),
        ("wave", "", ["sky.png=oil"], "wave lacks a style of oil; model several has it: name that one"),
        (None, "", ["sky.png=oil", "ground.png=wave"], "no shipped model has the styles oil, wave together"),
        (None, "", ["sky.png=chalq"], "no shipped model has a style 'chalq'; did you mean chalk?"),
    ],
)
def test_the_model_is_the_one_that_has_the_styles_of_masks_and_blends(
    tmp_path: Path,
    model: str | None,
    style: str,
    masks: list[str],
    meant: tuple[str, str] | str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoints = {"scream": ["scream"], "several": ["oil", "chalk"], "wave": ["wave"]}
    shipped = {name: untrained(tmp_path / "shipped" / f"{name}.pth", *styles) for name, styles in checkpoints.items()}
    monkeypatch.setattr("fast_style.models.bundled.checkpoints", lambda: shipped)
    if isinstance(meant, tuple):
        assert model_names.choose(model, style, masks) == meant
        return
    with pytest.raises(FastStyleError) as wrong:
        model_names.choose(model, style, masks)
    assert str(wrong.value).startswith(meant)


def test_the_style_that_a_model_lacks_is_named_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FastStyleError) as wrong:
        model_names.choose("wave", "wave=0.5,scream=0.5")
    assert wrong.value.with_flags() == "wave lacks a style of scream; --model gallery has both: name that one"


@pytest.mark.parametrize(
    ("artist", "told"),
    [
        ("monet", "by that artist there is water_lilies"),
        ("Van Gogh", "by that artist there are starry_night, bedroom"),
        ("paul_cezanne", "by that artist there is sainte_victoire"),
        ("wav", "did you mean wave?"),
        ("99", "there are "),
    ],
)
def test_the_name_of_an_artist_leads_to_the_styles(
    tmp_path: Path, artist: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FastStyleError) as wrong:
        model_names.choose(None, artist)
    assert str(wrong.value).startswith(f"no shipped model has a style {artist!r}; {told}")


def test_what_takes_long_is_said_on_standard_error(
    work: Path, command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fast_style import Stylizer
    from fast_style.commands.console import progress

    paint = Stylizer.apply

    def slowly(*given: object, **named: object) -> images.Picture:
        time.sleep(0.1)
        return paint(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Stylizer, "apply", slowly)
    monkeypatch.setattr(progress, "SLOW_S", 300)
    assert command("in.jpg", "-o", "a.jpg") == 0
    assert capsys.readouterr().err == ""  # it was quick
    monkeypatch.setattr(progress, "SLOW_S", 0.01)
    assert command("in.jpg", "-o", "b.jpg") == 0
    assert capsys.readouterr().err.splitlines() == ["painting in.jpg ..."]
    for flag in ("--quiet", "--json"):
        assert command("in.jpg", "-o", f"{flag[2:]}.jpg", flag) == 0
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize("flags", [["broken.jpg"], ["in.jpg", "--mask", "broken.jpg"], ["in.jpg", "--mask", "no.png"]])
def test_an_input_that_cannot_be_read_is_told_before_a_network_is_loaded(
    work: Path, command: Command, flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken.jpg").write_text("no picture")
    monkeypatch.setattr(stylize, "load", None)  # it would be called
    assert command(*flags) == 1
    wrong = flags[-1]
    problem = "no such file" if wrong == "no.png" else "not a readable picture"
    assert capsys.readouterr().err.startswith(f"stylize.py: {wrong}: {problem}")


def test_a_painting_that_cannot_be_read_is_told_before_a_network_is_loaded(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fast_style import Stylizer

    Path("broken.jpg").write_text("no picture")
    monkeypatch.setattr(Stylizer, "load", None)
    assert run(stylize.main, ["in.jpg", "--style-image", "broken.jpg"], "stylize.py") == 1
    assert capsys.readouterr().err.startswith("stylize.py: broken.jpg: not a readable picture")


def test_a_wrong_name_of_a_model_gets_a_suggestion(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(stylize.main, ["in.jpg", "--model", "screm"], "stylize.py") == 1
    line = "screm: no such file, and no shipped style of that name (did you mean scream?)"
    assert capsys.readouterr().err == f"stylize.py: {line}\n"
    assert fast_style(["stylise"]) == 2
    assert "unknown command 'stylise'; did you mean stylize?" in capsys.readouterr().err


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style(["--version"]) == 0
    assert capsys.readouterr().out == f"fast_style {package.__version__}\n"


def test_debug_shows_the_traceback_of_what_is_otherwise_one_line(
    work: Path, command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (["in.jpg", "--model", "nonesuch"], ["broken.jpg"], ["broken.jpg", "in.jpg", "-o", "out"]):
        Path("broken.jpg").write_text("no picture")
        assert command(*arguments) == 1
        assert "Traceback" not in capsys.readouterr().err
        assert command("--debug", "--overwrite", *arguments) == 1
        assert "Traceback (most recent call last)" in capsys.readouterr().err
    assert not logging.getLogger("fast_style").handlers  # nothing stays behind


def test_what_the_library_logs_is_a_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    def command(arguments: object, prog: str) -> int:
        log = logging.getLogger("fast_style.engines")
        log.info("not for users")
        log.warning("out of GPU memory: this goes on on the %s", "cpu")
        raise FastStyleError("`tile_px` is 3; it takes 64 or more")

    assert run(command, [], "prog") == 1
    lines = ["note: out of GPU memory: this goes on on the cpu", "prog: --tile-px is 3; it takes 64 or more"]
    assert capsys.readouterr().err.splitlines() == lines


def test_what_decoders_say_of_damaged_files_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    def command(arguments: object, prog: str) -> int:
        for name in ("tifffile", "trimesh"):
            logging.getLogger(name).error("tag 256 raised an error")
        raise FastStyleError("in.tif: not a readable picture")

    assert run(command, [], "prog") == 1
    assert "tag 256" not in caplog.text  # what no handler takes would be printed
    assert run(command, ["--debug"], "prog") == 1
    assert caplog.text.count("tag 256") >= 2


def test_warnings_of_a_command_are_one_line_each_and_no_filter_stays(tmp_path: Path) -> None:
    code = """
import warnings
from fast_style.commands import run
before = list(warnings.filters), warnings.showwarning
def command(arguments, prog):
    warnings.warn("TensorFloat32 is there")
    warnings.warn("odd: but harmless")
    return 0
assert run(command, [], "prog") == 0
assert (list(warnings.filters), warnings.showwarning) == before
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT)
    assert (result.returncode, result.stderr) == (0, "note: odd: but harmless\n")


def test_installed_checkpoints_are_the_packages_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fast_style.models import bundled

    package, repository = tmp_path / "site/fast_style", tmp_path / "repository/fast_style"
    for folder in (package / "checkpoints", package.parent / "checkpoints", repository.parent / "checkpoints"):
        folder.mkdir(parents=True)
        (folder / f"{folder.parent.name}.pth").touch()
    monkeypatch.setattr(bundled, "__file__", str(package / "models/bundled.py"))
    assert list(bundled.shipped()) == ["fast_style"]
    (package / "checkpoints/fast_style.pth").unlink()
    (package / "checkpoints").rmdir()
    assert list(bundled.shipped()) == []  # the folder beside the package is somebody else's
    (repository.parent / "pyproject.toml").touch()
    monkeypatch.setattr(bundled, "__file__", str(repository / "models/bundled.py"))
    assert list(bundled.shipped()) == ["repository"]


def test_a_pipe_that_takes_a_part_at_a_time_gets_the_whole_picture(
    work: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Narrow(io.BytesIO):
        def write(self, data: object) -> int:
            return super().write(bytes(data)[:100])  # type: ignore[call-overload]  # what is written is bytes-like

    pipe = Narrow()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=pipe, flush=lambda: None))
    assert command("in.jpg", "-o", "-") == 0
    with Image.open(io.BytesIO(pipe.getvalue())) as image:
        image.load()
        assert image.size == (50, 40)
