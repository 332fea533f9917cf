"""A folder that several processes stylize together: who does what, and the manifest that says what became of it."""

import json
import os
import runpy
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fast_style import Stylizer
from fast_style.commands import run, stylize
from fast_style.commands.console.manifest import Manifest

from .conftest import picture
from .torchrun import PROJECT, kill, torchrun, wait_until


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def status(path: Path) -> dict[str, str]:
    """What the last line of each input, by the name of its file, says."""
    return {Path(entry["input"]).name: entry["status"] for entry in entries(path)}


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five pictures and one that is none, in the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = Path("album")
    (folder / "sub").mkdir(parents=True)
    for i in range(5):
        picture(24 + i, 20, i).save(folder / ("sub" if i % 2 else "") / f"{i}.png")
    (folder / "bad.png").write_text("no picture")
    return folder


def call(model: Path, *arguments: str) -> int:
    fixed = ["album", "-o", "out", "--model", str(model), "--device", "cpu", "--precision", "fp32", "--engine", "torch"]
    return run(stylize.main, [*fixed, *arguments], "stylize.py")


def results() -> set[str]:
    return {path.name for path in Path("out").rglob("*") if path.is_file()}


def test_shards_do_every_input_once(album: Path, tiny: Path) -> None:
    done: list[set[str]] = []
    codes = []
    for part in range(3):
        codes.append(call(tiny, "--shard", f"{part}/3", "--manifest", "m.jsonl"))
        done.append(results().difference(*done))
    assert [len(names) for names in done] == [1, 2, 2]
    assert sorted(codes) == [0, 0, 1]
    assert status(Path("m.jsonl")) == {**{f"{i}.png": "done" for i in range(5)}, "bad.png": "failed"}
    assert len(entries(Path("m.jsonl"))) == 6
    for entry in entries(Path("m.jsonl")):
        assert list(entry) == ["input", "output", "status", "seconds", "error"]
        assert entry["seconds"] >= 0
        assert (entry["error"] is None) == (entry["status"] == "done")
        assert Path(entry["output"]) == Path("out") / Path(entry["input"]).relative_to("album")


