"""Run decoding, inference and encoding at the same time, in threads joined by bounded queues."""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")

# How long a thread waits for its neighbour before it checks whether the work was cancelled.
POLL_S = 0.1
# How long one that may stall is waited for when it is no longer needed.
LEAVE_AFTER_S = 1.0
# How many strips of one picture are worked on at once.
PIXEL_THREADS = min(8, os.cpu_count() or 1)
_END = object()


class _Worker:
    """Holds a thread, the queue between it and its neighbour, its error, and the event that ends it."""

    def __init__(self, name: str, length: int) -> None:
        self.name = name
        self.items: queue.Queue[Any] = queue.Queue(length)
        self.cancelled = threading.Event()
        self.error: BaseException | None = None
        self.thread: threading.Thread | None = None

    def start(self, work: Callable[[], None]) -> None:
        self.thread = threading.Thread(target=self._run, args=(work,), name=self.name, daemon=True)
        self.thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # raised again in the thread that waits for this one
            self.error = error
            self.cancelled.set()

    def put(self, item: Any) -> bool:
        """Put an item into the queue, waiting for room; return False when the work was cancelled."""
        while not self.cancelled.is_set():
            try:
                self.items.put(item, timeout=POLL_S)
                return True
            except queue.Full:
                continue
        return False

    def get(self) -> Any:
        """Take an item from the queue, waiting for one; return the end mark when the work was cancelled."""
        while True:
            try:
                return self.items.get(timeout=POLL_S)
            except queue.Empty:
                if self.cancelled.is_set():
                    return _END

    def end(self, may_stall: bool) -> None:
        """Let the thread end, and wait for it; where it may hang in a system call not for ever."""
        self.cancelled.set()
        if self.thread:
            self.thread.join(LEAVE_AFTER_S if may_stall else None)

    def join(self) -> None:
        if self.thread:
            self.thread.join()
        if self.error:
            raise self.error


@contextmanager
def ahead(items: Iterable[Item], length: int = 4, may_stall: bool = False) -> Iterator[Iterator[Item]]:
    """Yield the same items, made in a thread that is up to `length` items ahead; its errors are raised here.

    When the block is left, for whatever reason, the thread has ended, unless `may_stall`: a thread that waits for the
    other end of a pipe is then left alone.
    """
    worker = _Worker("ahead", length)

    def work() -> None:
        for item in items:
            if not worker.put(item):
                return
        worker.put(_END)

    def taken() -> Iterator[Item]:
        while (item := worker.get()) is not _END:
            yield item
        worker.join()

    worker.start(work)
    try:
        yield taken()
    finally:
        worker.end(may_stall)


@contextmanager
def behind(
    consume: Callable[[Item], None], length: int = 4, may_stall: bool = False
) -> Iterator[Callable[[Item], None]]:
    """Yield a function that hands items to `consume`, in a thread, and waits only when `length` of them are due.

    Its errors are raised by the next call or at the end of the block. All items are consumed when the block ends well
    or by an interruption; when it ends by another error, or by an interruption and `may_stall`, those that wait are
    dropped, and a thread that waits for the other end of a pipe is left alone.
    """
    worker = _Worker("behind", length)

    def work() -> None:
        while (item := worker.get()) is not _END:
            consume(item)

    def give(item: Item) -> None:
        if not worker.put(item):
            worker.join()

    worker.start(work)
    try:
        yield give
        worker.put(_END)
        worker.join()
    except KeyboardInterrupt:
        if not may_stall:
            worker.put(_END)
            worker.join()
        raise
    finally:
        worker.end(may_stall)


def overlapped(jobs: Iterable[Callable[[], Item]], concurrency: int) -> Iterator[Item]:
    """Yield what the jobs return, in their order; `concurrency` of them run at the same time, one in this thread.

    Jobs are taken, in order, by the calling thread, `concurrency` ahead of the result that it waits for.
    """
    if concurrency == 1:
        yield from (job() for job in jobs)
        return
    due: deque[Future[Item]] = deque()
    with ThreadPoolExecutor(concurrency) as pool:
        for job in jobs:
            due.append(pool.submit(job))
            if len(due) > concurrency:
                yield due.popleft().result()
        while due:
            yield due.popleft().result()
