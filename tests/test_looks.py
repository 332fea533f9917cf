"""Looks that are kept by name: their files, `--look`, and `fast-style taste`."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fast_style import FastStyleError, Stylizer
from fast_style.commands import main as fast_style
from fast_style.commands import run, serve, stylize
from fast_style.commands import taste as command
from fast_style.commands.console.parsing import parse
from fast_style.commands.serve import ServeCommand
from fast_style.commands.stylize import StylizeCommand
from fast_style.commands.watch import WatchCommand
from fast_style.options import StylizeOptions
from fast_style.taste import looks

from .conftest import picture


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(looks.FOLDER_VARIABLE, str(tmp_path / "looks"))
    monkeypatch.setattr("fast_style.taste.space.SIZES", (64, 56, 48, 40, 32))  # painted in no time
    return tmp_path / "looks"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    picture(60, 44).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_look_is_a_recipe_that_is_read_again(folder: Path) -> None:
    path = looks.keep(
        "Soft evening-2", {"model": "gallery", "style": "wave=0.6,scream=0.4", "preserve_color": "luminance"}
    )
    assert path == folder / "Soft evening-2.yaml"
    assert "preserve-color: luminance\n" in path.read_text()
    assert looks.names() == ["Soft evening-2"]
    assert looks.read("Soft evening-2")["style"] == "wave=0.6,scream=0.4"
    with pytest.raises(FastStyleError, match="already"):
        looks.keep("Soft evening-2", {})
    looks.keep("Soft evening-2", {"strength": 0.5}, overwrite=True)
    assert looks.read_any(str(path)) == {"strength": "0.5"}
    looks.forget("Soft evening-2")
    assert looks.names() == []


@pytest.mark.parametrize(
    "name",
    ["", "../x", "a/b", "a\\b", ".hidden", "a.", " a", "x" * 65, "a\n", "a:b", "/etc/passwd", "v1.yaml", "v1.YML"],
)
def test_a_name_cannot_leave_the_folder(name: str) -> None:
    for act in (looks.read, looks.forget, lambda name: looks.keep(name, {})):
        with pytest.raises(FastStyleError, match="a look is named by"):
            act(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strenth: 1", "no strenth .did you mean strength"),
        ("mask: a.png", "no mask"),
        ("memory: 2GB", "no memory"),
        ("style: [a, b]", "takes one value"),
        ("style:", "behind a flag stands a value"),
        ("[", "not readable"),
    ],
)
def test_what_is_no_look_is_told(folder: Path, text: str, message: str) -> None:
    folder.mkdir()
    (folder / "bad.yaml").write_text(text)
    with pytest.raises(FastStyleError, match=message):
        looks.read("bad")


def test_a_wrong_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    looks.keep("my-look", {})
    with pytest.raises(FastStyleError, match="did you mean my-look"):
        looks.read_any("my-lok")
    with pytest.raises(FastStyleError, match="no such file"):
        looks.read_any(str(tmp_path / "absent.yaml"))


@pytest.mark.parametrize("value", ["[a, b]", "true"])
def test_a_recipe_names_one_look(tmp_path: Path, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.yaml").write_text(f"look: {value}\n")
    with pytest.raises(SystemExit):
        parse(StylizeCommand, ["photo.jpg", "--config", str(tmp_path / "r.yaml")], "stylize.py")
    assert "it takes one value" in capsys.readouterr().err


def test_flags_win_over_recipes_and_recipes_over_the_look(tmp_path: Path) -> None:
    looks.keep("mine", {"model": "gallery", "style": "wave", "strength": 0.4, "size": 300, "tileable": True})
    (tmp_path / "r.yaml").write_text("size: 200\n")
    flags = ["photo.jpg", "--look", "mine", "--config", str(tmp_path / "r.yaml"), "--strength", "0.9"]
    found = parse(StylizeCommand, flags, "stylize.py")
    assert (found.model, found.how.style, found.how.tileable) == ("gallery", "wave", True)
    assert (found.how.size, found.how.strength) == (200, 0.9)
    watching = parse(WatchCommand, ["in", "out", "--look", "mine"], "watch")
    assert (watching.model, watching.how.size) == ("gallery", 300)
    assert parse(ServeCommand, ["--look", "mine"], "serve").server.look == "mine"
    (tmp_path / "mine.yaml").write_text("strength: 0.5\n")
    for wrong, message in (("other", "no look"), (str(tmp_path / "mine.yaml"), "a look is named by")):
        with pytest.raises(FastStyleError, match=message):  # before it serves anybody
            serve.main(["--look", wrong], "serve")


def test_stylize_paints_in_a_look(several: Path, photo: Path, tmp_path: Path) -> None:
    looks.keep("mine", {"model": str(several), "style": "b=0.7,a=0.3", "strength": 0.6})
    out = tmp_path / "out.png"
    assert run(stylize.main, [str(photo), "--look", "mine", "-o", str(out), "--quiet"], "stylize.py") == 0
    expected = Stylizer.load(several).stylize(photo, style="b=0.7,a=0.3", strength=0.6)
    with Image.open(out) as painted:
        assert painted.tobytes() == expected.tobytes()


def taste(photo: Path, model: Path, *flags: str) -> int:
    return fast_style(["taste", str(photo), "--model", str(model), "--size", "40", "--engine", "torch", *flags])


def test_a_script_chooses_by_flags_and_keeps_the_last_pick(
    several: Path, photo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert taste(photo, several, "--picks", "1,3") == 0
    sheet = photo.with_name("photo_taste.jpg")
    assert capsys.readouterr().out == f"round 3 of 8: {sheet}\n"
    with Image.open(sheet) as image:
        assert image.width > 2 * 40
    assert taste(photo, several, "--picks", "1,3,2", "--name", "mine") == 0
    assert "--look mine" in capsys.readouterr().out
    assert parse(StylizeCommand, ["x.jpg", "--look", "mine"], "stylize.py").model == str(several)
    assert taste(photo, several, "--picks", "1", "--name", "mine") == 1
    assert "--overwrite replaces it" in capsys.readouterr().err


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input is a terminal."""
    stdin = io.StringIO()
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", stdin)


