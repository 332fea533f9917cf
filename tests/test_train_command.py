"""The command `train.py`: what it writes, what signals do, real material."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from fast_style import FastStyleError, Stylizer
from fast_style.commands import run
from fast_style.commands import train as train_command
from fast_style.commands.console.parsing import parse
from fast_style.commands.console.signals import stop_on_signal
from fast_style.images.faces import Face
from fast_style.models import checkpoint
from fast_style.models.bundled import SAMPLE
from fast_style.options import TrainOptions
from fast_style.system.launch import Launch
from fast_style.training import Event, callbacks, nearest
from fast_style.training.files import training_on

from .conftest import untrained
from .trainings import arguments, final_state

PROJECT = Path(__file__).parents[1]


def test_the_command_writes_curves_pictures_and_recipe(
    options: TrainOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (options.data.dataset / "bad.jpg").write_text("no picture")
    (options.data.dataset / "notes.txt").write_text("no picture")
    assert options.output
    assert train_command.main(arguments(options, steps=25)) == 0
    curves = EventAccumulator(str(options.output.with_suffix(".runs")))
    curves.Reload()
    tags = curves.Tags()
    wanted = {"loss/total", "loss/content/relu2_2", "loss/style/relu3_1", "learning_rate", "images_per_second"}
    assert wanted <= set(tags["scalars"])
    assert len(curves.Scalars("loss/total")) >= 3
    assert tags["images"]
    with Image.open(options.output.with_suffix(".preview.jpg")) as preview:
        assert preview.size == (1280, 512)  # the painting, and four photographs above their paintings
    written = options.output.with_suffix(".yaml")
    recipe = yaml.safe_load(written.read_text())
    assert recipe["steps"] == 25
    assert recipe["width"] == 4
    assert not {"output", "resume", "overwrite", "device"} & recipe.keys()
    written.write_text("# my own\nsteps: 9\n")
    assert train_command.main([*arguments(options, steps=2), "--overwrite"]) == 0
    assert written.read_text() == "# my own\nsteps: 9\n"
    printed = capsys.readouterr().out
    assert f"training {options.output}: johnson, 0.0" in printed
    assert (
        "M parameters, from scratch; 25 steps of 2 crops of 32 px, at the end of 48 px, from 7 photographs" in printed
    )
    assert re.search(r"done in about \d\d:\d\d, at \d\d:\d\d; Ctrl-C saves, --resume goes on", printed)
    assert f"use it:   python stylize.py PICTURE --model {options.output}\n" in printed
    judge = f"fast-style evaluate {options.output} --style {options.style.style[0]} --photos {options.data.dataset}"
    assert f"judge it: {judge} --vgg-weights {options.loss.vgg_weights}\n" in printed
    assert "skipped 2 files" in printed
    assert "bad.jpg" in printed
    assert "notes.txt" in printed


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_sigterm_to_a_real_process_saves_and_ends_cleanly(options: TrainOptions) -> None:
    assert options.output
    command = [sys.executable, "train.py", *arguments(options, steps=100000, **{"preview-seconds": 0})]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=PROJECT, stdout=pipe, stderr=pipe, text=True, env={**os.environ})
    preview = options.output.with_suffix(".preview.jpg")
    deadline = time.monotonic() + 120
    while not preview.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert preview.exists()
    process.send_signal(signal.SIGTERM)
    printed, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "saving, once this step is done ...; once more ends it without" in told
    steps = final_state(options)["counters"][0]
    assert f"stopped after step {steps}; the same command with --resume continues" in printed
    assert steps > 0
    assert checkpoint.load(options.output).training["steps"] == steps


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(
    "name", ["SIGINT", *(pytest.param(name, marks=pytest.mark.slow) for name in ("SIGTERM", "SIGHUP"))]
)
def test_signals_to_the_whole_group_reach_workers_too_and_still_save(options: TrainOptions, name: str) -> None:
    assert options.output
    flags = arguments(options, steps=100000, workers=1, **{"preview-seconds": 0})
    process = subprocess.Popen([sys.executable, "train.py", *flags], cwd=PROJECT, start_new_session=True)
    preview = options.output.with_suffix(".preview.jpg")
    deadline = time.monotonic() + 120
    while not preview.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, getattr(signal, name))
    assert process.wait(timeout=60) == 0
    assert final_state(options)["counters"][0] > 0


@pytest.mark.slow
def test_sixty_steps_on_real_material_bring_the_loss_below_a_third(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setattr("fast_style.training.callbacks.TENSORBOARD_INTERVAL", 1)
    flags = ["--steps", "60", "--image-size", "48", "--finish-share", "0", "--batch-size", "2", "--device", "cpu"]
    flags += ["--style-size", "256"]
    # From random weights: from the shipped network of this painting there is little left to gain.
    paths = [
        "--from-scratch",
        "--output",
        tmp_path / "t.pth",
        "--style",
        shared / "styles/wave.jpg",
        "--dataset",
        shared / "photos",
    ]
    paths += ["--vgg-weights", shared / "vgg19_relu4_1.pth"]
    assert train_command.main([*flags, *map(str, paths)]) == 0
    curves = EventAccumulator(str(tmp_path / "t.runs"), {"scalars": 0, "images": 0})
    curves.Reload()
    assert curves.Tags()["images"]
    totals = [scalar.value for scalar in curves.Scalars("loss/total")]
    assert len(totals) == 60
    assert sum(totals[-10:]) < sum(totals[:10]) / 3
    assert checkpoint.load(tmp_path / "t.pth").network()(torch.rand(1, 3, 8, 8)).isfinite().all()


def test_an_output_with_a_separator_at_its_end_is_a_folder(options: TrainOptions, tmp_path: Path) -> None:
    flags = arguments(replace(options, steps=1), output=f"{tmp_path}/models/")
    assert train_command.main(flags) == 0
    written = {path.name for path in (tmp_path / "models").iterdir()}
    assert written == {"dots.pth", "dots.resume", "dots.preview.jpg", "dots.runs", "dots.yaml"}


def test_worker_processes_that_import_the_script_do_not_train() -> None:
    import runpy

    for script in ("train.py", "stylize.py"):
        runpy.run_path(str(PROJECT / script), run_name="__mp_main__")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_signal_that_is_ignored_stays_so() -> None:
    """As `nohup` has it, so that a training outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signal() as stopped:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stopped()
            os.kill(os.getpid(), signal.SIGTERM)
            assert stopped()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_curves_that_cannot_be_written_do_not_stop_a_training(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from torch.utils.tensorboard import SummaryWriter

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SummaryWriter, "add_scalar", full)
    assert run(train_command.main, arguments(options), "train.py") == 0
    assert final_state(options)["counters"][0] == options.steps
    assert capsys.readouterr().err.count("note: no more curves are written: No space left on device") == 1


