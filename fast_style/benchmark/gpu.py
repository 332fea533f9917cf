"""Measure a GPU from end to end within a time budget: `python -m fast_style.benchmark.gpu`.

The parts run in this order: the machine and its peak rates, training, painting with frames on the device, painting with
frames from and to host memory. Every measurement is a line that is printed at once, so that it is not lost when the
machine is. A part that fails prints its error and the next part goes on. The script measures the time budget itself,
between parts, because a signal to a process that compiles may leave it hanging. It needs torch, NumPy and Pillow alone.
"""

import argparse
import gc
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Thread

import torch

from ..system.hardware import pick_device
from . import gpu_machine, gpu_painting, gpu_training
from .gpu_machine import Setup

Measurement = Callable[[Setup], Iterator[str]]
Part = tuple[str, Callable[[], Iterator[str]]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all parts that fit into the time budget."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stdout)  # a training that could not be compiled warns of it
    # The parts share what they compile, and so does a second run.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(tempfile.gettempdir()) / "fast_style_inductor"))
    setup = Setup(pick_device(asked.device), asked.small, asked.model, asked.vgg_weights, not asked.no_compile)
    if setup.on_gpu:
        if setup.device.index is not None:  # without a number it is the present one
            torch.cuda.set_device(setup.device)  # whose streams and graphs are meant
        torch.backends.cudnn.benchmark = True  # as training does
    try:
        run_parts(list_parts(setup), asked.seconds)
    finally:
        _stop_compile_workers()


def list_parts(setup: Setup) -> list[Part]:
    """Return the parts in their order, by name; each yields the lines to print."""
    parts: list[tuple[str, Measurement]] = [
        ("machine", gpu_machine.describe),
        ("matrix product", gpu_machine.matrix_product),
        ("convolutions", gpu_machine.convolutions),
        ("training, eager", partial(gpu_training.eager, padding="replicate", profiles=True)),
        ("training, eager, VGG padding zeros", partial(gpu_training.eager, padding="zeros", profiles=False)),
        ("training, compiled", gpu_training.compiled),
    ]
    for size in setup.sizes:
        for form, name in [
            (gpu_painting.eager, "fp16"),
            (gpu_painting.eager, "bf16"),
            (gpu_painting.compiled, "bf16"),
            (gpu_painting.compiled, "fp16"),
        ]:
            title = f"painting {size[0]}x{size[1]}, {form.__name__} {name}"
            parts.append((title, partial(form, size=size, precision=name)))
    parts += [
        (f"host to host {size[0]}x{size[1]}", partial(gpu_painting.host_to_host, size=size)) for size in setup.sizes
    ]
    wanted = [part for part in parts if setup.compiles or "compiled" not in part[0]]
    return [(name, partial(part, setup)) for name, part in wanted]


def run_parts(parts: Sequence[Part], budget_s: float) -> None:
    """Print the lines of each part, with the seconds since the start; skip the parts that begin after the budget."""
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {line}\n")
        sys.stdout.flush()

    for name, part in parts:
        if time.monotonic() - began > budget_s:
            say(f"{name}: skipped, the {budget_s:g} s are over")
            continue
        try:
            for line in part():
                say(f"{name}: {line}")
        except Exception as error:  # of any kind: the other parts are worth their time
            say(f"{name}: failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
        _free_memory()
    say("end")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m fast_style.benchmark.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or cpu (default: cuda)")
    parser.add_argument("--small", action="store_true", help="tiny pictures and few passes, to test the script")
    parser.add_argument("--model", default="wave", help="checkpoint to paint with, a file or a shipped name")
    parser.add_argument("--vgg-weights", type=Path, help="VGG19 weights for the training (default: random ones)")
    parser.add_argument("--seconds", type=float, default=170.0, help="begin no part after that time (default: 170)")
    parser.add_argument("--no-compile", action="store_true", help="leave out what needs torch.compile")
    return parser


def _free_memory() -> None:
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


def _stop_compile_workers() -> None:
    """Stop the processes that torch.compile keeps, where there are any, and wait at most ten seconds for them."""
    module = sys.modules.get("torch._inductor.async_compile")
    if module is not None:
        stopping = Thread(target=module.shutdown_compile_workers, daemon=True)  # by itself it may wait for minutes
        stopping.start()
        stopping.join(10)


if __name__ == "__main__":
    main()
    os._exit(0)  # all is printed; threads of a compiler or a driver could keep the process
