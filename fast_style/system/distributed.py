"""Join the processes that train together: shares of a batch, sums over the processes, agreement about errors.

Gradients are summed in one message after the backward pass, not by `DistributedDataParallel`: the whole network is
smaller than one of its buckets, so that nothing could be sent during the backward pass; and losses that are no means
over pictures, batches that processes share unevenly and the losses to log take the same way.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

from ..errors import FastStyleError
from .hardware import pick_device
from .launch import Launch, launched

Value = TypeVar("Value")


class ReportedElsewhere(FastStyleError):
    """Report on the other processes the error of one, whose own process tells it to the user."""


class Group:
    """Be the only process; the base of groups of several, which define `sum_`, `gather` and `broadcast`."""

    def __init__(self, device: str = "auto", launch: Launch | None = None) -> None:
        self.device, self.launch = device, launch
        self.rank, self.count = (launch.rank, launch.count) if launch else (0, 1)

    def sum_(self, tensor: Tensor) -> None:
        """Replace a tensor, of one shape on every process, by its sum over the processes."""

    def gather(self, value: Value) -> list[Value]:
        """Return the value of every process, by rank."""
        return [value]

    def broadcast(self, value: Value) -> Value:
        """Return the value of the first process."""
        return value

    def close(self) -> None:
        """Leave the group."""

    @property
    def is_first(self) -> bool:
        """Return whether this is the process that writes files and reports."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """Return the positions of this process's part of a batch of `count` pictures.

        A process without a part gets the first picture, with a `weight` of 0.
        """
        return self._part(count) or range(1)

    def weight(self, count: int) -> float:
        """Return the weight of this process's mean in the mean of a batch of `count` pictures."""
        return len(self._part(count)) / count

    def _part(self, count: int) -> range:
        return range(self.rank * count // self.count, (self.rank + 1) * count // self.count)

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set on any process."""
        if self.count == 1:
            return flag
        total = torch.tensor(float(flag))
        self.sum_(total)
        return bool(total)

    def of_first(self, number: float) -> float:
        """Return the number of the first process."""
        if self.count == 1:
            return number
        total = torch.tensor(number if self.is_first else 0.0, dtype=torch.float64)
        self.sum_(total)
        return total.item()

    def union(self, items: list[Value]) -> list[Value]:
        """Return the items of all processes, by rank."""
        return [item for part in self.gather(items) for item in part] if self.any(bool(items)) else []

    def average_(self, tensors: Sequence[Tensor], weight: float) -> None:
        """Replace float32 tensors by their sum over the processes, each weighted, in one message."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.detach().flatten() for tensor in tensors]).mul_(weight)
        self.sum_(flat)
        parts = flat.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def batch_mean(self, mean: Tensor, count: int) -> Tensor:
        """Return the mean over a batch of `count` pictures, from the mean over this process's share of it.

        The gradient goes to the share's mean unchanged: once gradients are averaged with the same weights, that is the
        gradient of any function of the batch's mean.
        """
        return mean if self.count == 1 else self._batch_mean(mean, count)

    @torch.compiler.disable  # which interrupts the compiled step where several processes train, not elsewhere
    def _batch_mean(self, mean: Tensor, count: int) -> Tensor:
        whole = mean.detach() * self.weight(count)
        self.sum_(whole)
        return mean + (whole - mean.detach())

    @contextmanager
    def agreeing(self) -> Iterator[None]:
        """Run a block on every process; where it raises FastStyleError on one, it raises on all.

        The process with the lowest rank of those raises its error, the others ReportedElsewhere. The block itself must
        not use the group.
        """
        error = None
        try:
            yield
        except FastStyleError as raised:
            error = raised
        if self.any(error is not None):
            texts = self.gather(str(error) if error else None)
            first = next(rank for rank, text in enumerate(texts) if text is not None)
            raise error if error and first == self.rank else ReportedElsewhere(f"process {first}: {texts[first]}")


class ProcessGroup(Group):
    """Hold the processes of one launch: NCCL sums what lies on GPUs, Gloo what lies on the CPU."""

    def __init__(self, device: str, launch: Launch) -> None:
        """Wait until all processes are there. Raises FastStyleError where they cannot reach each other."""
        import torch.distributed as dist
        from torch.distributed.rendezvous import rendezvous

        super().__init__(_own_device(device, launch), launch)
        self._dist, self._is_ours = dist, not dist.is_initialized()
        with _one_line():
            if self._is_ours:
                store, rank, count = next(rendezvous("env://"))
                # torchrun keeps its store when it starts processes again, and with it the addresses of those that died.
                store = dist.PrefixStore(f"restart {launch.restarts} of {count}", store)
                backend = "nccl" if self.device.startswith("cuda") else "gloo"
                dist.init_process_group(backend, store=store, rank=rank, world_size=count)
            # What the processes agree on every step lies on the CPU, so that no step waits for a GPU.
            self._cpu: Any = dist.new_group(backend="gloo")

    def sum_(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over the processes."""
        with _one_line():
            self._dist.all_reduce(tensor, group=self._cpu if tensor.device.type == "cpu" else None)

    def gather(self, value: Value) -> list[Value]:
        """Return the value of every process, by rank; it is pickled."""
        values: list[Any] = [None] * self.count
        with _one_line():
            self._dist.all_gather_object(values, value, group=self._cpu)
        return values

    def broadcast(self, value: Value) -> Value:
        """Return the value of the first process; it is pickled."""
        values = [value]
        with _one_line():
            self._dist.broadcast_object_list(values, group=self._cpu)
        return values[0]

    def close(self) -> None:
        """Leave the group once all processes have come here."""
        self.any(False)
        if self._is_ours:
            self._dist.destroy_process_group()


def join(device: str) -> Group:
    """Return the group of the processes that were launched with this one, or the group of this one alone.

    device: as `pick_device` takes it; `auto` and `cuda` become the GPU of the process's number on its machine. Raises
    FastStyleError where that GPU is not there, and where the processes cannot reach each other.
    """
    launch = launched()
    return ProcessGroup(device, launch) if launch else Group(device)


def _own_device(device: str, launch: Launch) -> str:
    """Return the device of this process: the CPU, or the GPU of its number on this machine."""
    if device.startswith("cuda:") and launch.count > 1:
        raise FastStyleError(f"`device` {device} is one GPU, for {launch.count} processes; leave it out")
    own = pick_device(device)
    gpus = torch.cuda.device_count()
    if own.type == "cuda" and launch.local_rank >= gpus:
        raise FastStyleError(f"{gpus} GPUs for more processes on this machine; start {gpus}, or choose `device` cpu")
    if own.type not in ("cpu", "cuda"):
        raise FastStyleError(f"several processes do not train on {device}; choose `device` cpu")
    if own.type == "cuda":
        torch.cuda.set_device(own)
    return str(own)


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn what the backends raise into one line."""
    try:
        yield
    except RuntimeError as error:  # of Gloo and NCCL; torch.distributed.DistError is one
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FastStyleError(f"lost the other processes of this training ({reason})") from error
