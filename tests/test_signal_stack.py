import signal
import subprocess
import sys
from pathlib import Path

import pytest

# In a process of its own: what is tested for ends the process.
CHILD = """
import gc, os, signal, sys
import numpy as np
from pathlib import Path
from fast_style import Stylizer

stylizers = [Stylizer.load(Path(sys.argv[1]), device="cpu", engine="openvino") for _ in range(2)]
for stylizer in stylizers:
    stylizer(np.zeros((1, 3, 64, 64), np.float32))
del stylizer
while stylizers:  # the first one first: what it found is not what the second one found
    del stylizers[0]
    gc.collect()
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_signals_are_handled_after_models_are_gone(tiny: Path) -> None:
    pytest.importorskip("openvino")
    for precision in ("auto", "bf16", "fp32"):
        child = CHILD.replace('engine="openvino"', f'engine="openvino", precision="{precision}"')
        done = subprocess.run([sys.executable, "-c", child, str(tiny)], capture_output=True, text=True)
        assert done.returncode != -signal.SIGSEGV
        assert done.stdout == "handled\n", done.stderr