def test_processes_of_torchrun_share_the_list_and_pass_over_what_is_done(
    album: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (album / "bad.png").unlink()
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "h", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert call(tiny, "absent.png", "--manifest", "m.jsonl") == 0
    first = results()
    assert first == {"1.png", "2.png"}
    Path("out", "2.png").unlink()
    assert call(tiny) == 0
    assert results() == first
    monkeypatch.setenv("RANK", "0")
    assert call(tiny, "absent.png", "--manifest", "m.jsonl") == 1
    assert "absent.png: no such file" in capsys.readouterr().err
    assert results() == {f"{i}.png" for i in range(5)}
    assert status(Path("m.jsonl"))["absent.png"] == "failed"
    monkeypatch.setenv("RANK", "7")
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert call(tiny) == 0
    assert "note: process 7 of the 8 started together has none of the 5 inputs to do" in capsys.readouterr().err


def test_an_input_has_one_line_however_often_it_is_passed_over(album: Path, tiny: Path) -> None:
    """A process may be killed between a result and its line."""
    (album / "bad.png").unlink()
    assert call(tiny, "--shard", "0/2") == 0
    for _ in range(3):
        assert call(tiny, "--skip-existing", "--manifest", "logs/m.jsonl") == 0
    assert sorted(status(Path("logs/m.jsonl")).values()) == ["done", "done", "skipped", "skipped", "skipped"]
    assert len(entries(Path("logs/m.jsonl"))) == 5


def test_temporary_files_of_killed_processes_are_swept(album: Path, tiny: Path) -> None:
    from fast_style.system.atomic import TEMPORARY_PREFIX, _host

    Path("out").mkdir()
    left = Path("out", f"{TEMPORARY_PREFIX}{_host()}-999999999-x.png")
    left.write_bytes(b"part of a picture")
    call(tiny)
    assert not left.exists()


def test_lines_of_many_writers_are_whole_and_half_a_line_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"input": "killed at')
    writers = [Manifest(path) for _ in range(8)]

    def write(number: int) -> None:
        for i in range(20):
            writers[number].add(f"{number} {i} \udcff", tmp_path / "x", "done", 0.5)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, *lines = path.read_text().splitlines()
    assert first == '{"input": "killed at'
    assert {json.loads(line)["input"] for line in lines} == {f"{n} {i} \udcff" for n in range(8) for i in range(20)}
    Manifest(path).add("0 0 \udcff", None, "skipped")
    assert len(path.read_text().splitlines()) == 161


def test_a_manifest_that_cannot_be_written_ends_before_any_work(
    album: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tiny, "--manifest", "album") == 1
    assert capsys.readouterr().err == "stylize.py: album: Is a directory\n"
    assert not Path("out").exists()


def test_an_actor_of_the_example_for_ray_paints_writes_and_tries_again(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow", reason="needs the package ray[data]")
    example = runpy.run_path(str(PROJECT / ".github/examples/ray_folder.py"))
    stylizer = Stylizer.load(tiny, "cpu", "torch", "fp32")
    monkeypatch.setattr(Stylizer, "load", lambda _: stylizer)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    album, out = tmp_path / "album", tmp_path / "out"
    (album / "sub").mkdir(parents=True)
    picture(30, 20).save(album / "sub/a.png")
    (album / "bad.png").write_text("no picture")
    (album / ".hidden.png").write_text("")
    below, found = example["pictures"](str(album))
    assert [example["relative"](name, below) for name in found] == ["bad.png", "sub/a.png"]
    painter = example["Painter"](str(tiny), below, str(out))
    files, failures = painter.files, iter((True, True, False))

    class Flaky:
        def open_output_stream(self, name: str) -> Any:
            if next(failures):
                raise OSError("try again")
            return files.open_output_stream(name)

        def __getattr__(self, name: str) -> Any:
            return getattr(files, name)

    painter.files = Flaky()
    rows = [painter({"path": name, "bytes": Path(name).read_bytes()}) for name in found]
    assert [row["status"] for row in rows] == ["failed", "done"]
    assert "not a readable picture" in rows[0]["error"]
    assert list(written(out)) == ["sub/a.png"]
    expected = stylizer.stylize(Image.open(album / "sub/a.png"))
    assert Image.open(out / "sub/a.png").tobytes() == expected.tobytes()


PICTURES = 200


@pytest.fixture
def large_album(tmp_path: Path, tiny: Path) -> tuple[Path, dict[str, bytes]]:
    """A folder of 200 pictures, and what one process makes of them."""
    folder = tmp_path / "album"
    (folder / "sub").mkdir(parents=True)
    for i in range(PICTURES):
        picture(64 + i % 7, 48 + i % 5, i).save(folder / ("sub" if i % 2 else "") / f"{i}.png")
    fixed = ["--model", str(tiny), "--device", "cpu", "--engine", "torch", "--precision", "fp32", "--quiet"]
    assert run(stylize.main, [str(folder), "-o", str(tmp_path / "plain"), *fixed], "stylize.py") == 0
    return folder, written(tmp_path / "plain")


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_two_hundred_pictures_of_which_one_process_is_killed(
    large_album: tuple[Path, dict[str, bytes]], tiny: Path, tmp_path: Path
) -> None:
    """torchrun starts both again; no picture is missing, wrong, or without a line."""
    album, expected = large_album
    out, manifest = tmp_path / "out", tmp_path / "m.jsonl"
    fixed = ["--model", str(tiny), "--device", "cpu", "--engine", "torch", "--precision", "fp32", "--manifest"]
    launcher = torchrun("stylize.py", str(album), "-o", str(out), *fixed, str(manifest), restarts=1)
    wait_until(lambda: sum(1 for _ in out.rglob("*.png")) > PICTURES // 4, launcher)
    kill(launcher, rank=1)
    printed = launcher.communicate(timeout=900)[0]
    assert launcher.returncode == 0, printed
    assert written(out) == expected
    lines = entries(manifest)
    assert sorted(entry["input"] for entry in lines) == sorted(str(album / name) for name in expected)
    assert [entry["status"] for entry in lines].count("skipped") <= 2  # killed between a picture and its line
    assert {entry["error"] for entry in lines} == {None}


@pytest.mark.slow
def test_the_example_for_ray_stylizes_the_same_pictures(
    large_album: tuple[Path, dict[str, bytes]], tiny: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="needs the package ray[data]")
    album, _ = large_album
    (album / "bad.png").write_text("no picture")
    out, manifest = tmp_path / "out", tmp_path / "m.jsonl"
    script = [sys.executable, str(PROJECT / ".github/examples/ray_folder.py"), str(album), str(out)]
    # The actors take all the CPUs there are and leave none to read with.
    flags = ["--model", str(tiny), "--actors", "2", "--cpus-per-actor", str((os.cpu_count() or 1) / 2)]
    flags += ["--manifest", str(manifest)]
    patient = {"RAY_raylet_start_wait_time_s": "300", "PYTHONPATH": str(PROJECT), "RAY_USAGE_STATS_ENABLED": "0"}
    for said in ("200 done, 1 failed", "201 pictures, 200 of them done"):
        result = subprocess.run([*script, *flags], env={**os.environ, **patient}, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert said in result.stdout
    (album / "bad.png").unlink()
    assert run(stylize.main, [str(album), "-o", str(tmp_path / "alone"), "--model", str(tiny), "--quiet"]) == 0
    assert written(out) == written(tmp_path / "alone")
    found = status(manifest)
    assert found.pop("bad.png") == "failed"
    assert set(found.values()) == {"done"}
    assert len(found) == PICTURES
