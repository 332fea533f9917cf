from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import pytest
import yaml

from fast_style.commands import COMMANDS
from fast_style.commands.console.flags import OUTPUT, POSITIONAL, options_of
from fast_style.commands.console.help import Help
from fast_style.commands.console.parsing import parse
from fast_style.errors import FastStyleError
from fast_style.options import TrainOptions
from fast_style.options.descriptions import descriptions
from fast_style.options.recipes import recipe_of

NEEDED = ["--style", "a.jpg", "--dataset", "coco"]


def parsed(*arguments: str) -> TrainOptions:
    return parse(TrainOptions, arguments, "train.py")


def test_flags_are_the_dataclasses() -> None:
    options = parsed(*NEEDED, "--style-weight", "4", "--content-layers", "relu2_2", "relu3_3", "--minutes", "7")
    assert options.loss.style_weight == 4.0
    assert options.loss.content_layers == ("relu2_2", "relu3_3")
    assert options.minutes == 7.0
    assert options.style.style == (Path("a.jpg"),)
    untouched = parsed(*NEEDED)
    assert options == replace(
        untouched, minutes=7.0, loss=replace(untouched.loss, style_weight=4.0, content_layers=("relu2_2", "relu3_3"))
    )


@pytest.mark.parametrize("config_first", [True, False])
def test_a_flag_wins_over_the_recipe_whatever_the_order(tmp_path: Path, config_first: bool) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text("style: [a.jpg, b.jpg]\ndataset: coco\nstyle-weight: 3\ntv_weight: 0.5\nresume: true\n")
    config, flag = ["--config", str(recipe)], ["--style-weight", "8"]
    options = parsed(*(config + flag if config_first else flag + config))
    assert options.loss.style_weight == 8.0
    assert options.loss.tv_weight == 0.5
    assert options.resume
    assert len(options.style.style) == 2
    assert parsed(*flag, f"--config={recipe}") == options


def test_a_recipe_gives_back_the_options(tmp_path: Path) -> None:
    options = parsed(*NEEDED, "--steps", "5", "--style-size", "256", "512", "--overwrite", "--style-title", "Wave, The")
    recipe = recipe_of(options)
    assert recipe["steps"] == 5
    assert "learning-rate" not in recipe
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    assert parsed("--config", str(tmp_path / "r.yaml")) == options


