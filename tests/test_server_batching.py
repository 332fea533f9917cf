"""Batches, time limits, cancelled work: the queue with a network whose speed and calls are known."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.exceptions import HTTPException

from fast_style.options import ServerOptions
from fast_style.server.batching import BATCH_PIXELS, BatchingEngine, Worker
from fast_style.server.cancellation import CancellationToken, Cancelled
from fast_style.server.memory import PixelBudget
from fast_style.server.service import Service
from fast_style.stylizer import Stylizer

from .serving import RUNTIME, reference, save_model


class Known:
    """An engine that inverts, slowly, and keeps note of its batches."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.info: dict[str, Any] = {"styles": [{"name": "a"}, {"name": "b"}]}
        self.style_gram: NDArray[np.floating] = np.eye(2)
        self.seconds = seconds
        self.batches: list[int] = []
        self.threads: set[str] = set()

        self.stride, self.reach_px, self.bytes_per_px, self.memory_bytes = 4, 8, 100, 10**9
        self.measures_tiles, self.concurrency = True, 1

    def __call__(self, image: Any, blend: Any = None, statistics: Any = None) -> Any:
        self.threads.add(threading.current_thread().name)
        self.batches.append(len(image))
        time.sleep(self.seconds)
        if (image > 2).any():
            raise ValueError("too bright")
        return 1 - image * blend[0]

    def predict_blend(self, painting: Any) -> Any:
        self.threads.add(threading.current_thread().name)
        return painting[0, :, 0, 0]

    def measure(self, image: Any, blend: Any) -> Any:
        self.threads.add(threading.current_thread().name)
        return image / 2

    def measure_tiles(self, tiles: Any, image: Any, blend: Any, tick: Any = None) -> Any:
        self.threads.add(threading.current_thread().name)
        for number in range(100):
            self.batches.append(number)
            time.sleep(self.seconds)
            tick(50)


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker(4, 0.2, lambda: 4, lambda size: None)
    yield worker
    worker.stop()


def together(works: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(work) for work in works]]


def image(value: float, side: int = 2) -> Any:
    return np.full((1, 3, side, side), value, np.float32)


FIRST = np.array([1, 0], np.float32)
SECOND = np.array([0, 1], np.float32)


def test_equal_sizes_and_blends_go_together(worker: Worker) -> None:
    known = Known()
    engine = BatchingEngine(known, worker)
    results = together([partial(engine, image(i / 10), FIRST) for i in range(4)])
    assert known.batches == [4]
    assert known.threads == {"inference"}
    for i, result in enumerate(results):
        assert np.allclose(result, 1 - i / 10)


def test_a_painting_is_looked_at_where_pictures_are_painted(worker: Worker) -> None:
    known = Known()
    assert BatchingEngine(known, worker).predict_blend(image(0.5)).tolist() == [0.5] * 3
    assert known.threads == {"inference"}


def test_others_go_apart(worker: Worker) -> None:
    known = Known()
    engine = BatchingEngine(known, worker)
    maps = np.zeros((2, 2, 2), np.float32)
    works = [(image(0), FIRST), (image(0), SECOND), (image(0, 3), FIRST), (image(0), maps)]
    together([partial(engine, *work) for work in works])
    assert known.batches == [1, 1, 1, 1]
    assert engine.measure(image(1), FIRST).max() == 0.5
    assert np.allclose(engine(image(1), FIRST, image(0)), 0)
    assert known.threads == {"inference"}


def test_large_pictures_are_not_piled_up(worker: Worker) -> None:
    known = Known()
    engine = BatchingEngine(known, worker)
    side = int((BATCH_PIXELS / 2) ** 0.5)
    together([lambda: engine(image(0, side), FIRST) for _ in range(4)])
    assert max(known.batches) <= 2


def test_one_bad_picture_does_not_spoil_the_batch(worker: Worker) -> None:
    engine = BatchingEngine(Known(), worker)

    def attempt(value: float) -> Any:
        try:
            return engine(image(value), FIRST)
        except ValueError as error:
            return str(error)

    good, bad, other = together([partial(attempt, v) for v in (0.0, 3.0, 0.5)])
    assert bad == "too bright"
    assert good.max() == 1
    assert other.max() == 0.5


def test_cancelled_work_does_not_reach_the_network() -> None:
    known = Known(0.3)
    worker = Worker(1, 0, lambda: 1, lambda size: None)
    engine = BatchingEngine(known, worker)
    token = CancellationToken()

    def cancelled() -> Any:
        with token:
            return engine(image(0), FIRST)

    with ThreadPoolExecutor(2) as pool:
        busy = pool.submit(engine, image(0), FIRST)
        time.sleep(0.1)
        waiting = pool.submit(cancelled)
        time.sleep(0.1)
        token.cancelled = True
        with pytest.raises(Cancelled):
            waiting.result()
        busy.result()
    assert known.batches == [1]
    with pytest.raises(Cancelled):
        cancelled()
    worker.stop()