def test_a_terminal_is_asked_round_by_round(
    several: Path, photo: Path, terminal: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["1", "9", "b", "2", "4", "q", "no/name", "from choosing"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert taste(photo, several) == 0
    told = capsys.readouterr()
    assert [line[:7] for line in told.out.splitlines()] == [
        "round 1",
        "round 2",
        "round 1",
        "round 2",
        "round 3",
        "kept as",
    ]
    assert "a look is named by" in told.err
    by_flags = looks.read("from choosing")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert taste(photo, several, "--picks", "2,4", "--name", "again") == 0
    assert looks.read("again") == by_flags


def test_a_sheet_replaces_neither_the_photograph_nor_a_file_that_is_there(
    several: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, link = tmp_path / "other.png", tmp_path / "photo_taste.jpg"
    other.write_bytes(b"mine")
    before = photo.read_bytes()
    for flags, message in (
        (["-o", str(photo)], "is the photograph itself"),
        (["-o", str(tmp_path / "." / "photo.png"), "--overwrite"], "is the photograph itself"),
        (["--sheet", str(other)], "other.png exists; name another --sheet; --overwrite replaces it"),
        (["--sheet", str(tmp_path / "a.xyz")], "xyz"),
    ):
        assert taste(photo, several, *flags) == 1
        assert message in capsys.readouterr().err
    link.symlink_to(photo)  # by its usual name
    assert taste(photo, several) == 1
    assert (photo.read_bytes(), other.read_bytes()) == (before, b"mine")
    assert taste(photo, several, "--sheet", str(other), "--overwrite") == 0
    assert other.read_bytes() != b"mine"


def test_a_look_is_described_in_the_words_of_the_page() -> None:
    how = StylizeOptions(style="a=0.6,star_night=0.4", strength=0.85, size=352, preserve_color="luminance")
    rest = "strength 85 %, strokes at 352 px, the photograph's colours"
    assert command._described(how, ["a", "star_night"]) == ("A 60 % and Star night 40 %", rest)
    assert command._described(replace(how, style="star_night"), ["star_night"]) == ("Star night", rest)
    page = (Path(command.__file__).parents[1] / "web" / "taste.js").read_text()
    assert all(json.dumps(text) in page for text in command.COLOURS.values())


@pytest.mark.parametrize("stdin", [None, io.StringIO()], ids=["closed", "empty"])
def test_a_script_that_names_a_look_says_what_was_chosen(
    several: Path, photo: Path, stdin: io.StringIO | None, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr("sys.stdin", stdin)
    assert taste(photo, several, "--name", "mine") == 1
    assert "say with --picks what was, as in 1,3,2" in capsys.readouterr().err
    assert taste(photo, several) == 0


def test_the_end_of_the_input_ends_the_rounds(
    several: Path, photo: Path, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["2"])

    def answer(_: str) -> str:
        if (found := next(answers, None)) is None:
            raise EOFError  # Ctrl-D
        return found

    monkeypatch.setattr("builtins.input", answer)
    assert taste(photo, several) == 0
    assert looks.names() == []  # nor is it named
    answers = iter(["2"])
    assert taste(photo, several, "--name", "mine") == 0
    assert looks.names() == ["mine"]


def test_a_look_keeps_the_address_of_its_model(
    several: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://example.org/styles/mine.pth"
    monkeypatch.setattr("fast_style.models.bundled.find", {address: several}.__getitem__)
    monkeypatch.setattr("sys.stdin", None)
    assert fast_style(["taste", str(photo), "--model", address, "--picks", "1", "--name", "mine"]) == 0
    assert looks.read("mine")["model"] == address


def test_a_model_without_styles_has_no_looks(any_style: Path, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert taste(photo, any_style) == 1
    assert "this model has no styles to choose among; name another --model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--picks", "1,x"], "--picks is '1,x'"),
        (["--picks", "1,7"], "--picks is '1,7'"),
        (["--rounds", "99"], "--rounds is 99; it takes 1 to 16"),
        (["--name", "../x"], "a look is named by"),
    ],
)
def test_wrong_flags_are_told(
    several: Path, photo: Path, flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert taste(photo, several, *flags) == 1
    assert message in capsys.readouterr().err