def test_off_is_a_choice_not_a_no(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("compile: off\nresume: true\noverwrite: false\n")
    options = parsed("--config", str(tmp_path / "r.yaml"), *NEEDED)
    assert (options.compile, options.resume, options.overwrite) == ("off", True, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: !!timestamp abc", "not readable"),
        ("steps: !!bool abc", "not readable"),
        ("steps: !!int ''", "not readable"),
        ("[1, 2]", "flag: value"),
        ("a: [", "not readable"),
        (None, "no such file"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "aliases"),
        ("a: &a {x: 1}\nb: {<<: *a}", "aliases"),
        ("a: " + "[" * 2000, "not readable"),
        ("steps: " + "9" * 5000, "not readable"),
        ("steps: 0x" + "f" * 5000, "not readable"),
        ("style: {a: b}", "a value, or a list of values"),
        ("style: [[a]]", "a value, or a list of values"),
        ("style:", "leave the line out for the default"),
        ("style: !!python/name:os.system a", "not readable"),
        ("".join(f"k{i}: 1\n" for i in range(100_000)), "larger than 100 kB"),
    ],
    ids=lambda text: str(text)[:20],
)
def test_a_bad_recipe_is_one_plain_line(tmp_path: Path, text: str | None, message: str) -> None:
    if text:
        (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(FastStyleError, match=message) as caught:
        parsed("--config", str(tmp_path / "r.yaml"))
    assert "\n" not in str(caught.value)


def test_an_unknown_key_in_a_recipe_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.yaml").write_text("stile: a.jpg\n")
    with pytest.raises(SystemExit):
        parsed("--config", str(tmp_path / "r.yaml"), *NEEDED)
    assert "--stile" in capsys.readouterr().err


def test_every_option_has_help_and_a_default_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--help-all")
    text = " ".join(capsys.readouterr().out.split())
    for flag in ("--style-weight", "--style-size", "--tv-weight", "--vgg-weights", "--minutes", "--resume", "--init"):
        assert flag in text
    assert "default: 10.0" in text


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--stepz", "3"], "there is no --stepz (did you mean --steps?)"),
        (["--steps", "many"], "--steps is 'many'; it takes a whole number"),
        (["--learning-rate", "fast"], "--learning-rate is 'fast'; it takes a number"),
        (["--precision", "fp8"], "--precision is 'fp8'; it takes auto, fp32 or bf16"),
        (
            ["--arch", "johnsen"],
            "--arch is 'johnsen'; it takes johnson, lite, nano or vgg-encoder (did you mean johnson?)",
        ),
        (["--photo-size", "3"], "--photo-size: expected 2 arguments"),
        (["--steps"], "--steps: expected one argument"),
        (["stray.jpg"], "'stray.jpg' is no flag and no value of one"),
    ],
)
def test_a_wrong_flag_is_told_in_words(flags: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parsed(*flags, *NEEDED)
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"train.py: {said}; see train.py --help\n"


def test_what_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parsed("--style", "a.jpg")
    assert stop.value.code == 2
    assert capsys.readouterr().err == "train.py: --dataset missing; see train.py --help\n"


@dataclass(frozen=True)
class Inner:
    """Inner options: with more words. And more."""

    depth: int | None = None
    """How deep."""

    wide: bool = True
    """Whether it is wide."""


@dataclass(frozen=True)
class Outer:
    """Do something."""

    files: Annotated[tuple[str, ...], POSITIONAL] = ()
    """Some files."""

    box: tuple[float, float] = (0.0, 1.0)
    """Two numbers."""

    output: Annotated[str, OUTPUT] = ""
    """Where to."""

    inner: Inner = field(default_factory=Inner)


def outer(*arguments: str) -> Outer:
    return parse(Outer, arguments, "do")


def test_values_flags_and_files_may_stand_in_any_order() -> None:
    wanted = Outer(("a", "b"), (2.0, 3.5), "c", Inner(4, False))
    assert outer("a", "--box", "2", "3.5", "b", "-o", "c", "--depth=4", "--no-wide") == wanted
    assert outer("--no_wide", "--depth", "4", "--output", "c", "--box", "2", "3.5", "a", "b") == wanted
    assert outer("--depth", "3", "--depth", "4") == Outer(inner=Inner(4))


def test_files_whose_names_begin_with_a_dash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-x.jpg", "--output", "-o.jpg", "--depth=4"):
        Path(name).touch()
    assert [Path(name) for name in outer("-x.jpg", "-o.jpg").files] == [Path("-x.jpg"), Path("-o.jpg")]
    assert Path(outer("--output", "-x.jpg").output) == Path("-x.jpg")
    assert outer("--depth=4") == Outer(inner=Inner(4))  # what is a flag stays one
    assert outer("a", "--", "--depth=4", "-", "-new.jpg").files == ("a", "--depth=4", "-", "-new.jpg")


def test_short_help_has_the_flags_that_matter_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    about = Help(first="output", examples=("a.jpg -o b.jpg",))
    for flag, hidden in (("--help", True), ("--help-all", False)):
        with pytest.raises(SystemExit) as stop:
            parse(Outer, [flag], "do", about)
        assert stop.value.code == 0
        shown = capsys.readouterr().out
        assert shown.startswith("usage: do [flags] [FILES ...]\n\nDo something.\n")
        assert "  -o, --output TEXT" in shown
        assert "  do a.jpg -o b.jpg" in shown
        assert ("--help-all" in shown) == hidden
        assert ("--depth INT" in shown) != hidden
        assert ("inner options:" in shown) != hidden
        assert "exit codes: 0 done" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_has_help_and_a_readable_type(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from fast_style.commands import main

    with pytest.raises(SystemExit) as stop:
        main([name, "--help-all"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    entries = [line for line in shown.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert len(entries) > 4
    assert not [word for word in ("{None}", "[[", "(default: )", "typing", "None|") if word in shown]
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert capsys.readouterr().out.count("\n") <= 60


def test_every_field_of_a_training_is_described_in_sentences() -> None:
    for option in options_of(TrainOptions):
        assert descriptions(option.owner)[option.field.name].endswith(".")
