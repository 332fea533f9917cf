"""One case in a process of its own: `python -m fast_style.benchmark.worker CASE.json OUT.npy`.

For each line that it is sent it makes one pass and answers with its seconds; at the end of input it leaves the last
result in OUT.npy and says what memory it took.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from .cases import Case, prepare


def main(case_file: str, target: str) -> None:
    """Answer until there are no more lines."""
    content = json.loads(Path(case_file).read_text())
    answers = sys.stdout
    sys.stdout = sys.stderr  # what libraries say is no answer
    case = Case(**content)
    run, known = prepare(case)
    result: Any = None
    answer(answers, known)
    for _ in sys.stdin:
        start = time.perf_counter()
        result = run()
        answer(answers, {"seconds": time.perf_counter() - start})
    np.save(target, result if isinstance(result, np.ndarray) else result.float().cpu().numpy())
    answer(answers, {"peak_bytes": peak_bytes(case.device)})


def peak_bytes(device: str) -> int:
    """The most memory that this process has had: on a GPU the device's, else its own resident memory."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # Linux, where getrusage counts the parent's memory too
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def answer(stream: Any, content: dict[str, Any]) -> None:
    """One line of JSON."""
    stream.write(json.dumps(content) + "\n")
    stream.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
