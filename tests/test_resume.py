"""A training that was stopped goes on as if it had not been."""

from dataclasses import replace
from pathlib import Path

import pytest

from fast_style.errors import FastStyleError
from fast_style.models.checkpoint import load
from fast_style.options import TrainOptions
from fast_style.training import Trainer, train

from .conftest import picture
from .trainings import assert_same, final_state


@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_resume_is_exact(options: TrainOptions, tmp_path: Path, stop_after: int) -> None:
    (options.data.dataset / "bad.jpg").write_bytes(b"\xff\xd8 cut short")
    options = replace(options, data=replace(options.data, workers=2))
    straight = replace(options, output=tmp_path / "straight.pth")
    train(straight)
    steps: list[int] = []

    def should_stop() -> bool:
        steps.append(1)
        return len(steps) > stop_after

    train(options, should_stop=should_stop)
    assert final_state(options)["counters"][0] == stop_after
    train(replace(options, resume=True))
    a, b = final_state(straight), final_state(options)
    for part in ("network", "optimizer", "average"):
        assert_same(a[part], b[part])
    assert a["counters"][:2] == b["counters"][:2]
    assert a["bad_files"] == b["bad_files"] == [str(options.data.dataset / "bad.jpg")]


def test_resume_needs_the_same_recipe(options: TrainOptions) -> None:
    with pytest.raises(FastStyleError, match="nothing to resume"):
        train(replace(options, resume=True))
    train(options)
    with pytest.raises(FastStyleError, match="other values of learning-rate"):
        train(replace(options, resume=True, learning_rate=0.5))


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
    assert load(first).training["steps_in_all"] == 2 * options.steps


def test_resuming_a_finished_run_changes_nothing(options: TrainOptions) -> None:
    before = train(options).read_bytes()
    assert train(replace(options, resume=True)).read_bytes() == before


def test_the_loss_in_the_checkpoint_is_a_mean_over_the_resumption(options: TrainOptions) -> None:
    trainer = Trainer(options)
    trainer.run(lambda: trainer.state.step == 5)
    train(replace(options, resume=True))
    assert len(final_state(options)["recent"]) == options.steps