def test_cancelled_work_ends_between_tiles(worker: Worker) -> None:
    known = Known(0.02)
    token = CancellationToken()
    threading.Timer(0.2, setattr, (token, "cancelled", True)).start()
    with token, pytest.raises(Cancelled):
        BatchingEngine(known, worker).measure_tiles([], lambda box: image(0), lambda box: FIRST)
    assert 1 < len(known.batches) < 50


def test_a_batch_gives_what_each_picture_alone_gives(tmp_path: Path) -> None:
    stylizer = reference(save_model(tmp_path / "m.pth", "a", "b"))
    sizes: list[int] = []
    worker = Worker(8, 0.5, lambda: 8, sizes.append)
    batched = Stylizer(BatchingEngine(stylizer.engine, worker))
    rng = np.random.default_rng(0)
    pictures = [rng.random((1, 3, 30, 40), np.float32) for _ in range(8)]
    results = together([partial(batched, one, style="b", strength=0.8) for one in pictures])
    worker.stop()
    assert sizes == [8]
    for one, result in zip(pictures, results, strict=True):
        assert np.abs(result - stylizer(one, style="b", strength=0.8)).max() < 1e-4


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    save_model(tmp_path / "m.pth", "a")
    service = Service(ServerOptions(models=tmp_path, queue=2, time_limit_s=0.3), RUNTIME)
    yield service
    service.close()


def test_the_queue_is_bounded_and_time_limited(service: Service) -> None:
    model = service.models.find()
    end = threading.Event()

    async def scene() -> list[Any]:
        slow = [asyncio.create_task(service.run(model, lambda _: end.wait(10))) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert service.full
        with pytest.raises(HTTPException) as refused:
            await service.run(model, lambda _: None)
        assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "1"})
        results = await asyncio.gather(*slow, return_exceptions=True)
        assert service.full  # the time is over, but the work is not
        end.set()
        while service.full:
            await asyncio.sleep(0.01)
        return [*results, await service.run(model, lambda _: "room again")]

    first, second, third = asyncio.run(scene())
    assert isinstance(first, HTTPException)
    assert isinstance(second, HTTPException)
    assert (first.status_code, first.detail) == (504, "it took longer than the limit of 0.3 s; try a smaller size")
    assert third == "room again"


def test_work_of_a_client_that_has_gone_is_cancelled(service: Service) -> None:
    model = service.models.find()
    tokens: list[CancellationToken] = []

    def work(_: Stylizer) -> None:
        tokens.append(CancellationToken.current())
        while not tokens[0].cancelled:
            time.sleep(0.01)

    async def scene() -> None:
        gone = asyncio.sleep(0.05)
        with pytest.raises(Cancelled):
            await service.run(model, work, gone)

    asyncio.run(scene())
    assert tokens[0].cancelled
    assert "fast_style_dropped_total 1.0" in service.metrics.text()[0].decode()


def test_pixels_in_work_are_bounded(service: Service) -> None:
    budget = PixelBudget(100)
    order: list[str] = []

    def hold(name: str, pixels: int, seconds: float) -> None:
        with budget.reserve(pixels):
            order.append(name)
            time.sleep(seconds)

    def later() -> None:
        time.sleep(0.1)
        hold("later", 60, 0)

    together([partial(hold, "small", 40, 0.1), partial(hold, "large", 50, 0.3), later])
    assert order.index("later") == 2
    token = CancellationToken()
    token.cancelled = True
    with budget.reserve(1), token, pytest.raises(Cancelled), budget.reserve(101):
        pass
    with budget.reserve(101):  # what needs more than there is runs alone
        pass


def test_two_devices_have_a_worker_each(tmp_path: Path) -> None:
    save_model(tmp_path / "m.pth", "a")
    service = Service(ServerOptions(models=tmp_path), replace(RUNTIME, device="cpu,cpu"))
    meet = threading.Barrier(2, timeout=10)
    model = service.models.find()
    assert len(model.stylizers) == 2

    def work(stylizer: Stylizer) -> int:
        worker = stylizer.engine._worker  # type: ignore[attr-defined]
        worker.run(lambda _: meet.wait())  # passes only when both workers work at a time
        return id(worker)

    async def scene() -> list[int]:
        first = asyncio.create_task(service.run(model, work))
        await asyncio.sleep(0.1)
        return list(await asyncio.gather(first, service.run(model, work)))

    assert len(set(asyncio.run(scene()))) == 2
    service.close()


def test_too_many_uploads_are_refused(service: Service) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(service.receiving())
        with pytest.raises(HTTPException, match="too many requests are being received"):
            stack.enter_context(service.receiving())
    with service.receiving():
        pass