def test_a_new_style_starts_from_the_nearest_network_unless_something_else_is_said(
    options: TrainOptions, several: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(nearest, "nearest_network", lambda _: str(several))
    plain = replace(options, width=None, blocks=None, steps=2)
    assert train_command.main(arguments(plain)) == 0
    printed = capsys.readouterr().out
    assert "comparing the painting with the shipped styles by VGG19, to start from the nearest ...\nstarting" in printed
    assert "loading VGG19, which judges the painting, and looking through the photographs ...\ntraining" in printed
    assert (
        f"starting from {several}, the shipped network nearest in style; --from-scratch takes a random one" in printed
    )
    assert options.output
    assert checkpoint.load(options.output).training["recipe"]["init"] == several.name
    monkeypatch.setattr(nearest, "nearest_network", lambda _: "another")  # a run goes on with what it started from
    assert train_command.main([*arguments(plain), "--resume"]) == 0
    assert yaml.safe_load(options.output.with_suffix(".yaml").read_text())["init"] == str(several)


def test_a_run_that_torchrun_starts_again_keeps_the_network_it_started_from(
    options: TrainOptions, several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest, "nearest_network", lambda _: str(several))
    plain = replace(options, width=None, blocks=None, steps=2)
    assert train_command.main(arguments(plain)) == 0
    monkeypatch.setattr(nearest, "nearest_network", lambda _: "another")
    again = parse(TrainOptions, arguments(plain), "train.py")
    monkeypatch.setattr(train_command, "launched", lambda: Launch(0, 2, restarts=1))
    assert train_command._with_nearest(again).init == str(several)
    monkeypatch.setattr(train_command, "launched", lambda: Launch(0, 2))
    assert train_command._with_nearest(again).init == str(several)  # the same command, started anew
    assert train_command._with_nearest(replace(again, overwrite=True)).init == "another"


def test_what_is_said_of_the_start_is_done(options: TrainOptions) -> None:
    plain = replace(options, width=None, blocks=None, steps=None)
    assert nearest.starts_from_nearest(plain)
    assert plain.total_steps == 8000
    assert replace(plain, init="wave").total_steps == 500
    for said in ({"init": "wave"}, {"from_scratch": True}, {"width": 8}, {"blocks": 2}, {"attention": True}):
        assert not nearest.starts_from_nearest(replace(plain, **said))
    with pytest.raises(FastStyleError, match="init and from_scratch exclude each other"):
        replace(plain, init="wave", from_scratch=True)


def test_the_nearest_network_is_the_one_that_paints_like_the_picture(
    options: TrainOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {name: untrained(tmp_path / f"{name}.pth", name, seed=seed) for seed, name in enumerate("abc")}
    known["two"] = untrained(tmp_path / "two.pth", "x", "y", seed=9)  # of another shape
    monkeypatch.setattr(nearest, "checkpoints", lambda: known)
    monkeypatch.setattr(nearest, "SIZE_PX", 48)
    for name in "abc":
        painting = tmp_path / "painting.png"
        Stylizer.load(known[name], device="cpu", engine="torch").stylize(SAMPLE, size=48).save(painting)
        style = replace(options.style, style=(painting,))
        assert nearest.nearest_network(replace(options, style=style)) == name
    assert nearest.nearest_network(replace(options, blocks=2)) is None


def test_previews_show_a_face_a_sky_texture_and_color(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    dull = [np.full((64, 64, 3), level, np.uint8) for level in range(40, 90, 10)]
    face, sky, texture, color = (np.full((64, 64, 3), 128, np.uint8) for _ in range(4))
    face[0, 0] = 1
    sky[32:] = rng.integers(0, 255, (32, 64, 1))
    texture[:] = rng.integers(0, 255, (64, 64, 1))
    color[:32, :, 0] = 255
    found = [Face(0.5, 0.5, 0.3)]
    monkeypatch.setattr(callbacks, "find_faces", lambda square: found if square[0, 0, 0] == 1 else [])
    chosen = callbacks._telling([*dull, color, texture, sky, face])
    assert all(a is b for a, b in zip(chosen, [face, sky, texture, color], strict=True))
    assert callbacks._telling(dull) == dull[:4]


def test_a_finished_training_says_that_it_is_over_and_how_to_go_on(
    options: TrainOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    assert options.output
    further = f"--init {options.output} --steps 6 --output {options.output.with_stem('dots2')}\n"
    assert train_command.main(arguments(options)) == 0
    weights = options.output.read_bytes()
    options.output.unlink()
    capsys.readouterr()
    assert train_command.main([*arguments(options), "--resume"]) == 0
    printed = capsys.readouterr().out
    assert f"{options.output}: its 6 steps are over, nothing was trained\n" in printed
    assert f"to go on: leave --resume out, with {further}" in printed
    assert "trained for" not in printed
    assert "use it" not in printed
    assert options.output.read_bytes() == weights
    options.output.with_stem("dots2").touch()
    longer = arguments(options, steps=9)
    assert run(train_command.main, [*longer, "--resume"], "train.py") == 1
    told = capsys.readouterr().err
    assert "other values of --steps (6); --resume needs the same; to train further without it: " in told
    assert f"--init {options.output} --steps 9 --output {options.output.with_stem('dots3')}\n" in told


def test_rows_that_were_fitted_have_no_way_on(options: TrainOptions) -> None:
    """`--freeze-network` refuses styles that the network has."""
    assert options.output
    assert training_on(options, options.output)
    assert training_on(replace(options, init="gallery", freeze_network=True), options.output) == ""


def test_another_number_of_minutes_has_the_same_way_on(
    options: TrainOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    timed = replace(options, steps=None, minutes=0.001)
    assert train_command.main(arguments(timed)) == 0
    assert run(train_command.main, [*arguments(timed, minutes=0.002), "--resume"], "train.py") == 1
    told = capsys.readouterr().err
    assert "other values of --minutes (0.001); --resume needs the same; to train further without it: --init" in told
    assert "--minutes 0.002 --output" in told


def test_a_network_that_was_hardly_trained_in_its_minutes_is_told(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    timed = replace(options, steps=None, minutes=0.001)
    assert train_command.main(arguments(timed)) == 0
    steps = final_state(options)["counters"][0]
    told = f"only {steps} steps in 0.001 minutes: hardly trained, a style takes about 500; give it more --minutes, or"
    assert told in capsys.readouterr().out
    monkeypatch.setattr(train_command, "LEAST_STEPS", 1)
    assert train_command.main([*arguments(timed), "--overwrite"]) == 0
    assert train_command.main([*arguments(options), "--overwrite"]) == 0  # so many were asked for
    assert "hardly trained" not in capsys.readouterr().out


def test_no_estimate_is_shown_before_a_step_has_been_timed(tmp_path: Path) -> None:
    bar = train_command.ProgressBar(tmp_path / "preview.jpg")
    for step, seconds_left, images_per_s in ((7, 0.0, 0.0), (8, 90.0, 2.5)):
        bar(Event("step", step, step / 100, seconds_left, images_per_s, terms={"content": 0.5}))
        shown = "step 7  content 0.500" if step == 7 else "step 8  content 0.500  2.5 img/s  01:30 left"
        assert bar.bar.desc == shown
    bar.bar.close()


@pytest.mark.parametrize("folder", ["empty", "absent"])
def test_a_wrong_dataset_is_told_before_the_slow_search(
    options: TrainOptions,
    folder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def searched(_: object) -> str:
        raise AssertionError("searched")

    monkeypatch.setattr(nearest, "nearest_network", searched)
    (tmp_path / "empty").mkdir()
    plain = replace(options, width=None, blocks=None, data=replace(options.data, dataset=tmp_path / folder))
    assert run(train_command.main, arguments(plain), "train.py") == 1
    told = capsys.readouterr()
    assert f"{tmp_path / folder}: " in told.err
    assert "comparing" not in told.out


def test_the_commands_that_use_the_network_are_named_as_this_one_was(
    options: TrainOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = arguments(replace(options, steps=1), overwrite=True)
    assert train_command.main(flags, "fast-style train") == 0
    printed = capsys.readouterr().out
    assert f"use it:   fast-style stylize PICTURE --model {options.output}\n" in printed
    assert "stylize.py" not in printed
    monkeypatch.chdir(tmp_path)  # where no stylize.py lies
    assert train_command.main(flags, "train.py") == 0
    assert f"use it:   fast-style stylize PICTURE --model {options.output}\n" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_signal_is_answered_at_once_and_once(capfd: pytest.CaptureFixture[str]) -> None:
    with stop_on_signal(second_ends=False, answer="saving ...\n") as stopped:
        assert not capfd.readouterr().err
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped()
        assert capfd.readouterr().err == "saving ...\n"
        os.kill(os.getpid(), signal.SIGTERM)
        assert not capfd.readouterr().err


def test_the_help_tells_that_a_stopped_training_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    with suppress(SystemExit):
        train_command.main(["--help"])
    assert "exit codes: 0 trained, or stopped by Ctrl-C and saved, 1 something" in capsys.readouterr().out
