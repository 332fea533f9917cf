"""Run the networks in one thread per device, and put concurrent calls into batches (dynamic batching)."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engines import Engine
from ..engines.tiling import Box, Tile
from .cancellation import CancellationToken, Cancelled

Array = NDArray[np.float32]

# Beyond this many pixels a batch gains nothing and its activations take memory: 8 pictures of 512 x 512.
BATCH_PIXELS = 8 * 512 * 512


class Call:
    """Hold a call of an engine that waits to be run."""

    def __init__(self, run: Callable[..., Any], image: Any, key: object) -> None:
        self.run = run
        self.image = image
        self.key = key
        self.token = CancellationToken.current()
        self.since = time.monotonic()
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        """Hand the answer to the thread that waits for it."""
        self.result, self.error = result, error
        self.done.set()


class Worker:
    """Run the networks on one device, in a thread."""

    def __init__(
        self, batch_size: int, wait_s: float, expected: Callable[[], int], observe: Callable[[int], object]
    ) -> None:
        """Start the thread.

        batch_size: most pictures of a batch. wait_s: how long the first call of a batch waits for others. expected():
        how many requests are in work, as no batch waits for more calls than that. observe(size): told of each batch.
        """
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
        """Return run(image) from the worker's thread; images (1, 3, H, W) of equal `key` are put into one batch.

        Without a key the call runs alone. Raises what `run` raises, and Cancelled.
        """
        call = Call(run, image, key)
        with self._changed:
            self._waiting.append(call)
            self._changed.notify_all()
        call.done.wait()
        if call.error is not None:
            raise call.error
        return call.result

    def stop(self) -> None:
        """Run the calls that wait, then end the thread."""
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
        """Take the oldest call and those of its key out of the queue, after a short wait for more of them."""
        first = self._waiting[0]
        group = [first]
        if first.key is not None:
            limit = max(1, min(self.batch_size, BATCH_PIXELS // (first.image.shape[-1] * first.image.shape[-2])))

            def batch() -> list[Call]:
                return [call for call in self._waiting if call.key == first.key][:limit]

            left_s = first.since + self.wait_s - time.monotonic()
            self._changed.wait_for(lambda: len(batch()) >= min(limit, self._expected()), timeout=max(0.0, left_s))
            group = batch()
        self._waiting = [call for call in self._waiting if call not in group]
        for call in group:
            if call.token.cancelled:
                call.finish(error=Cancelled())
        return [call for call in group if not call.done.is_set()]


def _run(group: list[Call]) -> None:
    """Run a batch; instance norm is per picture, so that each gets what it would get alone."""
    if len(group) > 1:
        try:
            results = group[0].run(np.concatenate([call.image for call in group]))
        except Exception:  # one by one it may fit into memory, and only the faulty one gets the error
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
    """Wrap an engine so that its calls, from any thread, run in batches in the worker's thread; for a `Stylizer`."""

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
        """Return the memory of the engine's device, in bytes."""
        return self._engine.memory_bytes

    def __call__(self, image: Any, blend: Array | None = None, statistics: Array | None = None) -> Any:
        """Run the engine on a batch, with its own arguments; raises Cancelled after the request was given up."""
        CancellationToken.current().check()
        weights = None if blend is None else np.ascontiguousarray(blend)
        per_picture = weights is None or weights.ndim == 1
        key = None
        if isinstance(image, np.ndarray) and len(image) == 1 and per_picture and statistics is None:
            key = (id(self), image.shape, b"" if weights is None else weights.tobytes())
        return self._worker.run(lambda batch: self._engine(batch, weights, statistics), image, key)

    def predict_blend(self, painting: Array) -> Array:
        """Predict the blend that paints like a painting as the engine does."""
        result: Array = self._worker.run(lambda one: self._engine.predict_blend(one), painting)
        return result

    def measure(self, image: Array, blend: Array) -> Array:
        """Measure the statistics of a picture as the engine does."""
        result: Array = self._worker.run(lambda one: self._engine.measure(one, blend), image)
        return result

    def measure_tiles(
        self,
        tiles: Sequence[Tile],
        image: Callable[[Box], Array],
        blend: Callable[[Box], Array],
        tick: Callable[[int], None] = lambda of: None,
    ) -> Array:
        """Measure tiles as the engine does; raises Cancelled between two tiles after the request was given up."""
        token = CancellationToken.current()

        def tick_or_stop(of: int) -> None:
            token.check()
            tick(of)

        run = self._engine.measure_tiles
        result: Array = self._worker.run(lambda _: run(tiles, image, blend, tick_or_stop))
        return result
