"""Several processes that train together are one training: the same steps, one writer, one error."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fast_style.errors import FastStyleError
from fast_style.models.checkpoint import load
from fast_style.options import TrainOptions
from fast_style.system.distributed import Group, ReportedElsewhere, join
from fast_style.system.launch import Launch, launched
from fast_style.training import Event, Trainer, TrainingDiverged, train

from .conftest import picture
from .torchrun import kill, torchrun, wait_until
from .trainings import arguments, assert_same, final_state


class Threads:
    """Places where threads, one for each rank, exchange values."""

    def __init__(self, count: int) -> None:
        self.values: list[Any] = [None] * count
        self.barrier = threading.Barrier(count, timeout=60)


class ThreadGroup(Group):
    """A group whose processes are threads of this one."""

    def __init__(self, rank: int, threads: Threads) -> None:
        super().__init__("cpu", Launch(rank, len(threads.values)))
        self.threads = threads

    def gather(self, value: Any) -> list[Any]:
        self.threads.values[self.rank] = value
        self.threads.barrier.wait()
        values = list(self.threads.values)
        self.threads.barrier.wait()
        return values

    def sum_(self, tensor: Tensor) -> None:
        tensor.copy_(torch.stack(self.gather(tensor.clone())).sum(0))

    def broadcast(self, value: Any) -> Any:
        return self.gather(value)[0]


def together(count: int, work: Callable[[ThreadGroup], Any]) -> list[Any]:
    """Run the work on every rank; return what each returned, or the error that it raised."""
    threads, results = Threads(count), [None] * count

    def run(rank: int) -> None:
        try:
            results[rank] = work(ThreadGroup(rank, threads))
        except BaseException as error:
            results[rank] = error  # type: ignore[call-overload]
            if not isinstance(error, FastStyleError):
                threads.barrier.abort()

    running = [threading.Thread(target=run, args=(rank,)) for rank in range(count)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return results


def largest_difference(a: dict[str, Any], b: dict[str, Any]) -> float:
    return max((a[name] - b[name]).abs().max().item() for name in a)


@pytest.fixture
def started(options: TrainOptions, tiny: Path) -> TrainOptions:
    """A training from a file: threads would draw random weights from one generator.

    Adam makes full steps of gradients that are nothing but rounding, unless they are clipped to below its epsilon.
    """
    return replace(options, init=str(tiny), width=None, blocks=None, steps=10, clip=1e-6, learning_rate=2e-4)


@pytest.mark.parametrize(("batch", "temporal", "optimizer"), [(4, 0.0, "muon"), (2, 1.0, "adam")])
def test_processes_with_shares_of_the_batch_are_one_with_all_of_it(
    started: TrainOptions, tmp_path: Path, batch: int, temporal: float, optimizer: Any
) -> None:
    """Also where the last steps have fewer crops than processes, and for losses that are no means over pictures."""
    (started.data.dataset / "bad.jpg").write_bytes(b"\xff\xd8 cut short")
    loss = replace(started.loss, temporal_weight=temporal)
    shared = replace(started, data=replace(started.data, batch_size=batch), loss=loss, optimizer=optimizer)
    alone = replace(shared, output=tmp_path / "alone.pth")
    events: list[list[Event]] = [[], []]

    def work(group: ThreadGroup) -> dict[str, Any]:
        trainer = Trainer(shared, [events[group.rank].append], group)
        trainer.run()
        return trainer.state.snapshot()

    states = together(2, work)
    train(alone)
    one = final_state(alone)
    assert_same(final_state(shared)["average"], states[0]["average"])
    for state in states:
        assert largest_difference(one["network"], state["network"]) < 1e-5
        assert largest_difference(one["average"], state["average"]) < 1e-5
        assert largest_difference(states[0]["network"], state["network"]) == 0
        assert state["counters"][:2] == one["counters"][:2]
        assert state["bad_files"] == one["bad_files"] == [str(started.data.dataset / "bad.jpg")]
        assert state["recent"][0] == pytest.approx(one["recent"][0], rel=1e-5)
    assert events[0]
    assert not events[1]


def test_only_the_first_process_writes(started: TrainOptions) -> None:
    """Two that know nothing of each other would both write the same files."""
    written: list[int] = []

    def work(group: ThreadGroup) -> None:
        trainer = Trainer(replace(started, steps=2), (), group)
        save = trainer.state.save

        def recorded(*arguments: Any, **named: Any) -> None:
            written.append(group.rank)
            save(*arguments, **named)

        trainer.state.save = recorded  # type: ignore[method-assign]
        trainer.run()

    assert together(2, work) == [None, None]
    assert set(written) == {0}
    assert started.output
    assert {path.name for path in started.output.parent.iterdir()} == {"dots.pth", "dots.resume"}


@pytest.mark.parametrize("rank", [0, 1])
def test_a_stop_on_one_process_stops_all_after_the_same_step(started: TrainOptions, rank: int) -> None:
    def work(group: ThreadGroup) -> int:
        trainer = Trainer(started, (), group)
        trainer.run(lambda: group.rank == rank and trainer.state.step == 3)
        return trainer.state.step

    assert together(2, work) == [3, 3]
    assert final_state(started)["counters"][0] == 3


def test_an_error_of_one_process_ends_all_and_is_told_once(started: TrainOptions) -> None:
    def work(group: ThreadGroup) -> None:
        trainer = Trainer(started, (), group)
        crops = trainer.crops.__call__

        def dying(crop: tuple[int, int], start: int) -> object:
            if group.rank == 1 and trainer.state.step == 2:
                raise FastStyleError("a process that decodes photographs ended")
            return crops(crop, start)

        trainer.crops.__class__ = type("Dying", (trainer.crops.__class__,), {"__call__": lambda _, *a: dying(*a)})
        trainer.run()

    first, second = together(2, work)
    assert isinstance(first, ReportedElsewhere)
    assert type(second) is FastStyleError
    assert final_state(started)["counters"][0] == 2


def test_a_divergence_ends_all(started: TrainOptions) -> None:
    wild = replace(started, learning_rate=1e30, clip=1e30)
    for error in together(2, lambda group: Trainer(wild, (), group).run()):
        assert isinstance(error, TrainingDiverged)


def test_other_photographs_on_another_machine_are_refused(started: TrainOptions, tmp_path: Path) -> None:
    def work(group: ThreadGroup) -> None:
        here = replace(started.data, dataset=tmp_path / f"machine{group.rank}")
        here.dataset.mkdir()
        picture(60, 50 + group.rank).save(here.dataset / "a.png")
        Trainer(replace(started, data=here), (), group)

    first, second = together(2, work)
    assert "process 1 has other values of files in the dataset than process 0" in str(first)
    assert isinstance(second, ReportedElsewhere)


def test_batches_that_do_not_divide_are_one_line(started: TrainOptions) -> None:
    first, second = together(2, lambda group: Trainer(replace(started, data=odd(started)), (), group))
    assert str(first) == "batch_size is 3, for 2 processes together; take a multiple of 2"
    assert isinstance(second, ReportedElsewhere)


def odd(options: TrainOptions) -> Any:
    return replace(options.data, batch_size=3)


def test_shares_cover_a_batch_once_and_weights_sum_to_one() -> None:
    for count in (1, 2, 3, 7):
        groups = [Group("cpu", Launch(rank, count)) for rank in range(count)]
        for batch in (1, 2, 5, 12):
            shares = [group.share(batch) for group in groups if group.weight(batch)]
            assert [position for share in shares for position in share] == list(range(batch))
            assert sum(group.weight(batch) for group in groups) == pytest.approx(1)
            assert all(len(group.share(batch)) for group in groups)


@pytest.mark.parametrize("restarts", [0, 1])
def test_a_run_of_torchrun_goes_on_from_its_own_state(started: TrainOptions, restarts: int) -> None:
    """torchrun starts the same command again; only a first start replaces files, where --overwrite asks for it."""

    def group() -> Group:
        return Group("cpu", Launch(0, 1, restarts=restarts))

    trainer = Trainer(started, (), group())
    trainer.run(lambda: trainer.state.step == 2)
    assert Trainer(started, (), group()).state.step == 2
    assert Trainer(replace(started, overwrite=True), (), group()).state.step == (2 if restarts else 0)
    with pytest.raises(FastStyleError, match=r"other values of steps.*; or choose another output, or overwrite it"):
        Trainer(replace(started, steps=11), (), group())
    with pytest.raises(FastStyleError, match="exists; choose another output, resume it or overwrite it"):
        Trainer(started)


def test_the_environment_says_which_process_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK", "TORCHELASTIC_RESTART_COUNT"):
        monkeypatch.delenv(name, raising=False)
    assert launched() is None
    assert join("auto").device == "auto"
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "MASTER_ADDR": "h", "MASTER_PORT": "1"}.items():
        assert launched() is None
        monkeypatch.setenv(name, value)
    assert launched() == Launch(5, 8)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "2")
    assert launched() == Launch(5, 8, 1, 2)
    for device in ("cuda:1", "mps"):
        with pytest.raises(FastStyleError):
            join(device)


@pytest.mark.slow
def test_torchrun_trains_as_one_process_and_goes_on_after_a_kill(started: TrainOptions, tmp_path: Path) -> None:
    """Two processes over Gloo: undisturbed, and with one of them killed in mid-run, which torchrun starts again."""
    one, two, killed = (tmp_path / f"{name}/dots.pth" for name in ("one", "two", "killed"))
    # Gradients of halves and of the whole agree to 1e-6 but at the kinks of ReLUs, with noise and without. With noise
    # there are more of those: one process with one thread and with two differs by 7e-6 with it, by 2e-7 without.
    started = replace(started, optimizer="adam", data=replace(started.data, noise_share=0.0))
    saving = {"save-minutes": 0, "device": "cpu", "precision": "fp32", "workers": 0}
    launcher = torchrun("train.py", *arguments(started, output=two, **saving))
    train(replace(started, output=one))
    printed = launcher.communicate(timeout=900)[0]
    assert launcher.returncode == 0, printed
    assert printed.count("trained for 10 steps") == 1
    expected, found = (torch.load(path.with_suffix(".resume"), weights_only=True) for path in (one, two))
    for part in ("network", "average"):
        assert largest_difference(expected[part], found[part]) < 1e-5
    assert {path.name for path in two.parent.iterdir()} == {
        "dots.pth",
        "dots.resume",
        "dots.preview.jpg",
        "dots.runs",
        "dots.yaml",
    }
    launcher = torchrun("train.py", *arguments(started, output=killed, **saving), restarts=1)
    wait_until(lambda: killed.exists() and load(killed).training["steps"] >= 2, launcher)
    kill(launcher, rank=1)
    printed = launcher.communicate(timeout=900)[0]
    assert launcher.returncode == 0, printed
    assert killed.read_bytes() == two.read_bytes()
    assert not list(killed.parent.glob(".fast_style-*"))
