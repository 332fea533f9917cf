"""Between NumPy and a device, so that the copies of one picture overlap the work on another in a second thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_streams = threading.local()


@contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """What the block does on a CUDA device goes to a stream of the calling thread's own; leave it by `download`."""
    if device.type != "cuda":
        yield
        return
    known = _streams.__dict__
    if str(device) not in known:
        known[str(device)] = torch.cuda.Stream(device)
    with torch.cuda.stream(known[str(device)]):
        yield


def upload(array: NDArray[Any], device: torch.device) -> Tensor:
    """To the device; on CUDA through pinned memory, without waiting."""
    here = torch.from_numpy(np.ascontiguousarray(array))
    return here.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else here.to(device)


def download(tensor: Tensor) -> NDArray[Any]:
    """From the device, when all that the stream was asked for is done."""
    if tensor.device.type != "cuda":
        return tensor.cpu().numpy()
    here = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    here.copy_(tensor, non_blocking=True)
    torch.cuda.current_stream(tensor.device).synchronize()
    return here.numpy()
