"""Admit requests and run them: a bounded queue, a time limit for each, cancellation when the client goes away."""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.exceptions import HTTPException

from ..options import RuntimeOptions, ServerOptions
from ..stylizer import Stylizer
from .batching import Worker
from .cancellation import CancellationToken, Cancelled
from .memory import PixelBudget
from .messages import plain_message
from .metrics import Metrics
from .repository import FileWatch, ModelRepository, ServedModel

Result = TypeVar("Result")

log = logging.getLogger("fast_style.server")

# How many pictures of the largest size are decoded at a time; of smaller ones more.
PICTURES_AT_ONCE = 2
# Requests that may be received at a time, as a multiple of the queue.
UPLOADS = 2


class Service:
    """Hold the models, one worker per device, and a pool of threads that decode, prepare and encode."""

    def __init__(self, options: ServerOptions, runtime: RuntimeOptions) -> None:
        """Load the models and start the threads. Raises FastStyleError for options that cannot be met."""
        self.options = options
        self.streams = 0
        self.budget = PixelBudget(PICTURES_AT_ONCE * options.pixels)
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
        self.models = ModelRepository(options.models, runtime, self._workers)
        # A batch in the network, the next one in preparation, and one more per core that is encoded.
        threads = 2 * options.batch_size * len(devices) + (os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="picture")

    @property
    def full(self) -> bool:
        """Return whether the queue is full."""
        return self._admitted >= self.options.queue

    def check_queue(self) -> None:
        """Raise HTTPException (503) when the queue is full."""
        if self.full:
            text = f"all {self.options.queue} places of the queue are taken; try again"
            raise HTTPException(503, text, {"Retry-After": "1"})

    @contextlib.contextmanager
    def receiving(self) -> Iterator[None]:
        """Count a request while its body is received. Raises HTTPException (503) when there are too many."""
        self.check_queue()
        if self._receiving >= UPLOADS * self.options.queue:
            raise HTTPException(503, "too many requests are being received; try again", {"Retry-After": "1"})
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1

    @contextlib.contextmanager
    def streaming(self) -> Iterator[None]:
        """Count a stream from before its handshake to its end. Raises HTTPException (503) when there are too many."""
        if self.streams >= self.options.streams:
            raise HTTPException(503, "all streams are taken")
        self.streams += 1
        try:
            yield
        finally:
            self.streams -= 1

    async def run(
        self,
        model: ServedModel,
        work: Callable[[Stylizer], Result],
        disconnected: Awaitable[object] | None = None,
        may_be_refused: bool = True,
    ) -> Result:
        """Return work(stylizer) from a thread of the pool; its calls of the network run in a device's worker.

        disconnected: ends when the client goes away. may_be_refused: False for the service's own small pictures.
        Raises HTTPException when the queue is full (503) or the time is over (504), Cancelled when the client went
        away, and what `work` raises.
        """
        if may_be_refused:
            self.check_queue()
        token = CancellationToken()
        result = asyncio.wrap_future(self._submit(model, work, token))
        # Retrieve the exception of work that was given up: nobody else does, and asyncio would log it.
        result.add_done_callback(lambda done: done.cancelled() or done.exception())
        ends: set[asyncio.Future[Any]] = {result}
        if disconnected is not None:
            ends.add(asyncio.ensure_future(disconnected))
        try:
            await asyncio.wait(ends, timeout=self.options.time_limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            token.cancelled = True
            for end in ends - {result}:
                end.cancel()
        if result.done():
            return result.result()
        if any(end.done() for end in ends):
            self.metrics.dropped.inc()
            raise Cancelled
        limit_s = self.options.time_limit_s
        text = f"it took longer than the limit of {limit_s:g} s; try a smaller size"
        raise HTTPException(504, text)

    def _submit(
        self, model: ServedModel, work: Callable[[Stylizer], Result], token: CancellationToken
    ) -> "Future[Result]":
        with self._lock:
            device = self._loads.index(min(self._loads))
            self._loads[device] += 1
            self._admitted += 1

        def job() -> Result:
            with self._lock:
                self._working += 1
            try:
                token.check()
                with token:
                    return work(model.stylizers[device])
            finally:
                with self._lock:
                    self._working -= 1
                    self._admitted -= 1
                    self._loads[device] -= 1

        return self._pool.submit(job)

    async def watch_models(self, every_s: float = 1.0) -> None:
        """Load new and changed models until cancelled; what goes wrong is logged once, and the models stay."""
        is_complete = FileWatch()
        last = ""
        while True:
            await asyncio.sleep(every_s)
            try:
                await asyncio.to_thread(self.models.refresh, is_complete)
                problem = ""
            except Exception as error:  # a folder that was removed, a disk that fails: the service goes on
                problem = plain_message(error)
            if problem and problem != last:
                log.warning("the models cannot be refreshed, the loaded ones stay: %s", problem)
            last = problem

    def close(self) -> None:
        """Finish what was admitted, then end the threads."""
        self._pool.shutdown(wait=True)
        for worker in self._workers:
            worker.stop()
