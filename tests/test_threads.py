"""Jobs that overlap."""

import threading
from collections.abc import Callable, Iterator

import pytest

from fast_style.system.threads import overlapped


def test_results_come_in_order_and_jobs_overlap() -> None:
    both = threading.Barrier(2, timeout=20)  # passed only by two jobs that run at the same time

    def job(number: int) -> Callable[[], int]:
        return lambda: number + 0 * both.wait()

    assert list(overlapped(map(job, range(10)), 2)) == list(range(10))


def test_one_lane_stays_in_the_calling_thread() -> None:
    assert set(overlapped([threading.get_ident] * 3, 1)) == {threading.get_ident()}


def test_jobs_are_taken_only_as_far_ahead_as_there_are_lanes() -> None:
    taken: list[int] = []

    def jobs() -> Iterator[Callable[[], int]]:
        for number in range(20):
            taken.append(number)
            yield lambda number=number: number  # type: ignore[misc]

    for result in overlapped(jobs(), 2):
        assert len(taken) <= result + 4


def test_an_error_comes_where_its_result_would() -> None:
    def fail() -> int:
        raise ValueError("broken frame")

    results = overlapped([lambda: 1, fail, lambda: 3], 2)
    assert next(results) == 1
    with pytest.raises(ValueError, match="broken frame"):
        next(results)
