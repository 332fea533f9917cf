"""Start commands as several processes, as a user would with torchrun."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PROJECT = Path(__file__).parents[1]


def torchrun(*arguments: str, processes: int = 2, restarts: int = 0) -> "subprocess.Popen[str]":
    """Start a script of the project with its arguments."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [*launcher, f"--max-restarts={restarts}", "--monitor-interval=0.1", *arguments]
    return subprocess.Popen(command, cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def kill(launcher: "subprocess.Popen[str]", rank: int) -> None:
    """Kill the process of that rank at once, without a chance to tidy up."""
    for process in psutil.Process(launcher.pid).children(recursive=True):
        if process.environ().get("RANK") == str(rank):
            process.kill()
            return
    raise AssertionError(f"no process of rank {rank}")


def wait_until(reached: Callable[[], bool], launcher: "subprocess.Popen[str]", timeout_s: float = 900) -> None:
    """Wait until something is true while the processes run."""
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert launcher.poll() is None, launcher.communicate()[0]
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)
