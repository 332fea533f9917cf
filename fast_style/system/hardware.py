"""Choose the device and the arithmetic that `auto` stands for."""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import torch

from ..errors import FastStyleError
from .launch import launched

log = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def pick_device(name: str) -> torch.device:
    """Return the device of that name; `auto` is CUDA, else MPS, else the CPU.

    Processes that torchrun started take turns at the GPUs of their machine, unless the name has a number. Raises
    FastStyleError for a device that this machine does not have.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise FastStyleError(f"unknown device {name!r}; choose auto, cpu, cuda, cuda:1 or mps") from error
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not here.get(device.type, False):
        raise FastStyleError(f"device {name} is not available on this machine; choose cpu or auto")
    launch = launched()
    if launch and device.type == "cuda" and device.index is None:
        return torch.device("cuda", launch.local_rank % torch.cuda.device_count())
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise FastStyleError(f"device {name} is not there; this machine has {torch.cuda.device_count()} GPUs")
    return device


def has_fast_bf16(device: torch.device) -> bool:
    """Return whether bf16 convolutions are faster than float32: GPUs since Ampere, CPUs with AVX512-BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


def pick_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Return the type of that precision, a name of DTYPES; `auto` is bf16 where that is faster, else float32."""
    if precision == "auto":
        precision = "bf16" if has_fast_bf16(device) else "fp32"
    return DTYPES[precision]


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Let torch use algorithms alone that give the same bits each time, on GPUs too, while the block runs.

    Raises FastStyleError for an operation that has no such algorithm. It has to enclose the first use of a GPU.
    """
    if not wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS refuses; read when it starts
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        reason = str(error).partition(". ")[0].partition("\n")[0]
        raise FastStyleError(f"`deterministic`: {reason}; leave that option out") from error
    finally:
        torch.use_deterministic_algorithms(before)


def has_compiler(device: torch.device) -> bool:
    """Return whether torch.compile can build for the device: Triton for CUDA, a C++ compiler for the CPU."""
    if device.type == "cuda":
        from torch.utils._triton import has_triton

        return has_triton()
    return any(shutil.which(name) for name in ("c++", "g++", "clang++", "cl"))


def compiled(function: Callable[Arguments, Result], device: torch.device, what: str) -> Callable[Arguments, Result]:
    """Return `function` compiled by torch.compile at its first call, once for each shape.

    Where that fails the function runs as it is, and a warning is logged. what: the work, as the warning calls it.
    """
    if not has_compiler(device):
        log.warning("no compiler found: %s without torch.compile", what)
        return function
    quick, works = torch.compile(function, dynamic=False), True

    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        nonlocal works
        if works:
            try:
                return quick(*args, **kwargs)
            except torch._dynamo.exc.TorchDynamoException as error:
                log.warning("torch.compile failed (%s): %s without it", type(error).__name__, what)
                works = False
        return function(*args, **kwargs)

    return run
