"""Pictures through the models: a bounded number at a time, each within its time, none for a client that is gone."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from ..options import RuntimeOptions, ServerOptions
from ..stylizer import Stylizer
from .errors import Dropped, RequestError
from .limits import Budget
from .metrics import Metrics
from .models import Model, Models, Settled
from .worker import Ticket, Worker

Result = TypeVar("Result")

# How many pictures of the largest size are decoded at a time; of smaller ones more.
PICTURES_AT_ONCE = 2
# Requests that may be on their way in, as a multiple of the queue.
UPLOADS = 2


class Service:
    """Models, their workers, and the threads that decode, prepare and encode beside them."""

    def __init__(self, options: ServerOptions, runtime: RuntimeOptions) -> None:
        self.options = options
        self.streams = 0
        self.budget = Budget(PICTURES_AT_ONCE * options.pixels)
        self._receiving = 0
        self._admitted = 0
        self._working = 0
        self._lock = threading.Lock()
        self.metrics = Metrics(lambda: self._admitted - self._working, lambda: self._working, lambda: self.streams)
        devices = runtime.device.split(",")
        self._loads = [0] * len(devices)  # pictures that each worker has been given
        wait_s = options.batch_wait_ms / 1000
        batches = self.metrics.batches
        self._workers = [Worker(options.batch_size, wait_s, lambda: self._working, batches.observe) for _ in devices]
        self.models = Models(options.models, runtime, self._workers)
        # A batch in the network, the next one in preparation, and one more per core that is encoded.
        threads = 2 * options.batch_size * len(devices) + (os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="picture")

    @property
    def full(self) -> bool:
        """Whether no further picture is taken in."""
        return self._admitted >= self.options.queue

    def check_room(self) -> None:
        """Raise RequestError (503) when the queue is full."""
        if self.full:
            raise RequestError(503, f"all {self.options.queue} places of the queue are taken; try again", 1)

    @contextlib.contextmanager
    def receiving(self) -> Iterator[None]:
        """For as long as a request's body comes in. Raises RequestError (503) when there are too many."""
        self.check_room()
        if self._receiving >= UPLOADS * self.options.queue:
            raise RequestError(503, "too many requests are being received; try again", 1)
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1

    async def run(
        self,
        model: Model,
        work: Callable[[Stylizer], Result],
        gone: Awaitable[object] | None = None,
        may_be_refused: bool = True,
    ) -> Result:
        """`work(stylizer)` in a thread, its network passes in the device's worker.

        gone: ends when the client goes away. may_be_refused: False for the service's own, few and small pictures.
        Raises RequestError (503) when the queue is full or the time is over, Dropped when the client has gone, and
        what `work` raises.
        """
        if may_be_refused:
            self.check_room()
        ticket = Ticket()
        future = self._submit(model, work, ticket)
        result = asyncio.wrap_future(future)
        # Where nobody waits any more, nobody will look at how it ended.
        result.add_done_callback(lambda done: done.cancelled() or done.exception())
        waits: set[asyncio.Future[Any]] = {result} if gone is None else {result, asyncio.ensure_future(gone)}
        try:
            await asyncio.wait(waits, timeout=self.options.time_limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ticket.dropped = True
            for wait in waits - {result}:
                wait.cancel()
        if result.done():
            return result.result()
        if any(wait.done() for wait in waits):
            self.metrics.dropped.inc()
            raise Dropped
        limit = self.options.time_limit_s
        raise RequestError(503, f"it took longer than the limit of {limit:g} s; try a smaller size", 5)

    def _submit(self, model: Model, work: Callable[[Stylizer], Result], ticket: Ticket) -> "Future[Result]":
        with self._lock:
            place = self._loads.index(min(self._loads))
            self._loads[place] += 1
            self._admitted += 1

        def job() -> Result:
            with self._lock:
                self._working += 1
            try:
                ticket.check()
                with ticket:
                    return work(model.stylizers[place])
            finally:
                with self._lock:
                    self._working -= 1
                    self._admitted -= 1
                    self._loads[place] -= 1

        return self._pool.submit(job)

    async def watch_models(self, every_s: float = 1.0) -> None:
        """Take new and changed models in, for ever."""
        settled = Settled()
        while True:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(self.models.refresh, settled)

    def close(self) -> None:
        """Finish what was taken in, then end the threads."""
        self._pool.shutdown(wait=True)
        for worker in self._workers:
            worker.stop()
