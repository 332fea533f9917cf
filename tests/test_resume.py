"""A training that was stopped goes on as if it had not been."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fast_style.commands import run
from fast_style.commands import train as train_command
from fast_style.errors import FastStyleError
from fast_style.models.checkpoint import load
from fast_style.models.vgg import VGG19
from fast_style.options import StyleOptions, TrainOptions
from fast_style.system.atomic import atomic_path
from fast_style.system.launch import Launch
from fast_style.training import Trainer, train
from fast_style.training import trainer as trainer_module
from fast_style.training.metadata import resume_settings
from fast_style.training.state import ADDED

from .conftest import picture, untrained, vgg_state
from .trainings import arguments, assert_same, final_state

FIRST_SETTINGS = {
    "files in the dataset",
    "arch",
    "attention",
    "batch_size",
    "blocks",
    "border_weight",
    "checkerboard_weight",
    "clip",
    "clipping_weight",
    "content_layers",
    "content_weight",
    "ema",
    "finish_share",
    "finish_size",
    "freeze_network",
    "hold_out",
    "image_size",
    "init",
    "keep",
    "learning_rate",
    "lightness_weight",
    "minutes",
    "optimizer",
    "periodic_texture_weight",
    "photo_size",
    "precision",
    "seed",
    "sharpen",
    "smooth_share",
    "steps",
    "style",
    "style_artist",
    "style_crop",
    "style_layers",
    "style_name",
    "style_size",
    "style_title",
    "style_weight",
    "teacher",
    "temporal_weight",
    "tv_weight",
    "vgg_padding",
    "vgg_weights",
    "warm_up",
    "width",
}
"""What the first resume files hold."""


def after(steps: int) -> Callable[[], bool]:
    """Whether to stop, which is asked before each step: after that many."""
    left = iter(range(steps))
    return lambda: next(left, None) is None


def test_resume_is_exact(options: TrainOptions, tmp_path: Path) -> None:
    (options.data.dataset / "bad.jpg").write_bytes(b"\xff\xd8 cut short")
    options = replace(options, data=replace(options.data, workers=2))
    straight = replace(options, output=tmp_path / "straight.pth")
    train(straight)
    for stop_after in (1, 3, 5):
        stopped = replace(options, output=tmp_path / f"{stop_after}.pth")
        train(stopped, should_stop=after(stop_after))
        assert final_state(stopped)["counters"][0] == stop_after
        train(replace(stopped, resume=True))
        a, b = final_state(straight), final_state(stopped)
        for part in ("network", "optimizer", "average"):
            assert_same(a[part], b[part])
        assert a["counters"][:2] == b["counters"][:2]
        assert a["bad_files"] == b["bad_files"] == [str(options.data.dataset / "bad.jpg")]


def test_resume_needs_the_same_recipe(options: TrainOptions) -> None:
    with pytest.raises(FastStyleError, match="nothing to resume"):
        train(replace(options, resume=True))
    train(options)
    with pytest.raises(FastStyleError, match="other values of learning_rate"):
        train(replace(options, resume=True, learning_rate=0.5))


def test_settings_that_came_later_have_the_value_of_what_older_versions_did(options: TrainOptions) -> None:
    without_noise = replace(options, data=replace(options.data, noise_share=0.0))
    train(without_noise)
    path = Path(str(options.output)).with_suffix(".resume")
    content = torch.load(path, weights_only=True)
    for name in ADDED:
        del content["recipe"][name]
    torch.save(content, path)
    Trainer(replace(without_noise, resume=True))
    with pytest.raises(FastStyleError, match=r"other values of noise_share \(0\); resume needs the same"):
        Trainer(replace(options, resume=True, data=replace(options.data, noise_share=0.5)))


def test_every_setting_has_a_value_for_resume_files_that_lack_it(options: TrainOptions) -> None:
    """A new option goes into ADDED, or into WITHOUT_EFFECT: trainings of earlier versions are resumed."""
    assert set(resume_settings(options, [], [])) - set(ADDED) <= FIRST_SETTINGS


def test_a_renamed_dataset_folder_can_be_resumed(options: TrainOptions) -> None:
    trainer = Trainer(options)
    trainer.run(lambda: trainer.state.step == 2)
    moved = options.data.dataset.rename(options.data.dataset.with_name("renamed"))
    train(replace(options, resume=True, data=replace(options.data, dataset=moved)))
    assert final_state(options)["counters"][0] == options.total_steps


def test_resume_needs_the_same_style_picture_under_any_name(options: TrainOptions, tmp_path: Path) -> None:
    train(options)
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / options.style.style[0].name
    options.style.style[0].rename(moved)
    train(replace(options, resume=True, style=replace(options.style, style=(moved,))))
    picture(64, 64, 5).save(moved)
    with pytest.raises(FastStyleError, match="other values of style;"):
        train(replace(options, resume=True, style=replace(options.style, style=(moved,))))


def test_resume_needs_the_same_teacher_and_the_same_vgg(options: TrainOptions, several: Path, tmp_path: Path) -> None:
    vgg, teacher = tmp_path / "vgg.pth", tmp_path / "teacher.pth"
    vgg.write_bytes(options.loss.vgg_weights.read_bytes() if options.loss.vgg_weights else b"")
    teacher.write_bytes(several.read_bytes())
    loss = replace(options.loss, vgg_weights=vgg)
    taught = replace(options, style=StyleOptions(), teacher=str(teacher), loss=loss, steps=1)
    train(taught)
    untrained(teacher, "a", "b", seed=9)
    with pytest.raises(FastStyleError, match="other values of teacher;"):
        Trainer(replace(taught, resume=True))
    teacher.write_bytes(several.read_bytes())
    torch.manual_seed(5)
    torch.save(vgg_state(VGG19("relu3_1")), vgg)
    with pytest.raises(FastStyleError, match="other values of vgg_weights;"):
        Trainer(replace(taught, resume=True))


def test_a_picture_exchanged_for_another_of_its_name_is_noticed(options: TrainOptions) -> None:
    train(options)
    picture(90, 80, 77).save(next(options.data.dataset.rglob("3.jpg")))
    with pytest.raises(FastStyleError, match="other values of files in the dataset"):
        train(replace(options, resume=True))


@pytest.mark.parametrize("names", [("wave.v1", "wave.v2"), ("wave.1.pth", "wave.2.pth"), ("wave.pth", "wave.ckpt")])
def test_names_that_differ_after_a_dot_share_no_file(
    options: TrainOptions, tmp_path: Path, names: tuple[str, str]
) -> None:
    for seed, name in enumerate(names):
        train(replace(options, output=tmp_path / name, steps=1, data=replace(options.data, seed=seed)))
    for seed, name in enumerate(names):
        again = replace(options, output=tmp_path / name, steps=1, data=replace(options.data, seed=seed), resume=True)
        Trainer(again).run()


def test_an_output_that_would_share_the_state_of_another_is_refused(options: TrainOptions, tmp_path: Path) -> None:
    train(replace(options, output=tmp_path / "wave.pth", steps=1))
    with pytest.raises(FastStyleError, match=r"wave\.resume exists; choose another output"):
        train(replace(options, output=tmp_path / "wave", steps=1))


def test_a_folder_as_output_gets_a_checkpoint_named_after_the_style(options: TrainOptions, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    style = replace(options.style, style_name=("a/b",))
    assert train(replace(options, output=tmp_path / "models", steps=1, style=style)) == tmp_path / "models/a_b.pth"
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["a_b.pth", "a_b.resume"]


class KilledError(BaseException):
    """Stands for a SIGKILL: nothing may tidy up after it."""


def test_killed_before_any_save_it_can_be_resumed_to_the_same_end(options: TrainOptions, tmp_path: Path) -> None:
    """Killed before the n-th file is put in place: resume file and checkpoint in turn."""
    straight = replace(options, steps=2, save_minutes=0, output=tmp_path / "straight/dots.pth")
    train(straight)
    replace_file = Path.replace
    for saves in range(1, 7):
        output = tmp_path / f"{saves}/dots.pth"
        often = replace(straight, output=output)
        count = 0

        def dying(path: Path, target: Path, saves: int = saves) -> Path:
            nonlocal count
            count += 1
            if count == saves:
                raise KilledError
            return replace_file(path, target)

        with pytest.MonkeyPatch.context() as patch, suppress(KilledError):
            patch.setattr(Path, "replace", dying)
            train(often)
        resumable = output.with_suffix(".resume").exists()
        assert resumable == (saves > 1)
        train(replace(often, resume=resumable))
        a, b = final_state(straight), final_state(often)
        for part in ("network", "optimizer", "average"):
            assert_same(a[part], b[part])
        assert (tmp_path / "straight/dots.pth").read_bytes() == output.read_bytes()


def test_a_checkpoint_older_than_its_state_is_written_anew(options: TrainOptions) -> None:
    path = train(options)
    newest = path.read_bytes()
    path.unlink()
    train(replace(options, resume=True))
    assert path.read_bytes() == newest
    train(replace(options, output=path.with_name("other.pth"), steps=1))
    path.write_bytes(path.with_name("other.pth").read_bytes())
    train(replace(options, resume=True))
    assert path.read_bytes() == newest


def test_old_state_goes_when_a_run_is_overwritten(options: TrainOptions) -> None:
    path = train(options)
    trainer = Trainer(replace(options, overwrite=True, data=replace(options.data, seed=1)))
    trainer.run(lambda: True)  # stopped before its first step
    assert final_state(options)["counters"][0] == 0
    with pytest.raises(FastStyleError, match="other values of seed"):
        train(replace(options, resume=True))
    train(replace(options, resume=True, data=replace(options.data, seed=1)))
    assert load(path).training["recipe"]["data"]["seed"] == 1


def test_the_same_training_writes_the_same_bytes(options: TrainOptions, tmp_path: Path) -> None:
    paths = [train(replace(options, output=tmp_path / name / "wave.pth")) for name in ("one", "two")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_leftovers_of_killed_runs_are_swept_and_never_photographs(options: TrainOptions) -> None:
    inside = replace(options, output=options.data.dataset / "dots.pth")
    trainer = Trainer(inside)
    trainer.run(lambda: trainer.state.step == 2)
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    with atomic_path(options.data.dataset / "x.preview.jpg") as ours:
        theirs = ours.with_name(ours.name.replace(str(os.getpid()), str(killed.pid)))
        for path in (ours, theirs, options.data.dataset / "._0.jpg", options.data.dataset / "dots.preview.jpg"):
            picture(60, 60).save(path, "JPEG")
        train(replace(inside, resume=True))
        assert not theirs.exists()
        assert ours.exists()  # of a process that lives
    assert final_state(inside)["counters"][0] == options.total_steps


def test_a_worker_that_dies_is_one_line_and_nothing_is_lost(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(options)
    crops = trainer.crops

    def dying(crop: tuple[int, int], start: int) -> object:
        if trainer.state.step == 3:
            raise FastStyleError("a process that decodes photographs ended")
        return crops(crop, start)

    monkeypatch.setattr(trainer, "crops", dying)
    monkeypatch.setattr(dying, "crop", (32, 2), raising=False)
    monkeypatch.setattr(dying, "close", crops.close, raising=False)
    with pytest.raises(FastStyleError, match="decodes photographs ended"):
        trainer.run()
    assert final_state(options)["counters"][0] == 3
    train(replace(options, resume=True))


def test_a_worker_that_is_killed_is_one_line_wherever_it_is_noticed(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch raises this from its handler of SIGCHLD, in the middle of whatever runs."""
    trainer = Trainer(options)

    def killed(*_: object) -> None:
        raise RuntimeError("DataLoader worker (pid 9) is killed by signal: Killed. ")

    monkeypatch.setattr(trainer, "_step", killed)
    with pytest.raises(FastStyleError, match="was killed; resume goes on"):
        trainer.run()
    train(replace(options, resume=True))
    assert final_state(options)["counters"][0] == options.steps


