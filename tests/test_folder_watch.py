"""The watched folder, by the real command in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from fast_style.commands import run, watch
from fast_style.commands.console.folder_watch import Pending

from .conftest import picture
from .serving import PROJECT, TORCH, as_file, distance, opened, reference, save_model


class Watching:
    """`fast-style watch in out`, with what it printed."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.input, self.output = folder / "in", folder / "out"
        self.input.mkdir(exist_ok=True)
        self.model = save_model(folder / "m.pth", "oil", "chalk")
        code = "from fast_style.commands import script; script()"
        command = [sys.executable, "-c", code, "watch", str(self.input), str(self.output), "--model", str(self.model)]
        self.log_file = folder / "log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--settle-s", "0.4", *TORCH, *flags], stdout=log, stderr=log, cwd=PROJECT
            )
        until(lambda: "watching" in self.log())

    def log(self) -> str:
        return self.log_file.read_text()

    def result(self, name: str) -> Image.Image:
        until((self.output / name).exists)
        return opened((self.output / name).read_bytes())

    def close(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    (tmp_path / "in").mkdir()
    picture(30, 20).save(tmp_path / "in/old.png")
    watching = Watching(tmp_path, "--style", "chalk")
    yield watching
    watching.process.kill()
    watching.process.wait()


def test_what_a_new_folder_holds_is_not_missed(watching: Watching) -> None:
    watching.result("old.png")
    made = watching.model.parent / "made/elsewhere"
    made.mkdir(parents=True)
    picture(25, 35, 4).save(made / "new.png")
    made.parent.rename(watching.input / "made")
    assert watching.result("made/elsewhere/new.png").size == (25, 35)


def test_pictures_are_stylized_as_they_come(watching: Watching) -> None:
    stylizer = reference(watching.model)
    assert distance(watching.result("old.png"), stylizer.stylize(picture(30, 20), style="chalk")) < 0.1
    (watching.input / "first.png").write_bytes(as_file(picture(60, 50, 3)))
    # By way of a hidden name, as careful programs do, into a sub-folder.
    (watching.input / "sub").mkdir()
    hidden = watching.input / "sub/.temp.png"
    picture(25, 35, 4).save(hidden)
    hidden.replace(watching.input / "sub/new.png")
    (watching.input / "bad.jpg").write_bytes(b"no picture")
    (watching.input / "notes.txt").write_text("no picture")
    assert distance(watching.result("first.png"), stylizer.stylize(picture(60, 50, 3), style="chalk")) < 0.1
    assert watching.result("sub/new.png").size == (25, 35)
    until(lambda: "bad.jpg: not a readable picture" in watching.log())
    picture(33, 22, 5).save(watching.input / "bad.jpg")
    assert watching.result("bad.jpg").size == (33, 22)
    assert watching.log().count("not a readable picture") == 1
    assert watching.log().count("first.png ->") == 1

    picture(40, 40, 6).save(watching.input / "old.png")
    until(lambda: opened((watching.output / "old.png").read_bytes()).size == (40, 40))
    os.utime(watching.input / "sub/new.png")  # saved again as it was
    until(lambda: watching.log().count("new.png ->") == 2)
    assert watching.close() == 0
    assert sorted(path.name for path in watching.output.rglob("*.*")) == ["bad.jpg", "first.png", "new.png", "old.png"]


@pytest.mark.slow
def test_what_has_a_result_is_not_done_again(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    picture(30, 20).save(tmp_path / "in/old.png")
    first = Watching(tmp_path)
    first.result("old.png")
    assert first.close() == 0
    second = Watching(tmp_path)
    picture(30, 20).save(second.input / "new.png")
    second.result("new.png")
    assert second.close() == 0
    assert "old.png ->" not in second.log()


@pytest.mark.slow
def test_results_inside_the_watched_folder_and_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    model = save_model(tmp_path / "m.pth", "oil")
    code = "from fast_style.commands import script; script()"
    folder = tmp_path / "m"
    picture(30, 20).save(folder / "a.png")
    picture(30, 20).save(folder / "a.bmp")
    command = [sys.executable, "-c", code, "watch", str(folder), str(folder / "done"), "--model", str(model)]
    more = ["--settle-s", "0.1", "--format", "webp", *TORCH]
    with subprocess.Popen([*command, *more], stderr=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        assert process.stderr is not None
        assert "a.png would overwrite the result of a.bmp; rename one" in process.stderr.readline()
        picture(30, 20).save(folder / "b.png")
        until((folder / "done/b.webp").exists)
        process.terminate()
        assert process.wait(60) == 0
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["a.webp", "b.webp"]


def test_a_file_is_ready_once_it_rests(tmp_path: Path) -> None:
    now = 0.0
    pending = Pending(1.0, lambda: now)
    path = tmp_path / "a.png"

    def ready_after(seconds: float) -> list[Path]:
        nonlocal now
        now += seconds
        return list(pending.ready())

    pending.note(path)
    assert ready_after(9) == []  # not there
    path.touch()
    pending.note(path)
    assert ready_after(9) == []  # empty
    for size in (1, 2, 3):  # slowly written, in parts
        path.write_bytes(b"x" * size)
        pending.note(path)
        assert ready_after(0.9) == []
    assert ready_after(0.9) == []
    assert ready_after(0.2) == [path]
    pending.note(path)
    assert ready_after(9) == []  # once per change
    path.write_bytes(b"xxxx")
    pending.note(path)
    assert ready_after(0) == []
    assert ready_after(1) == [path]


def frames_of(path: Path) -> int:
    with Image.open(path) as image:
        return int(getattr(image, "n_frames", 1))


def test_animations_are_painted_as_films_and_nothing_goes_under_another_kinds_name(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("av")
    folder, frames = tmp_path / "in", [picture(16, 12, seed) for seed in range(3)]
    (folder / "sub").mkdir(parents=True)
    frames[0].save(folder / "sub/moving.gif", save_all=True, append_images=frames[1:], duration=100)
    frames[0].save(folder / "still.gif")
    frames[0].save(folder / "100%done.png")
    monkeypatch.setattr(watch, "changed_pictures", lambda folder, *_: sorted(folder.rglob("*.*")))
    flags = ["--model", str(tiny), "--device", "cpu", "--engine", "torch"]
    assert run(watch.main, [str(folder), str(tmp_path / "out"), *flags], "fast-style watch") == 0
    found = {path.relative_to(tmp_path / "out").as_posix(): frames_of(path) for path in (tmp_path / "out").rglob("*.*")}
    assert found == {"sub/moving.gif": 3, "still.gif": 1, "100%done.png": 1}
    capsys.readouterr()
    assert run(watch.main, [str(folder), str(tmp_path / "jpg"), *flags, "--format", "jpg"], "fast-style watch") == 0
    assert "moving.jpg: no film" in capsys.readouterr().err  # rather than its first frame, or a film of that name
    assert sorted(path.name for path in (tmp_path / "jpg").rglob("*.*")) == ["100%done.jpg", "still.jpg"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "out"], "nowhere: no such folder"),
        ([".", "."], "the folder for the results is the watched one"),
        ([".", "out", "--quality", "0"], "--quality is 0"),
        ([".", "out", "--format", "xyz"], "no known picture format"),
        ([".", "out", "--settle-s", "-1"], "--settle-s is -1.0"),
    ],
)
def test_bad_input_is_one_plain_line(
    tmp_path: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(watch.main, arguments, "fast-style watch") == 1
    assert message in capsys.readouterr().err
