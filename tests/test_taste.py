"""Looks that are found by choosing: their space, and people with a hidden taste who choose."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fast_style.models import bundled, structure
from fast_style.models.checkpoint_file import read
from fast_style.taste import OFFERED, ROUNDS
from fast_style.taste.search import TasteSearch
from fast_style.taste.space import Space

Vector = NDArray[np.float64]
SEEDS = range(20)


@cache
def gallery() -> Space:
    """The space of the shipped model of many styles; its rows are read from the file, without a network."""
    file = read(bundled.find("gallery"))
    rows = [
        array for name, array in sorted(file.weights.items()) if array.ndim == 2 and len(array) == file.model.styles
    ]
    return Space([str(style["name"]) for style in file.styles], structure.style_gram(rows))


def hidden_look(seed: int) -> Vector:
    """What a person would like best, nowhere on the grid of the controls."""
    return gallery().vectors(gallery().random(1, np.random.default_rng([seed, 1])))[0]


def distance_found(seed: int, choose: Callable[[Vector, Vector], int]) -> float:
    """From the hidden look to the one that was chosen in the last round."""
    search, hidden = TasteSearch(gallery(), seed), hidden_look(seed)
    picks: list[int] = []
    for _ in range(ROUNDS):
        picks.append(1 + choose(gallery().vectors(search.offered(picks)), hidden))
    return float(np.linalg.norm(gallery().vectors(search.picked(picks)[None])[0] - hidden))


def distance_at_random(seed: int) -> float:
    """From the hidden look to the nearest of as many random looks as a search shows: the best of all rounds counts."""
    looks = gallery().snapped(gallery().random(OFFERED * ROUNDS, np.random.default_rng([seed, 2])))
    return float(np.linalg.norm(gallery().vectors(looks) - hidden_look(seed), axis=1).min())


def nearest(offered: Vector, hidden: Vector) -> int:
    return int(np.argmin(np.linalg.norm(offered - hidden, axis=1)))
