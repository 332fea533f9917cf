"""Place looks in a space in which near looks resemble each other: styles and blends, strength, stroke size, colours.

A look is a row of six numbers: the rows of its two styles, the share of the second (0 to 0.5), and strength, stroke
size and colours from 0 to 1. Its vector, in which distances are measured, holds the place of its blend on STYLE_AXES
axes and the last three numbers: each axis spans about 1.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..inference.style_weights import as_text
from ..options import StylizeOptions

Looks = NDArray[np.float64]
"""Looks, (N, 6)."""
Vectors = NDArray[np.float64]
"""Their places, (N, STYLE_AXES + 3)."""

FIRST, SECOND, SHARE, STRENGTH, SIZE, COLOURS = range(6)
# Principal axes of the styles' rows. Three hold 52 % of the variance of the twelve paintings of `gallery`; on all
# eleven every painting would be as far from every other, and nothing could be learned of one from another.
STYLE_AXES = 3
# More than two styles in one picture are mud, and the page blends two.
BLENDED = 0.6
"""Share of random looks that blend two styles."""
MOST_SHARE = 0.5
"""Largest share of the second style: with more it would be the first."""
WEAKEST, STRONGEST = 0.4, 1.2
"""Strengths at 0 and 1: with less there is little to choose from."""
# Working short sides in px at 0, 0.25, ... 1, in equal ratios: among those of the page's slider.
SIZES = (576, 448, 352, 272, 208)
# From the painting's colours to the photograph's.
PRESERVED = ("none", "statistics", "luminance")


class Space:
    """Hold the looks of one model."""

    def __init__(self, names: Sequence[str], style_gram: NDArray[np.floating]) -> None:
        """names: of the styles; style_gram: (S, S) inner products of their rows of scales and shifts.

        Raises FastStyleError where there are none.
        """
        if not names:
            raise FastStyleError("this model has no styles to choose among; name another `model`, such as gallery")
        self.names = tuple(names)
        self._places = _principal_axes(np.asarray(style_gram, np.float64)[: len(names), : len(names)])

    def random(self, count: int, random: np.random.Generator) -> Looks:
        """Return looks drawn at random, (count, 6): every style as often, strength, size and colours uniformly."""
        styles = len(self.names)
        first = random.integers(styles, size=count)
        second = (first + 1 + random.integers(max(1, styles - 1), size=count)) % styles
        blended = (random.random(count) < BLENDED) & (styles > 1)
        share = np.where(blended, random.uniform(0, MOST_SHARE, count), 0)
        colours = random.integers(len(PRESERVED), size=count) / (len(PRESERVED) - 1)
        return np.stack([first, second, share, random.random(count), random.random(count), colours], axis=1)

    def vectors(self, looks: Looks) -> Vectors:
        """Return the places of looks (N, 6), (N, STYLE_AXES + 3)."""
        first, second = (self._places[looks[:, column].astype(int)] for column in (FIRST, SECOND))
        share = looks[:, SHARE, None]
        return np.concatenate([first + share * (second - first), looks[:, STRENGTH:]], axis=1)

    def neighbours(self, looks: Looks, step: float, random: np.random.Generator) -> Looks:
        """Return a look near each: strength and size moved by about `step`, and one of the others changed or none."""
        moved, other = looks.copy(), self.random(len(looks), random)
        moved[:, STRENGTH : SIZE + 1] += random.normal(0, step, (len(looks), 2))
        changed = random.integers(6, size=len(looks))
        for column in (FIRST, SECOND, SHARE, COLOURS):
            rows = changed == column
            moved[rows, column] = other[rows, column]
        nudged = changed == STRENGTH  # a turn of the share as small as those of strength and size
        moved[nudged, SHARE] += random.normal(0, step, nudged.sum())
        swapped = changed == SIZE
        moved[swapped, FIRST], moved[swapped, SECOND] = looks[swapped, SECOND], looks[swapped, FIRST]
        moved[:, SHARE] = _reflected(moved[:, SHARE], MOST_SHARE)
        moved[:, STRENGTH : SIZE + 1] = _reflected(moved[:, STRENGTH : SIZE + 1], 1)
        same = moved[:, FIRST] == moved[:, SECOND]
        if len(self.names) > 1:
            moved[same] = looks[same]
        else:
            moved[:, SHARE] = 0
        return moved

    def snapped(self, looks: Looks) -> Looks:
        """Return the looks that the page's controls can show: strength in steps of 0.05, shares of 0.02, SIZES."""
        found = looks.copy()
        steps = np.round(20 * (WEAKEST + (STRONGEST - WEAKEST) * looks[:, STRENGTH])) / 20
        found[:, STRENGTH] = (steps - WEAKEST) / (STRONGEST - WEAKEST)
        found[:, SIZE] = np.round(looks[:, SIZE] * (len(SIZES) - 1)) / (len(SIZES) - 1)
        found[:, SHARE] = np.round(50 * looks[:, SHARE]) / 50
        return found

    def options(self, look: Looks) -> StylizeOptions:
        """Return the options of one look (6,)."""
        share = round(float(look[SHARE]), 2)
        first, second = (self.names[int(look[column])] for column in (FIRST, SECOND))
        blend = {first: round(1 - share, 2), second: share} if share else {first: 1.0}
        return StylizeOptions(
            style=_text(blend),
            strength=round(float(WEAKEST + (STRONGEST - WEAKEST) * look[STRENGTH]), 2),
            size=SIZES[round(float(look[SIZE]) * (len(SIZES) - 1))],
            preserve_color=PRESERVED[round(float(look[COLOURS]) * (len(PRESERVED) - 1))],  # type: ignore[arg-type]
        )


def _text(blend: Mapping[str, float]) -> str:
    """Return the text of a blend as a person writes it: quotes only around names that need them, shares of several."""
    text = re.sub(r'"([\w-]+)"', r"\1", as_text(blend))
    return text if len(blend) > 1 else text.removesuffix("=1.0")


def _principal_axes(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the places of styles on their principal axes, the farthest two 1 apart (classical scaling), (S, AXES)."""
    centre = np.eye(len(gram)) - 1 / len(gram)
    values, axes = np.linalg.eigh(centre @ gram @ centre)
    largest = np.argsort(values)[::-1][:STYLE_AXES]
    places = axes[:, largest] * np.sqrt(np.maximum(values[largest], 0))
    places = np.pad(places, ((0, 0), (0, STYLE_AXES - places.shape[1])))
    across = np.linalg.norm(places[:, None] - places, axis=2).max()
    return places / across if across > 0 else places


def _reflected(values: NDArray[np.float64], most: float) -> NDArray[np.float64]:
    """Turn values back at 0 and at `most`, so that a step is as likely as the step back."""
    return most - np.abs(most - np.abs(values) % (2 * most))
