"""A full disk, a limit on files, a folder that cannot be written to: what was there stays, and one line says why."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from fast_style.commands import convert, evaluate, export, run, styles, stylize, train
from fast_style.errors import FastStyleError
from fast_style.export import onnx_model
from fast_style.export.formats import contents
from fast_style.options import TrainOptions

from .test_convert import make_theirs
from .test_web_export import package
from .trainings import arguments

__all__ = ["package"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs, or limits the size of files")
PROJECT = Path(__file__).parents[1]
TORCH = ("--device", "cpu", "--engine", "torch", "--precision", "fp32")
OLD = b"what was there before"
Command = Callable[..., int]


class Disk:
    """A folder on a file system that can be filled up; where mounting is not allowed, files have a largest size."""

    def __init__(self, folder: Path, mounted: bool) -> None:
        self.folder, self.mounted = folder, mounted

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave hardly any room."""
        if not self.mounted:
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            return
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        yield
        filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield Disk(folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)  # libav may hold a file until it is collected


def noisy(path: Path, side_px: int = 200) -> Path:
    """A picture that does not compress."""
    pixels = np.random.default_rng(0).integers(0, 256, (side_px, side_px, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def examined(disk: Disk, capsys: pytest.CaptureFixture[str], command: Command, *flags: object, kept: str) -> None:
    """Run a command over existing files on a full disk; `kept`: of its results, the ones that must stay, as a glob."""
    targets = list(disk.folder.glob(kept))
    assert targets
    before = {path: path.read_bytes() for path in disk.folder.rglob("*") if path.is_file()}
    with disk.full():
        code = run(command, [str(flag) for flag in flags], "fast-style")
    said = capsys.readouterr().err.strip().splitlines()
    after = {path: path.read_bytes() for path in disk.folder.rglob("*") if path.is_file()}
    assert code == 1
    assert len([line for line in said if line.startswith("fast-style: ")]) == 1, said
    assert "Traceback" not in "".join(said)
    assert {path: after.get(path) for path in before} == before
    assert not [path for path in after if path.name.startswith(".fast_style-")]


def test_a_picture(disk: Disk, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (disk.folder / "out.png").write_bytes(OLD)
    flags = (noisy(tmp_path / "in.png"), "-o", disk.folder / "out.png", "--model", tiny, *TORCH, "--overwrite")
    examined(disk, capsys, stylize.main, *flags, kept="out.png")


@pytest.mark.parametrize("suffix", ["mp4", "gif", "webp"])
def test_a_film(disk: Disk, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    pytest.importorskip("av")
    for number in range(6):
        shutil.copy(noisy(tmp_path / "frame.png", 160), tmp_path / f"{number}.png")
    (disk.folder / f"out.{suffix}").write_bytes(OLD)
    flags = (tmp_path / "%d.png", "-o", disk.folder / f"out.{suffix}", "--model", tiny, *TORCH, "--overwrite")
    examined(disk, capsys, stylize.main, *flags, kept=f"out.{suffix}")


def test_a_training(disk: Disk, options: TrainOptions, capsys: pytest.CaptureFixture[str]) -> None:
    options = replace(options, output=disk.folder / "dots.pth", steps=2)
    assert run(train.main, arguments(options), "fast-style") == 0
    capsys.readouterr()
    again = replace(options, data=replace(options.data, seed=1))
    examined(disk, capsys, train.main, *arguments(again), "--overwrite", kept="dots.*")


def test_a_conversion(disk: Disk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(make_theirs(16).state_dict(), tmp_path / "theirs.pth")
    (disk.folder / "out.pth").write_bytes(OLD)
    flags = (tmp_path / "theirs.pth", "-o", disk.folder / "out.pth", "--overwrite")
    examined(disk, capsys, convert.main, *flags, kept="out.pth")


@pytest.mark.parametrize("kind", ["onnx", "xml", "triton", "web"])
def test_an_export(
    disk: Disk,
    tiny: Path,
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setattr(export, "_miss", lambda *_: "")  # comparing takes seconds
    places = {"triton": disk.folder, "web": disk.folder / "page"}
    flags = ["--" + kind, places[kind]] if kind in places else ["-o", disk.folder / f"out.{kind}"]
    flags += ["--runtime", package] if kind == "web" else []
    assert run(export.main, [str(tiny), *map(str, flags)], "fast-style") == 0
    capsys.readouterr()
    examined(disk, capsys, export.main, tiny, *flags, "--overwrite", kept="*")


def test_a_full_folder_for_drafts(disk: Disk, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    model = onnx_model(tiny)
    monkeypatch.setattr(tempfile, "tempdir", str(disk.folder))
    with disk.full(), pytest.raises(FastStyleError, match="is the disk full"):
        contents(model, disk.folder / "out.xml")


def test_a_sheet_of_styles(disk: Disk, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (disk.folder / "sheet.png").write_bytes(OLD)
    flags = (tiny, "-o", disk.folder / "sheet.png", "--on", noisy(tmp_path / "in.png"), "--size", 100)
    examined(disk, capsys, styles.main, *flags, kept="sheet.png")


def test_a_sheet_of_an_evaluation(
    disk: Disk, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Image.open(noisy(tmp_path / "in.png")) as sheet:
        found = SimpleNamespace(table=lambda: "", passed=True), sheet.copy()
    monkeypatch.setattr("fast_style.evaluation.evaluate", lambda *_: found)
    (disk.folder / "sheet.png").write_bytes(OLD)
    flags = (tiny, "--style", "a.png", "--photos", tmp_path, "-o", disk.folder / "sheet.png", "--device", "cpu")
    examined(disk, capsys, evaluate.main, *flags, kept="sheet.png")


def test_a_picture_on_standard_output(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with noisy(tmp_path / "in.png").open() as stdin, Path("/dev/full").open("w") as stdout:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", stdout)
        assert run(stylize.main, ["-", "--model", str(tiny), *TORCH], "fast-style") == 1
    assert capsys.readouterr().err.strip().splitlines()[-1].endswith("No space left on device")


def test_a_report_on_standard_output(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert run(styles.main, [str(tiny)], "fast-style") == 1
    assert capsys.readouterr().err == "fast-style: cannot write: No space left on device\n"


@pytest.mark.parametrize("command", [stylize.main, train.main], ids=["stylize", "train"])
def test_a_folder_that_cannot_be_written_to(
    disk: Disk, tiny: Path, tmp_path: Path, options: TrainOptions, capsys: pytest.CaptureFixture[str], command: Command
) -> None:
    if not disk.mounted:
        pytest.skip("needs the right to mount")
    subprocess.run(["mount", "-o", "remount,ro", str(disk.folder)], check=True)
    flags = arguments(replace(options, output=disk.folder / "dots.pth"))
    if command is stylize.main:
        flags = [str(noisy(tmp_path / "in.png")), "-o", str(disk.folder / "out.png"), "--model", str(tiny), *TORCH]
    assert run(command, flags, "fast-style") == 1
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("fast-style: ")]
    assert len(said) == 1
    assert "Read-only file system" in said[0]
