"""Learn from choices among four looks which look a person likes best: Bayesian optimization from preferences.

The model is that of the ideal point (Coombs 1950): there is a look that the person would like best, and of four they
choose one with the odds exp(-CERTAINTY * distance to it). A sample of looks stands for what is known of that look;
every choice weighs and moves it (sequential Monte Carlo, Chopin 2002). The next four are drawn from it, so that they
lie nearer to the look that is sought, and of many such fours that one is shown whose choice would tell the most
(Houlsby et al. 2011).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from . import MOST_ROUNDS, OFFERED
from .space import Looks, Space, Vectors

# Odds fall by e over 1 / CERTAINTY of distance: people err between looks that are nearly as near, hardly otherwise.
CERTAINTY = 15.0
SAMPLE = 500
"""Looks that stand for what is known."""
MOVES = 4
"""Steps of each after a round (Metropolis), which keep the sample diverse."""
FIRST_STEP, LATER = 0.15, 0.8
"""Length of those steps after the first round, and its factor after each further one."""
POOL, TRIED, JUDGES = 50, 80, 120
"""Looks of which the next four are chosen, fours that are compared, looks by which they are judged."""

# Characters of a wrong text that are shown.
LONGEST_SHOWN = 60


@dataclass(frozen=True)
class _Round:
    sample: Looks
    offered: Looks
    vectors: tuple[Vectors, ...]
    """Those of all rounds so far, of this one too."""


def parse_picks(text: str) -> list[int]:
    """Return the choices of a text such as 1,3,2; none for an empty one. Raises FastStyleError for anything else."""
    parts = text.split(",") if text else []
    if not all(part.strip() in map(str, range(1, OFFERED + 1)) for part in parts):
        cut = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
        raise FastStyleError(f"`picks` is {cut!r}; it takes numbers from 1 to {OFFERED}, as in 1,3,2")
    return [int(part) for part in parts]


class TasteSearch:
    """Offer looks, four in a round; the same choices and seed give the same looks."""

    def __init__(self, space: Space, seed: int = 0) -> None:
        self.space = space
        self._seed = seed
        self._round = lru_cache(maxsize=MOST_ROUNDS)(self._make_round)

    def offered(self, picks: Sequence[int]) -> Looks:
        """Return the looks of the round after `picks`, (4, 6); from the second on, one of them is the last pick.

        picks: the numbers of the chosen looks so far, from 1 to 4. Raises FastStyleError for others and for too many.
        """
        if not all(1 <= pick <= OFFERED for pick in picks):
            raise FastStyleError(f"`picks` is {','.join(map(str, picks))}; each is 1 to {OFFERED}")
        if len(picks) > MOST_ROUNDS:
            raise FastStyleError(f"`picks` has {len(picks)} choices; after {MOST_ROUNDS} nothing more is learned")
        return self._round(tuple(picks)).offered

    def picked(self, picks: Sequence[int]) -> Looks:
        """Return the look that was chosen last, (6,). picks: at least one."""
        look: Looks = self.offered(picks[:-1])[picks[-1] - 1]
        return look

    def _make_round(self, picks: tuple[int, ...]) -> _Round:
        random = np.random.default_rng([self._seed, *picks])
        before: tuple[Vectors, ...] = ()
        if not picks:
            sample = self.space.random(SAMPLE, random)
            offered = self._informative(sample, None, random)
        else:
            last = self._round(picks[:-1])
            sample, before = self._learned(last, picks, random), last.vectors
            offered = self._informative(sample, last.offered[picks[-1] - 1], random)
        return _Round(sample, offered, (*before, self.space.vectors(offered)))

    def _learned(self, last: _Round, picks: tuple[int, ...], random: np.random.Generator) -> Looks:
        """Return the sample after a choice: drawn again by its odds, then moved as all choices so far allow."""
        odds = np.exp(_log_odds(self.space.vectors(last.sample), last.vectors[-1:], picks[-1:]))
        sample = last.sample[random.choice(SAMPLE, SAMPLE, p=odds / odds.sum())]
        known = _log_odds(self.space.vectors(sample), last.vectors, picks)
        step = FIRST_STEP * LATER ** len(picks)
        for _ in range(MOVES):
            moved = self.space.neighbours(sample, step, random)
            new = _log_odds(self.space.vectors(moved), last.vectors, picks)
            taken = np.log(random.random(SAMPLE)) < new - known
            sample[taken], known[taken] = moved[taken], new[taken]
        return sample

    def _informative(self, sample: Looks, pick: Looks | None, random: np.random.Generator) -> Looks:
        """Return four looks of the sample, the last pick among them, whose choice tells most of the ideal one."""
        pool = self.space.snapped(sample[random.integers(SAMPLE, size=POOL)])
        fours = np.stack([random.permutation(POOL)[:OFFERED] for _ in range(TRIED)])
        if pick is not None:
            pool = np.concatenate([pool, pick[None]])
            fours[:, 0] = POOL
        judges = self.space.vectors(sample[random.integers(SAMPLE, size=JUDGES)])
        chances = _chances(judges, self.space.vectors(pool))[:, fours]  # (judges, fours, 4)
        chances = chances / chances.sum(axis=2, keepdims=True)
        told = _entropy(chances.mean(axis=0)) - _entropy(chances).mean(axis=0)
        best = fours[np.argmax(told)]
        found: Looks = pool[random.permutation(best)]  # the last pick has no place of its own
        return found


def _log_odds(ideals: Vectors, rounds: Sequence[Vectors], picks: Sequence[int]) -> NDArray[np.float64]:
    """Return the logarithm of the chance of all choices, (N,), for people with these ideals (N, D)."""
    total = np.zeros(len(ideals))
    for offered, pick in zip(rounds, picks, strict=True):
        utility = -CERTAINTY * _distances(ideals, offered)
        most = utility.max(axis=1)
        total += utility[:, pick - 1] - most - np.log(np.exp(utility - most[:, None]).sum(axis=1))
    return total


def _chances(ideals: Vectors, pool: Vectors) -> NDArray[np.float64]:
    """Return the odds of each look of the pool, (N, pool)."""
    distances = _distances(ideals, pool)
    odds: NDArray[np.float64] = np.exp(-CERTAINTY * (distances - distances.mean(axis=1, keepdims=True)))
    return odds


def _distances(one: Vectors, other: Vectors) -> NDArray[np.float64]:
    squared = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    found: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0))
    return found


def _entropy(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = -(chances * np.log(chances + 1e-12)).sum(axis=-1)
    return total