def test_photographs_that_vanish_in_mid_run_are_listed(options: TrainOptions) -> None:
    trainer = Trainer(options)

    def lose() -> bool:
        if trainer.state.step == 2:
            for path in trainer.photos[1:]:
                path.unlink(missing_ok=True)
        return False

    trainer.run(lose)
    assert final_state(options)["counters"][0] == options.steps
    assert set(final_state(options)["bad_files"]) <= {str(path) for path in trainer.photos[1:]}


def test_a_dataset_that_vanishes_whole_is_one_line_and_nothing_is_lost(options: TrainOptions, tmp_path: Path) -> None:
    trainer = Trainer(options)
    away = tmp_path / "away"

    def lose() -> bool:
        if trainer.state.step == 2 and not away.exists():
            options.data.dataset.rename(away)
        return False

    with pytest.raises(FastStyleError, match="no readable picture") as raised:
        trainer.run(lose)
    assert "\n" not in str(raised.value)
    steps = final_state(options)["counters"][0]
    assert steps >= 2
    away.rename(options.data.dataset)
    train(replace(options, resume=True))
    assert final_state(options)["counters"][0] == options.steps


def test_photographs_that_come_in_mid_run_change_nothing(options: TrainOptions, tmp_path: Path) -> None:
    straight = replace(options, output=tmp_path / "straight.pth")
    train(straight)
    trainer = Trainer(options)

    def grow() -> bool:
        picture(60, 60, 7).save(options.data.dataset / "new.jpg")
        return False

    trainer.run(grow)
    assert_same(final_state(options)["network"], final_state(straight)["network"])


