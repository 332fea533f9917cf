"""The working size of live frames, against machines whose time is known."""

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from fast_style.video.adaptive_size import AdaptiveSize


def run(adaptive: AdaptiveSize, seconds_per_pixel: Callable[[int], float], frames: int) -> list[int]:
    """The short side of each of so many frames of 16:9."""
    sizes = []
    for number in range(frames):
        sizes.append(adaptive.size)
        adaptive.record(seconds_per_pixel(number) * adaptive.size**2 * 16 / 9)
    return sizes


def test_the_size_falls_to_what_the_rate_allows_and_stays() -> None:
    sizes = run(AdaptiveSize(25, 720), lambda _: 1 / 5e6, 200)  # 5 million pixels a second
    assert sizes[0] == 720
    chosen = sizes[-1]
    assert 5e6 / (chosen**2 * 16 / 9) > 25
    assert 5e6 / ((1.25**2 * chosen) ** 2 * 16 / 9) < 25  # and two steps more would be too large
    assert set(sizes[20:]) == {chosen}


def test_it_rises_again_once_the_machine_is_free() -> None:
    sizes = run(AdaptiveSize(25, 720), lambda number: 1 / (2e6 if number < 60 else 1e9), 400)
    assert min(sizes) < 300
    assert sizes[-1] == 720


def test_a_machine_that_varies_does_not_make_it_swing() -> None:
    chance = random.Random(0)
    sizes = run(AdaptiveSize(25, 720), lambda _: chance.uniform(0.7, 1.4) / 5e6, 3000)
    changes = [before != after for before, after in pairwise(sizes)]
    assert sum(changes) < 40
    assert sum(changes[1500:]) <= 6


def test_one_slow_frame_and_the_first_of_a_size_change_nothing() -> None:
    adaptive = AdaptiveSize(25, 480)
    for time_s in (3.0, *[0.01] * 6, 2.0, *[0.01] * 20):
        adaptive.record(time_s)
    assert adaptive.size == 480


@pytest.mark.parametrize("largest", [1, 90, 97, 360, 1080])
def test_it_ends_at_the_smallest_size(largest: int) -> None:
    sizes = run(AdaptiveSize(60, largest), lambda _: 1.0, 200)
    assert sizes[-1] == min(sizes)
    assert min(largest, 96) <= sizes[-1] <= min(largest, 96 * 1.25)
    assert all(size % 16 == 0 for size in sizes if size != largest)
