"""One thread per device that runs the networks; calls that may go together go together."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engines import Engine
from ..engines.tiling import Box, Tile
from .errors import Dropped

Array = NDArray[np.float32]

# Beyond this many pixels a batch gains nothing and its activations take memory: 8 pictures of 512 x 512.
BATCH_PIXELS = 8 * 512 * 512


class Ticket:
    """A request's right to be worked on; given back when its client goes away or its time is over."""

    _local = threading.local()

    def __init__(self) -> None:
        self.dropped = False

    def check(self) -> None:
        """Raise Dropped when nobody waits any more."""
        if self.dropped:
            raise Dropped

    def __enter__(self) -> None:
        self._local.ticket = self

    def __exit__(self, *_: object) -> None:
        del self._local.ticket

    @classmethod
    def current(cls) -> "Ticket":
        """That of the request which this thread works on."""
        return getattr(cls._local, "ticket", None) or cls()


class Call:
    """A call of an engine that waits for its turn."""

    def __init__(self, run: Callable[..., Any], image: Any, key: object) -> None:
        self.run = run
        self.image = image
        self.key = key
        self.ticket = Ticket.current()
        self.since = time.monotonic()
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        """Hand the answer to the thread that waits for it."""
        self.result, self.error = result, error
        self.done.set()


class Worker:
    """The thread of a device. `expected` tells how many calls may yet come: without others there is no waiting."""

    def __init__(
        self, batch_size: int, wait_s: float, expected: Callable[[], int], observe: Callable[[int], object]
    ) -> None:
        self.batch_size = batch_size
        self.wait_s = wait_s
        self._expected = expected
        self._observe = observe
        self._waiting: list[Call] = []
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._loop, name="inference", daemon=True)
        self._thread.start()

    def run(self, run: Callable[..., Any], image: Any = None, key: object = None) -> Any:
        """`run(image)` in the worker's thread; (1, 3, H, W) images of equal `key` are stacked, no key means alone."""
        call = Call(run, image, key)
        with self._changed:
            self._waiting.append(call)
            self._changed.notify_all()
        call.done.wait()
        if call.error is not None:
            raise call.error
        return call.result

    def stop(self) -> None:
        """End the thread after the calls that wait."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if not self._waiting:
                    return
                group = self._take()
            if group:
                self._observe(len(group))
                _run(group)

    def _take(self) -> list[Call]:
        """The oldest call with those that may go along, after a short wait for more."""
        first = self._waiting[0]
        group = [first]
        if first.key is not None:
            most = max(1, min(self.batch_size, BATCH_PIXELS // (first.image.shape[-1] * first.image.shape[-2])))

            def like() -> list[Call]:
                return [call for call in self._waiting if call.key == first.key][:most]

            left = first.since + self.wait_s - time.monotonic()
            self._changed.wait_for(lambda: len(like()) >= min(most, self._expected()), timeout=max(0.0, left))
            group = like()
        self._waiting = [call for call in self._waiting if call not in group]
        for call in group:
            if call.ticket.dropped:
                call.finish(error=Dropped())
        return [call for call in group if not call.done.is_set()]


def _run(group: list[Call]) -> None:
    """Instance norm is per picture: a batch gives what each picture alone would."""
    if len(group) > 1:
        try:
            results = group[0].run(np.concatenate([call.image for call in group]))
        except Exception:  # one by one it may fit into memory, and only the guilty one gets the error
            results = None
        if results is not None:
            for i, call in enumerate(group):
                call.finish(results[i : i + 1])
            return
    for call in group:
        try:
            call.finish(call.run(call.image))
        except BaseException as error:  # it belongs to the thread that asked
            call.finish(error=error)


class BatchingEngine:
    """An engine whose calls, from any thread, run in the worker's: a `Stylizer` on top of it needs to know nothing."""

    def __init__(self, engine: Engine, worker: Worker) -> None:
        self._engine = engine
        self._worker = worker
        self.info = engine.info
        self.style_gram = engine.style_gram
        self.stride = engine.stride
        self.reach_px = engine.reach_px
        self.bytes_per_px = engine.bytes_per_px
        self.measures_tiles, self.concurrency = engine.measures_tiles, engine.concurrency

    @property
    def memory_bytes(self) -> int:
        """As the engine's own."""
        return self._engine.memory_bytes

    def __call__(self, image: Any, blend: Array | None = None, statistics: Array | None = None) -> Any:
        """As the engine's own call; raises Dropped when nobody waits for the picture any more."""
        Ticket.current().check()
        weights = None if blend is None else np.ascontiguousarray(blend)
        per_picture = weights is None or weights.ndim == 1
        key = None
        if isinstance(image, np.ndarray) and len(image) == 1 and per_picture and statistics is None:
            key = (id(self), image.shape, b"" if weights is None else weights.tobytes())
        return self._worker.run(lambda batch: self._engine(batch, weights, statistics), image, key)

    def measure(self, image: Array, blend: Array) -> Array:
        """As the engine's own."""
        result: Array = self._worker.run(lambda one: self._engine.measure(one, blend), image)
        return result

    def measure_tiles(
        self,
        tiles: Sequence[Tile],
        image: Callable[[Box], Array],
        blend: Callable[[Box], Array],
        tick: Callable[[], None] = lambda: None,
    ) -> Array:
        """As the engine's own; ends between two tiles when nobody waits any more."""
        ticket = Ticket.current()

        def tick_while_wanted() -> None:
            ticket.check()
            tick()

        run = self._engine.measure_tiles
        result: Array = self._worker.run(lambda _: run(tiles, image, blend, tick_while_wanted))
        return result