def test_resume_needs_the_same_photographs(options: TrainOptions) -> None:
    train(options)
    picture(60, 60).save(options.data.dataset / "new.jpg")
    with pytest.raises(FastStyleError, match="other values of files in the dataset"):
        train(replace(options, resume=True))


def test_steps_before_count_once_where_the_start_is_overwritten(options: TrainOptions, tmp_path: Path) -> None:
    first = train(options)
    again = replace(options, init=str(first), output=first, overwrite=True, save_minutes=0)
    trainer = Trainer(again)
    trainer.run(lambda: trainer.state.step == 2)
    train(replace(again, resume=True))
    assert load(first).training["steps_in_all"] == 2 * options.total_steps


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
@pytest.mark.parametrize("value", [None, torch.zeros(7)], ids=["lost", "of another size"])
def test_a_damaged_state_of_an_optimizer_is_noticed_before_the_first_step(
    options: TrainOptions, optimizer: Any, value: Any
) -> None:
    options = replace(options, steps=1, optimizer=optimizer)
    train(options)
    path = Path(str(options.output)).with_suffix(".resume")
    content = torch.load(path, weights_only=True)
    first = next(each for each in content["optimizer"]["state"].values() if "step" in each)
    name = "exp_avg" if optimizer == "adam" else "mean"
    first[name] = value
    if value is None:
        del first[name]
    torch.save(content, path)
    with pytest.raises(FastStyleError, match="damaged resume file"):
        Trainer(replace(options, resume=True))


