"""From the names of styles to the weights that the network takes, per picture or per pixel."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError

Array = NDArray[np.float32]

# Style of a checkpoint that gives the photograph back; strength moves between it and the others.
IDENTITY = "identity"


class Styles:
    """The styles of a checkpoint, by name, with the angles between them."""

    def __init__(self, styles: Sequence[Mapping[str, Any]], dots: NDArray[np.floating] | None = None) -> None:
        """styles: the checkpoint's entries; dots: (S, S) inner products of their rows of scales and shifts."""
        every = [str(style["name"]) for style in styles] or ["style"]
        self._row = {name: row for row, name in enumerate(every)}
        self._dots = np.eye(len(every)) if dots is None else dots
        self.names = [name for name in every if name != IDENTITY]
        self.identity = self.one_hot(IDENTITY) if IDENTITY in self._row else None

    def one_hot(self, name: str) -> Array:
        """(S,) weights of one style alone."""
        weights = np.zeros(len(self._row), np.float32)
        weights[self._row[name]] = 1
        return weights

    def weights(self, text: str, interpolate: Literal["linear", "slerp"] = "linear") -> Array:
        """(S,) from `wave`, `wave=0.6,scream=0.4` (shares of their sum) or nothing (the first style).

        Raises FastStyleError for unknown styles and shares that are not numbers from 0.
        """
        wanted = shares(text or self.names[0], self.names)
        if interpolate == "slerp":
            return self._slerp(wanted)
        total = sum(wanted.values())
        parts = [self.one_hot(name) * (share / total) for name, share in wanted.items()]
        return np.sum(parts, axis=0, dtype=np.float32)

    def _slerp(self, wanted: Mapping[str, float]) -> Array:
        """Style after style along the arc from what there is to the next (Shoemake 1985)."""
        result, done = None, 0.0
        for name, share in wanted.items():
            done += share
            row = self.one_hot(name)
            if result is None:
                result = row
            elif share:
                result = self._arc(result, row, share / done)
        assert result is not None  # there is at least one style
        return result

    def _arc(self, start: Array, end: Array, share: float) -> Array:
        inner = [float(a @ self._dots @ b) for a, b in ((start, end), (start, start), (end, end))]
        cosine = inner[0] / math.sqrt(inner[1] * inner[2])
        angle = math.acos(min(1.0, max(-1.0, cosine)))
        if angle < 1e-4 or angle > math.pi - 1e-4:
            return start * np.float32(1 - share) + end * np.float32(share)
        parts = [math.sin(part * angle) / math.sin(angle) for part in (1 - share, share)]
        return start * np.float32(parts[0]) + end * np.float32(parts[1])


def shares(text: str, names: Sequence[str]) -> dict[str, float]:
    """`wave=0.6,scream=0.4` as {style: share}; without numbers, equal shares.

    Raises FastStyleError for styles that are not among `names` and shares that are not numbers from 0.
    """
    found: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if name not in names:
            raise FastStyleError(f"no style {name!r} in this model; it has {', '.join(names)}")
        found[name] = found.get(name, 0.0) + (_share(part, number) if equals else 1.0)
    if not sum(found.values()) > 0:
        raise FastStyleError(f"--style {text}: the shares sum to 0")
    return found


def _share(part: str, number: str) -> float:
    try:
        share = float(number)
    except ValueError:
        share = math.nan
    if not 0 <= share < math.inf:
        raise FastStyleError(f"--style {part.strip()}: the share is a number from 0")
    return share
