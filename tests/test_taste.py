"""Looks that are found by choosing: their space, and people with a hidden taste who choose."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fast_style import taste
from fast_style.errors import FastStyleError
from fast_style.inference.style_weights import shares
from fast_style.models import bundled, structure
from fast_style.models.checkpoint_file import read
from fast_style.taste import MOST_ROUNDS, OFFERED, ROUNDS
from fast_style.taste.search import TasteSearch
from fast_style.taste.space import SIZES, Space

Vector = NDArray[np.float64]
SEEDS, MANY = range(20), range(100)
TWELVE, ALL = 12, 24


@cache
def gallery(styles: int = TWELVE) -> Space:
    """The space of the first of its styles of the shipped model of many; its rows are read without a network."""
    file = read(bundled.find("gallery"))
    rows = [
        array for name, array in sorted(file.weights.items()) if array.ndim == 2 and len(array) == file.model.styles
    ]
    return Space([str(style["name"]) for style in file.styles[:styles]], structure.style_gram(rows))


def hidden_look(seed: int, styles: int = TWELVE) -> Vector:
    """What a person would like best, nowhere on the grid of the controls."""
    return gallery(styles).vectors(gallery(styles).random(1, np.random.default_rng([seed, 1])))[0]


def distance_found(seed: int, choose: Callable[[Vector, Vector], int], styles: int = TWELVE) -> float:
    """From the hidden look to the one that was chosen in the last round."""
    space, hidden = gallery(styles), hidden_look(seed, styles)
    search = TasteSearch(space, seed)
    picks: list[int] = []
    for _ in range(ROUNDS):
        picks.append(1 + choose(space.vectors(search.offered(picks)), hidden))
    return float(np.linalg.norm(space.vectors(search.picked(picks)[None])[0] - hidden))


def distance_at_random(seed: int, styles: int = TWELVE) -> float:
    """From the hidden look to the nearest of as many random looks as a search shows: the best of all rounds counts."""
    space = gallery(styles)
    looks = space.snapped(space.random(OFFERED * ROUNDS, np.random.default_rng([seed, 2])))
    return float(np.linalg.norm(space.vectors(looks) - hidden_look(seed, styles), axis=1).min())


def nearest(offered: Vector, hidden: Vector) -> int:
    return int(np.argmin(np.linalg.norm(offered - hidden, axis=1)))


def of_people(
    choose: Callable[[Vector, Vector], int], styles: int = TWELVE, seeds: range = SEEDS
) -> tuple[float, float]:
    """Median distance to the hidden look after the rounds of a search, and of looks at random."""
    found = [distance_found(seed, choose, styles) for seed in seeds]
    return float(np.median(found)), float(np.median([distance_at_random(seed, styles) for seed in seeds]))


def test_choosing_finds_the_hidden_look_of_twenty_people() -> None:
    found, at_random = of_people(nearest)
    assert found <= 0.3 * at_random


def test_it_is_found_among_all_styles_too() -> None:
    """With twice as many in as many rounds: half of the distance at random is what is asked for."""
    found, at_random = of_people(nearest, ALL)
    assert found <= 0.5 * at_random


@pytest.mark.slow
def test_people_who_err_and_weigh_otherwise_find_theirs_too() -> None:
    """They choose with the odds exp(-12 * distance), and some axes matter to them three times as much as others.

    The median of twenty such people is anything from half to nine tenths of the distance at random, that of a hundred
    hardly varies.
    """
    random = np.random.default_rng(5)

    def choose(offered: Vector, hidden: Vector) -> int:
        weights = np.linspace(0.5, 1.5, offered.shape[1])
        felt = np.linalg.norm((offered - hidden) * weights, axis=1) - random.gumbel(0, 1 / 12, len(offered))
        return int(np.argmin(felt))

    found, at_random = of_people(choose, seeds=MANY)
    assert found <= 0.75 * at_random


def test_the_next_four_lie_nearer_to_each_other() -> None:
    def spread(looks: Vector) -> float:
        vectors = gallery().vectors(looks)
        return float(np.linalg.norm(vectors[:, None] - vectors, axis=2).mean())

    search, hidden = TasteSearch(gallery(), 3), hidden_look(3)
    picks: list[int] = []
    spreads: list[float] = []
    for _ in range(ROUNDS):
        offered = search.offered(picks)
        spreads.append(spread(offered))
        picks.append(1 + nearest(gallery().vectors(offered), hidden))
        assert (search.offered(picks) == search.picked(picks)).all(axis=1).sum() == 1  # the last pick comes again, once
    assert spreads[-1] < 0.5 * spreads[0]


def test_the_same_choices_give_the_same_looks_and_going_back_is_exact() -> None:
    search = TasteSearch(gallery(), 7)
    before = search.offered([2])
    search.offered([2, 3, 1])
    assert (search.offered([2]) == before).all()
    assert (TasteSearch(gallery(), 7).offered([2, 3, 1]) == search.offered([2, 3, 1])).all()
    assert (TasteSearch(gallery(), 8).offered([]) != search.offered([])).any()


@pytest.mark.parametrize("picks", [[0], [5], [1] * (MOST_ROUNDS + 1)], ids=str)
def test_wrong_choices_are_told(picks: list[int]) -> None:
    with pytest.raises(FastStyleError, match="picks"):
        TasteSearch(gallery()).offered(picks)


def test_looks_are_options_that_the_controls_can_show() -> None:
    space = gallery()
    looks = space.snapped(space.random(300, np.random.default_rng(0)))
    assert (space.snapped(looks) == looks).all()
    for look in looks:
        options = space.options(look)
        blend = shares(options.style, space.names)
        assert 1 <= len(blend) <= 2
        assert sum(blend.values()) == pytest.approx(1)
        assert 0.4 <= options.strength <= 1.2
        assert options.strength * 20 == pytest.approx(round(options.strength * 20))
    slider = re.search(r"const SIZES = \[(.*?)\]", (Path(taste.__file__).parents[1] / "web/settings.js").read_text())
    assert slider
    assert set(SIZES) <= {int(px) for px in re.findall(r"\d+", slider[1])}


def test_near_looks_stay_in_the_space() -> None:
    space, random = gallery(), np.random.default_rng(0)
    looks = space.random(500, random)
    near = space.neighbours(looks, 0.3, random)
    assert (near[:, 3:] >= 0).all()
    assert (near[:, 3:] <= 1).all()
    assert ((near[:, 2] >= 0) & (near[:, 2] <= 0.5)).all()
    assert (near[:, 0] != near[:, 1]).all()
    assert set(near[:, 5]) == {0, 0.5, 1}


def test_styles_are_as_far_apart_as_their_rows() -> None:
    rows = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0]])
    space = Space("abc", rows @ rows.T)
    places = space.vectors(np.array([[style, (style + 1) % 3, 0, 0, 0, 0] for style in range(3)]))
    far = np.linalg.norm(places[:, None] - places, axis=2)
    assert far == pytest.approx(np.linalg.norm(rows[:, None] - rows, axis=2) / 5**0.5)
    half = space.vectors(np.array([[0, 1, 0.5, 0, 0, 0]]))[0]
    assert half == pytest.approx((places[0] + places[1]) / 2)


def test_one_style_alone_has_looks_too() -> None:
    space = Space(["ink, black"], np.ones((1, 1)))
    search = TasteSearch(space)
    styles = {space.options(look).style for picks in ([], [1], [1, 4]) for look in search.offered(picks)}
    assert styles == {'"ink, black"'}
    assert shares('"ink, black"', ["ink, black"]) == {"ink, black": 1}
