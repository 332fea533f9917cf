"""Time one case in a process of its own: `python -m fast_style.benchmark.worker CASE.json OUT.npy`.

Once it is prepared, the process writes a line of JSON with what is known of the case. For each line that it then reads
it makes one pass and answers with its seconds. At the end of input it saves the last result in OUT.npy and answers with
the memory that it took.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from .cases import Case, prepare


def main(case_file: str, target: str) -> None:
    """Answer each line of standard input until there are no more."""
    case = Case(**json.loads(Path(case_file).read_text()))
    answers = sys.stdout
    sys.stdout = sys.stderr  # keep what libraries print out of the answers
    run, flops = prepare(case)
    result: Any = None
    answer(answers, {"flops": flops})
    for _ in sys.stdin:
        start = time.perf_counter()
        result = run()
        answer(answers, {"seconds": time.perf_counter() - start})
    np.save(target, result if isinstance(result, np.ndarray) else result.float().cpu().numpy())
    answer(answers, {"peak_bytes": peak_bytes(case.device)})


def peak_bytes(device: str) -> int:
    """Return the most memory that this process has used: on a GPU the device's, else its own resident memory."""
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
    """Write one line of JSON."""
    stream.write(json.dumps(content) + "\n")
    stream.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
