import subprocess
import sys

import pytest

from fast_style.system import malloc


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_tuned_malloc_keeps_its_pages() -> None:
    code = """
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

    def faults(how: str) -> int:
        return int(subprocess.run([sys.executable, "-c", code, how], capture_output=True, check=True).stdout)

    assert faults("tuned") * 20 < faults("plain")


def test_malloc_tuning_does_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    malloc.tune()
