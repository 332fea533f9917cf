"""Memory allocation: freed pages stay in the process."""

import ctypes
import os
import subprocess
import sys

import pytest

from fast_style.system import malloc

COUNT_PAGE_FAULTS = """
import ctypes, resource, sys
from fast_style.system import malloc
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


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_tuned_malloc_keeps_its_pages() -> None:
    def faults(how: str) -> int:
        command = [sys.executable, "-c", COUNT_PAGE_FAULTS, how]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    assert faults("tuned") * 20 < faults("plain")


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_allocator_is_left_alone_elsewhere(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[object] = []
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", touched.append)
    malloc.tune()
    assert not touched


def test_a_c_library_without_the_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())  # such as musl
    for before, after in (({}, "1"), ({"THP_MEM_ALLOC_ENABLE": "0"}, "0")):  # what the user set stays
        monkeypatch.setattr(os, "environ", before)
        malloc.tune()
        assert before == {"THP_MEM_ALLOC_ENABLE": after}


GIVE_BACK = """
import ctypes
from fast_style.system import malloc
malloc.tune()
c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
size = 96 << 20
block, above = c.malloc(size), c.malloc(1 << 20)  # the upper one keeps the lower one from the end of the heap
ctypes.memset(block, 1, size)
c.free(block)
def resident(): return int(open("/proc/self/statm").read().split()[1])
before = resident()
malloc.give_back()
print((before - resident()) * resource.getpagesize() / size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_freed_memory_is_given_back_when_that_is_asked_for() -> None:
    command = [sys.executable, "-c", "import resource\n" + GIVE_BACK]
    assert float(subprocess.run(command, capture_output=True, check=True).stdout) > 0.9
