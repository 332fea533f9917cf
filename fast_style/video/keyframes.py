"""Interpolate styles over time: `0=wave 3.5=scream@0.5 7=wave=0.3,scream=0.7`."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import FastStyleError
from ..inference.style_weights import as_text, shares
from ..options import StylizeOptions

Blend = Mapping[str, float]


class Keyframes:
    """Provide the controls at each time of a film."""

    def __init__(self, flags: Sequence[str], how: StylizeOptions, styles: Sequence[str]) -> None:
        """flags: SECONDS=BLEND, SECONDS=BLEND@STRENGTH or SECONDS=@STRENGTH each, in any order.

        A key with a blend alone has the strength of `how`, one with a strength alone leaves the blend to the others.
        Before the first key and after the last their values hold. Raises FastStyleError for what is none of these.
        """
        self._how = how
        self._blends: list[tuple[float, Blend]] = []
        self._strengths: list[tuple[float, float]] = []
        for flag in flags:
            time, blend, strength = _parse(flag, how, styles)
            if blend:
                self._blends.append((time, blend))
            self._strengths.append((time, how.strength if strength is None else strength))
        self._blends.sort(key=lambda key: key[0])
        self._strengths.sort(key=lambda key: key[0])

    @property
    def strengths(self) -> list[float]:
        """Return the strength of each key, in their order."""
        return [strength for _, strength in self._strengths]

    def __bool__(self) -> bool:
        return bool(self._strengths)

    def at(self, time_s: float) -> StylizeOptions:
        """Return the controls at that time."""
        how = self._how
        if self._blends:
            before, after, share = _around(self._blends, time_s)
            mixed = {
                name: (1 - share) * before.get(name, 0) + share * after.get(name, 0) for name in {**before, **after}
            }
            how = replace(how, style=as_text({name: round(part, 6) for name, part in mixed.items()}))
        if self._strengths:
            low, high, share = _around(self._strengths, time_s)
            how = replace(how, strength=(1 - share) * low + share * high)
        return how


def _around(keys: Sequence[tuple[float, Blend]] | Sequence[tuple[float, float]], time_s: float) -> tuple:
    """Return the values of the keys before and after a time, and how far it is from one to the other: 0 to 1."""
    index = bisect_right([time for time, _ in keys], time_s)
    (start, before), (end, after) = keys[max(index - 1, 0)], keys[min(index, len(keys) - 1)]
    return before, after, (time_s - start) / (end - start) if end > start else 0.0


def _parse(flag: str, how: StylizeOptions, styles: Sequence[str]) -> tuple[float, Blend, float | None]:
    time, equals, value = flag.partition("=")
    style, at, strength = (value, "", "") if value in styles or "@" not in value else value.rpartition("@")
    seconds = _number(time)
    amount = _number(strength) if at else None
    if not equals or seconds is None or not (style or at) or (at and amount is None):
        raise FastStyleError(
            f"`keyframes` {flag}: expected SECONDS=BLEND or SECONDS=BLEND@STRENGTH, as in 3.5=wave@0.5"
        )
    if amount is not None:
        replace(how, strength=amount)  # raises where it is out of range
    blend = shares(style, styles) if style else {}
    total = sum(blend.values())
    return seconds, {name: share / total for name, share in blend.items()}, amount


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
