"""Copy between the CPU and a device while another picture is computed in a second thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_streams = threading.local()


@contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """Run the block's CUDA work on a stream of the calling thread's own; results leave it by `download`."""
    if device.type != "cuda":
        yield
        return
    known = _streams.__dict__
    if str(device) not in known:
        known[str(device)] = torch.cuda.Stream(device)
    with torch.cuda.stream(known[str(device)]):
        yield


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to the device; from the CPU to CUDA through pinned memory, without waiting."""
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def download(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to the device; from CUDA to the CPU when all that the stream was asked for is done."""
    if device.type != "cpu" or tensor.device.type != "cuda":
        return tensor.to(device)
    here = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    here.copy_(tensor, non_blocking=True)
    torch.cuda.current_stream(tensor.device).synchronize()
    return here
