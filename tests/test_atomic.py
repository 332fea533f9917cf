"""Atomic writes: whole or not at all, flushed, under names of any length."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fast_style.system.atomic import atomic_path, write_together


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "new/a.txt"
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list((tmp_path / "new").iterdir()) == []


def test_a_write_replaces_whole_and_is_readable_by_others(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    ordinary = tmp_path / "b.txt"
    ordinary.touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


@pytest.mark.parametrize("name", ["x" * 251 + ".jpg", "日本語" * 27 + "xx.png", "a." + "b" * 253])
def test_a_name_of_255_bytes_is_written(tmp_path: Path, name: str) -> None:
    assert 240 < len(os.fsencode(name)) <= 255
    with atomic_path(tmp_path / name) as temporary:
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be flushed there")
def test_content_and_folder_reach_the_disk_in_that_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    target = tmp_path / "a.txt"

    def note(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        flushed.append(f"{kind}, {'there' if target.exists() else 'not there yet'}")

    monkeypatch.setattr(os, "fsync", note)
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
    assert flushed == ["file, not there yet", "folder, there"]


def test_files_that_belong_together_are_all_replaced_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_together({tmp_path / "a/model.bin": b"1", tmp_path / "a/model.xml": b"1"})
    write_bytes = Path.write_bytes

    def filling(path: Path, data: bytes) -> int:
        if path.suffix == ".xml":
            raise OSError(28, "No space left on device")
        return write_bytes(path, data)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(Path, "write_bytes", filling)
        write_together({tmp_path / "a/model.bin": b"2", tmp_path / "a/model.xml": b"2"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == {
        "model.bin": b"1",
        "model.xml": b"1",
    }


def test_leftovers_of_killed_programs_go_with_the_next_write(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-S", "-c", ""])
    killed.wait()
    with atomic_path(tmp_path / "elsewhere/a.txt") as temporary:
        (tmp_path / temporary.name.replace(str(os.getpid()), str(killed.pid))).touch()
    with atomic_path(tmp_path / "a.txt"):
        pass
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.txt"]
