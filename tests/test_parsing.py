from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fast_style.commands.parsing import parse, recipe_of
from fast_style.errors import FastStyleError
from fast_style.options import TrainOptions

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
    [("[1, 2]", "flag: value"), ("a: [", "not a readable recipe"), (None, "not a readable recipe")],
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
        parsed("--help")
    text = " ".join(capsys.readouterr().out.split())
    for flag in ("--style-weight", "--style-size", "--tv-weight", "--vgg-weights", "--minutes", "--resume", "--init"):
        assert flag in text
    assert "default: 10.0" in text