@pytest.mark.parametrize("change", [{"lr": None}, {"amsgrad": 1}, {"capturable": 1}, {"betas": "x"}], ids=str)
def test_what_an_optimizer_is_made_with_comes_from_the_settings(options: TrainOptions, change: dict[str, Any]) -> None:
    options = replace(options, steps=1, optimizer="adam")
    train(options)
    path = Path(str(options.output)).with_suffix(".resume")
    content = torch.load(path, weights_only=True)
    content["optimizer"]["param_groups"][0].update(change)
    torch.save(content, path)
    group = Trainer(replace(options, resume=True)).state.optimizer.param_groups[0]
    fresh = torch.optim.Adam([torch.zeros(1)], lr=options.peak_learning_rate).param_groups[0]
    assert all(group[name] == fresh[name] for name in change)


@pytest.mark.parametrize(
    "change",
    [
        {"counters": [1, 2]},
        {"counters": ["a", "b", "c", "d"]},
        {"counters": None},
        {"bad_files": 3},
        {"recent": [3]},
        {"recent": [{"total": "x"}]},
        {"network": []},
        {"network": {"down1.conv.weight": torch.zeros(2)}},
        {"average": 7},
        {"average": {}},
        {"optimizer": {"state": {}, "param_groups": []}},
        {"optimizer": "adam"},
        {"recipe": [1]},
    ],
    ids=str,
)
def test_damaged_resume_files_are_one_plain_line(
    options: TrainOptions, change: dict[str, Any], once: Callable[[str, Callable[[Path], object]], Path]
) -> None:
    short = replace(options, steps=1)
    path = Path(str(options.output)).with_suffix(".resume")
    whole = once("one-step.resume", lambda copy: shutil.copy(train(short).with_suffix(".resume"), copy))
    path.parent.mkdir(exist_ok=True)
    torch.save({**torch.load(whole, weights_only=True), **change}, path)
    with pytest.raises(FastStyleError, match=r"damaged resume file|other values of") as raised:
        Trainer(replace(short, resume=True))
    assert "\n" not in str(raised.value)


def test_resuming_a_finished_run_changes_nothing(options: TrainOptions) -> None:
    before = train(options).read_bytes()
    assert train(replace(options, resume=True)).read_bytes() == before


def test_the_loss_in_the_checkpoint_is_a_mean_over_the_resumption(options: TrainOptions) -> None:
    trainer = Trainer(options)
    trainer.run(lambda: trainer.state.step == 5)
    train(replace(options, resume=True))
    assert len(final_state(options)["recent"]) == options.total_steps


HOLDER = """
import sys, time
from pathlib import Path
from fast_style.training.files import being_written
with being_written(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_two_processes_do_not_train_to_one_output(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert options.output
    command = [sys.executable, "-c", HOLDER, str(options.output)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        with pytest.raises(FastStyleError, match=rf"dots\.pth is being trained by process {first.pid};"):
            train(replace(options, resume=True))
        assert run(train_command.main, arguments(options), "train.py") == 1
        told = f"train.py: {options.output} is being trained by process {first.pid}; wait for it, or choose another"
        assert capsys.readouterr().err == f"{told} --output\n"
        with monkeypatch.context() as launch:
            launch.setattr(trainer_module, "launched", lambda: Launch(1, 2))
            with trainer_module.alone(options):  # which the first process of the launch answers for
                pass
        first.kill()
    lock = options.output.with_suffix(".training-lock")
    assert lock.exists()  # left by a process that was killed, which blocks nobody
    train(options)
    assert not lock.exists()
