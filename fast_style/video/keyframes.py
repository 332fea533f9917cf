"""Interpolate styles over time: `0=wave 3.5=scream@0.5 7=wave=0.3,scream=0.7@1x1.5`, and keep such keys in files."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path

import yaml

from ..errors import FastStyleError
from ..inference.style_weights import as_text, shares
from ..options import StylizeOptions
from ..options.controls import STRONGEST
from ..options.recipes import read_yaml
from ..options.video import KEY_FILES
from ..system.atomic import atomic_path

Blend = Mapping[str, float]

# The strokes of a frame are at most so many times as large as without a scale.
LARGEST_SCALE = 2.0
# The largest file of keys in bytes; an hour of music has about a tenth of it.
LARGEST = 10_000_000
FILE_HEAD = "# SECONDS=BLEND@STRENGTHxSCALE, each part of which may be left out; read as `keyframes`\n"


@dataclass(frozen=True)
class Key:
    """Hold what a key frame says; None or an empty blend is nothing."""

    time_s: float
    blend: Blend
    """Shares of styles, of their sum."""
    strength: float | None = None
    scale: float | None = None
    """How many times as large the strokes are: 1 to `LARGEST_SCALE`."""

    def __str__(self) -> str:
        """Return the text of the key, as in `--keyframes`."""
        strength = "" if self.strength is None else f"{self.strength!r}"
        scale = "" if self.scale is None else f"x{self.scale!r}"
        at = "@" if strength or scale else ""
        return f"{self.time_s!r}={as_text(self.blend)}{at}{strength}{scale}"


class Keyframes:
    """Provide the controls at each time of a film."""

    def __init__(self, flags: Sequence[str], how: StylizeOptions, styles: Sequence[str]) -> None:
        """flags: SECONDS=BLEND@STRENGTHxSCALE or a part of it (SECONDS=BLEND, SECONDS=@STRENGTH, ...) each, in any
        order, or files of such lines (`.yaml`).

        A key with a blend alone has the strength of `how`, one with a strength alone leaves the blend to the others.
        A scale is left to the others where it is not named; 1 where none is. Before the first key and after the last
        their values hold. Raises FastStyleError for what is none of these.
        """
        self._how = how
        keys = sorted((_parse(flag, how, styles) for flag in _expanded(flags)), key=lambda key: key.time_s)
        self._blends = [(key.time_s, key.blend) for key in keys if key.blend]
        self._strengths = [
            (key.time_s, how.strength if key.strength is None else key.strength)
            for key in keys
            if key.blend or key.strength is not None
        ]
        self._scales = [(key.time_s, key.scale) for key in keys if key.scale is not None]

    @property
    def strengths(self) -> list[float]:
        """Return the strength of each key that has one, in their order."""
        return [strength for _, strength in self._strengths]

    @property
    def scales(self) -> list[float]:
        """Return the scale of each key that has one, in their order."""
        return [scale for _, scale in self._scales]

    def __bool__(self) -> bool:
        return bool(self._strengths or self._scales)

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
            how = replace(how, strength=_between(self._strengths, time_s))
        return how

    def scale_at(self, time_s: float) -> float:
        """Return how many times as large the strokes are at that time: 1 to `LARGEST_SCALE`."""
        return _between(self._scales, time_s) if self._scales else 1.0


def write_keys(keys: Sequence[Key], path: Path) -> None:
    """Write keys to a file (KEY_FILES) for `--keyframes`. Raises FastStyleError where it cannot be written."""
    text = yaml.safe_dump({"keyframes": [str(key) for key in keys]}, width=math.inf, allow_unicode=True)
    try:
        with atomic_path(path) as temporary:
            temporary.write_text(FILE_HEAD + text, encoding="utf-8")
    except OSError as error:
        raise FastStyleError(f"{path}: cannot be written ({error.strerror})") from error


def _expanded(flags: Sequence[str]) -> Iterator[str]:
    """The flags, with the lines of files in the place of their names."""
    for flag in flags:
        is_file = flag.lower().endswith(KEY_FILES) and _number(flag.partition("=")[0]) is None
        yield from _lines(Path(flag)) if is_file else [flag]


def _lines(path: Path) -> list[str]:
    content = read_yaml(path, "keyframes", LARGEST)
    lines = content.get("keyframes") if isinstance(content, dict) else content
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise FastStyleError(f"`keyframes` {path}: expected a list of SECONDS=BLEND@STRENGTH lines")
    return lines


def _around(keys: Sequence[tuple[float, Blend]] | Sequence[tuple[float, float]], time_s: float) -> tuple:
    """Return the values of the keys before and after a time, and how far it is from one to the other: 0 to 1."""
    index = bisect_right(keys, time_s, key=itemgetter(0))
    (start, before), (end, after) = keys[max(index - 1, 0)], keys[min(index, len(keys) - 1)]
    return before, after, (time_s - start) / (end - start) if end > start else 0.0


def _between(keys: Sequence[tuple[float, float]], time_s: float) -> float:
    low, high, share = _around(keys, time_s)
    return float((1 - share) * low + share * high)


def _parse(flag: str, how: StylizeOptions, styles: Sequence[str]) -> Key:
    time, equals, value = flag.partition("=")
    style, at, rest = (value, "", "") if value in styles or "@" not in value else value.rpartition("@")
    strength, x, scale = rest.partition("x")
    seconds = _number(time)
    amount, size = _number(strength) if strength else None, _number(scale)
    wrong = [at and not rest, strength and amount is None, x and size is None, not (style or at)]
    if not equals or seconds is None or any(wrong):
        raise FastStyleError(
            f"`keyframes` {flag}: expected SECONDS=BLEND or SECONDS=BLEND@STRENGTH, as in 3.5=wave@0.5"
        )
    if amount is not None and not 0 <= amount <= STRONGEST:  # asked first: options take long for thousands of keys
        replace(how, strength=amount)  # raises
    if size is not None and not 1 <= size <= LARGEST_SCALE:
        raise FastStyleError(f"`keyframes` {flag}: the size of the strokes is {scale}; it takes 1 to {LARGEST_SCALE:g}")
    blend = shares(style, styles) if style else {}
    total = sum(blend.values())
    return Key(seconds, {name: share / total for name, share in blend.items()}, amount, size)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
