"""Trainings killed by SIGKILL at random instants and in the middle of writes, then resumed: the end must be the same.

The trainings are tiny and are forked from this process, which has imported all that they need. A case is a plan as
JSON: whether the output lies inside the dataset, and where each of one to three runs is killed.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import psutil
import torch

from fast_style.commands import run as run_command
from fast_style.commands import train
from fast_style.models.vgg import VGG19
from fast_style.options import DataOptions, LossOptions, StyleOptions, TrainOptions
from fast_style.system.atomic import TEMPORARY_PREFIX

from ..conftest import picture, vgg_state
from ..trainings import arguments, assert_same
from .parts import StressError

STEPS = 4
# Calls at which a run can be killed; each save makes one of each, or two (file and folder are flushed).
CALLS = ("write", "flush", "move")
RUN_S = 300


class Stress:
    """See the package."""

    def __init__(self, folder: Path) -> None:
        torch.set_num_threads(1)  # threads do not survive a fork
        import_module("torch.utils.tensorboard")  # once, for all children

        self._folder, self._material = folder, folder / "material"
        if not self._material.exists():
            self._make_material()
        self._references: dict[bool, tuple[dict[str, Any], float]] = {}

    def _make_material(self) -> None:
        photos = self._material / "photos"
        photos.mkdir(parents=True)
        for seed in range(4):
            picture(60, 50, seed).save(photos / f"{seed}.jpg")
        picture(48, 48, 99).save(self._material / "dots.png")
        torch.manual_seed(1)
        torch.save(vgg_state(VGG19("relu2_1")), self._material / "vgg.pth")

    def make(self, rng: Random) -> tuple[str, bytes]:
        plan: dict[str, Any] = {"inside": rng.random() < 0.4, "overwrite": rng.random() < 0.15}
        plan["kills"] = [self._kill(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        return "json", json.dumps(plan).encode()

    def _kill(self, rng: Random) -> dict[str, Any]:
        if rng.random() < 0.5:
            return {"share": rng.uniform(0, 1.1)}
        return {"call": rng.choice(CALLS), "number": rng.randrange(1, 16), "part": rng.random()}

    def run(self, path: Path) -> str:
        plan = json.loads(path.read_bytes())
        expected, cpu_s = self._undisturbed(plan["inside"])
        place = self._folder / "case"
        shutil.rmtree(place, ignore_errors=True)
        options = self._options(place, plan["inside"])
        if plan["overwrite"]:  # over a run that was finished, with another seed
            self._finish(replace(options, data=replace(options.data, seed=7)), place)
            options = replace(options, overwrite=True)
        killed = sum(self._killed(options, kill, place, cpu_s) for kill in plan["kills"])
        options = self._next(options)
        self._finish(options, place)
        self._compare(options, expected)
        left = [str(one.relative_to(place)) for one in place.rglob(f"{TEMPORARY_PREFIX}*")]
        if left:
            raise StressError(f"left behind: {left}")
        return f"killed {killed} times, same end"

    def _killed(self, options: TrainOptions, kill: dict[str, Any], place: Path, cpu_s: float) -> bool:
        """Run, or go on with, a training that is killed; whether it was, rather than being finished before.

        cpu_s: what an undisturbed one takes.
        """
        options = self._next(options)
        process = self._forked(options, place, _hooks(kill))
        if "share" in kill:
            watched = psutil.Process(process)
            while not _ended(process) and sum(watched.cpu_times()[:2]) < kill["share"] * cpu_s:
                time.sleep(0.002)
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return True
        if status:
            raise StressError(f"a run ended with {status}: {self._said(place)}")
        return False

    def _next(self, options: TrainOptions) -> TrainOptions:
        """What the user types next: --resume as soon as this run has begun to save."""
        if self._state(options) is None or options.resume:
            return options
        own = not options.overwrite or self._state(options)["recipe"]["seed"] == options.data.seed
        return replace(options, resume=True, overwrite=False) if own else options

    def _finish(self, options: TrainOptions, place: Path) -> float:
        process = self._forked(options, place, lambda: None)
        _, status, usage = os.wait4(process, 0)
        if status:
            raise StressError(f"exit code {status >> 8}, resume={options.resume}: {self._said(place)}")
        return usage.ru_utime + usage.ru_stime

    def _forked(self, options: TrainOptions, place: Path, prepare: Callable[[], None]) -> int:
        process = os.fork()
        if process:
            return process
        code = 70
        try:
            said = os.open(place / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(said, 1)
            os.dup2(said, 2)
            prepare()
            flags = arguments(replace(options, resume=False, overwrite=False))
            flags += [f"--{name}" for name in ("resume", "overwrite") if getattr(options, name)]
            code = run_command(train.main, flags, "train.py")
        finally:
            os._exit(code)

    def _said(self, place: Path) -> str:
        return " | ".join((place / "said.txt").read_text(errors="replace").strip().splitlines()[-6:])

    def _undisturbed(self, inside: bool) -> tuple[dict[str, Any], float]:
        """What a training writes that nobody kills, and its processor time; made when it is first asked for."""
        if inside not in self._references:
            place = self._folder / f"reference_{inside}"
            shutil.rmtree(place, ignore_errors=True)
            options = self._options(place, inside)
            took = self._finish(options, place)
            assert options.output
            content = {"checkpoint": options.output.read_bytes(), "state": self._state(options)}
            self._references[inside] = content, took
        return self._references[inside]

    def _compare(self, options: TrainOptions, expected: dict[str, Any]) -> None:
        state = self._state(options)
        for part in ("network", "optimizer", "average"):
            assert_same(state[part], expected["state"][part])
        assert state["counters"][:2] == expected["state"]["counters"][:2]
        assert options.output
        if options.output.read_bytes() != expected["checkpoint"]:
            raise StressError("another checkpoint")

    def _state(self, options: TrainOptions) -> Any:
        assert options.output
        path = options.output.with_suffix(".resume")
        return torch.load(path, weights_only=True) if path.exists() else None

    def _options(self, place: Path, inside: bool) -> TrainOptions:
        material = place / "material"
        if not material.exists():
            shutil.copytree(self._material, material)
        photos = material / "photos"
        return TrainOptions(
            StyleOptions((material / "dots.png",), style_size=(48,)),
            DataOptions(photos, image_size=16, finish_size=24, photo_size=(40, 50), batch_size=2, workers=0),
            LossOptions(("relu2_1",), ("relu1_1",), vgg_weights=material / "vgg.pth"),
            output=(photos if inside else place / "out") / "dots.pth",
            steps=STEPS,
            width=4,
            blocks=1,
            device="cpu",
            precision="fp32",
            save_minutes=0,
            preview_seconds=0,
        )

    def close(self) -> None:
        pass


def _ended(process: int) -> bool:
    return psutil.Process(process).status() == psutil.STATUS_ZOMBIE


def _hooks(kill: dict[str, Any]) -> Callable[[], None]:
    """What makes a process kill itself in the middle of a call; a write is cut after a part of the bytes."""
    count = 0

    def due() -> bool:
        nonlocal count
        count += 1
        return count == kill["number"]

    def write(path: Path, data: Any) -> int:
        with path.open("wb") as file:
            file.write(data if not (cut := due()) else bytes(data)[: int(kill["part"] * len(data))])
            file.flush()
            if cut:
                os.kill(os.getpid(), signal.SIGKILL)
        return len(data)

    def before(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any) -> Any:
            if due():
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*given)

        return counted

    def install() -> None:
        name = kill.get("call")
        if name == "write":
            Path.write_bytes = write  # type: ignore[method-assign, assignment]
        elif name == "flush":
            os.fsync = before(os.fsync)
        elif name == "move":
            Path.replace = before(Path.replace)  # type: ignore[method-assign]

    return install
