"""The command `train.py`: what it writes, what signals do, real material."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from fast_style.commands import run
from fast_style.commands import train as train_command
from fast_style.commands.console.signals import stop_on_signal
from fast_style.models import checkpoint
from fast_style.options import TrainOptions

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
        assert preview.size == (1024, 512)
    written = options.output.with_suffix(".yaml")
    recipe = yaml.safe_load(written.read_text())
    assert recipe["steps"] == 25
    assert recipe["width"] == 4
    assert not {"output", "resume", "overwrite", "device"} & recipe.keys()
    written.write_text("# my own\nsteps: 9\n")
    assert train_command.main([*arguments(options, steps=2), "--overwrite"]) == 0
    assert written.read_text() == "# my own\nsteps: 9\n"
    printed = capsys.readouterr().out
    assert "skipped 2 files" in printed
    assert "bad.jpg" in printed
    assert "notes.txt" in printed


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_sigterm_to_a_real_process_saves_and_ends_cleanly(options: TrainOptions) -> None:
    assert options.output
    command = [sys.executable, "train.py", *arguments(options, steps=100000, **{"preview-seconds": 0})]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, env={**os.environ})
    preview = options.output.with_suffix(".preview.jpg")
    deadline = time.monotonic() + 120
    while not preview.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert preview.exists()
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    steps = final_state(options)["counters"][0]
    assert f"stopped after step {steps}; the same command with --resume continues" in printed
    assert steps > 0
    assert checkpoint.load(options.output).training["steps"] == steps


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_to_the_whole_group_reach_workers_too_and_still_save(options: TrainOptions, name: str) -> None:
    assert options.output
    flags = arguments(options, steps=100000, workers=2, **{"preview-seconds": 0})
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
    flags = ["--steps", "60", "--image-size", "128", "--output", str(tmp_path / "t.pth"), "--device", "cpu", "--style"]
    paths = [shared / "styles/wave.jpg", "--dataset", shared / "photos", "--vgg-weights", shared / "vgg19_relu4_1.pth"]
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
