"""files, malloc, hardware, scenes: the small modules on the ground floors."""

import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fast_style import files, hardware, malloc, scenes
from fast_style.errors import FastStyleError


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "new/a.txt"
    with pytest.raises(RuntimeError), files.atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list((tmp_path / "new").iterdir()) == []


def test_a_write_replaces_whole_and_is_readable_by_others(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with files.atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    ordinary = tmp_path / "b.txt"
    ordinary.touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_tuned_malloc_keeps_its_pages() -> None:
    code = """
import ctypes, resource, sys
from fast_style import malloc
if sys.argv[1] == "tuned": malloc.tune()
c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
size = 48 << 20
def use():
    block = c.malloc(size); ctypes.memset(block, 1, size); c.free(block)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10): use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

    def faults(how: str) -> int:
        return int(subprocess.run([sys.executable, "-c", code, how], capture_output=True, check=True).stdout)

    assert faults("tuned") * 20 < faults("plain")


def test_malloc_tuning_does_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    malloc.tune()


def test_devices_are_checked() -> None:
    assert hardware.pick_device("cpu") == torch.device("cpu")
    assert hardware.pick_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(FastStyleError, match="unknown device 'fast'"):
        hardware.pick_device("fast")
    with pytest.raises(FastStyleError, match="device xpu is not available"):
        hardware.pick_device("xpu")


def test_a_compiler_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.shutil, "which", lambda name: None)
    assert not hardware.has_compiler(torch.device("cpu"))
    monkeypatch.setattr(hardware.shutil, "which", lambda name: "/usr/bin/g++")
    assert hardware.has_compiler(torch.device("cpu"))


def test_landscapes_are_reproducible_and_rich() -> None:
    a, b, c = scenes.landscape(96, 64, 7), scenes.landscape(96, 64, 7), scenes.landscape(96, 64, 8)
    assert a.shape == (64, 96, 3)
    assert a.dtype == np.uint8
    assert np.array_equal(a, b)
    assert np.abs(a.astype(int) - c).mean() > 5
    sky, water = a[:10].astype(int), a[-10:].astype(int)
    assert sky[..., 2].mean() > sky[..., 0].mean()
    assert water.mean() < sky.mean()
    assert len(np.unique(a.reshape(-1, 3), axis=0)) > 2000
