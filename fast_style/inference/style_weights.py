"""Convert the names of styles to the weights that the network takes, per picture or per pixel.

A blend is written as `wave=0.6,scream=0.4`, without numbers in equal shares. A name is one of the checkpoint's, which
may hold commas and equals signs: names are recognized before separators, and the whole text is a name where there is
such a style. A name in double quotes, as JSON writes it, is never anything else.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .. import images
from ..errors import FastStyleError
from ..models.structure import PREDICTOR_PX
from ..models.style_names import distinct
from ..system.suggestions import did_you_mean

if TYPE_CHECKING:
    from PIL import Image

Array = NDArray[np.float32]

# Of a painting that is longer, as a multiple of its short side, the middle is looked at, in bounded memory.
LONGEST = 4
# What may follow a name: a share, and the next name.
_AFTER_NAME = re.compile(r"\s*(?:=(?P<share>[^,]*))?(?:,|$)")


class Styles:
    """Hold the styles of a checkpoint, by name, with the angles between them."""

    def __init__(
        self,
        styles: Sequence[Mapping[str, Any]],
        style_gram: NDArray[np.floating] | None = None,
        weights: Mapping[str, Array] | None = None,
    ) -> None:
        """Take the checkpoint's entries.

        style_gram: (S, S) inner products of the rows of scales and shifts. weights: of a network that paints like any
        painting, the (S,) weights of its rows for each painting, by name; they are its styles.
        """
        self.keeps_grain: Array | None = None
        """1 for the styles that consist of grain, else 0, (S,); None where there is none."""
        self.textures: tuple[str, ...] = ()
        """Noise texture of each style, packed, empty where it has none; empty where no style has one."""
        if weights is None:
            names = distinct([str(style["name"]) for style in styles] or ["style"])
            weights = dict(zip(names, np.eye(len(names), dtype=np.float32), strict=True))
            kept = [style.get("grain") == "kept" for style in styles]
            self.keeps_grain = np.array(kept, np.float32) if any(kept) else None
            textures = tuple(str(style.get("texture", "")) for style in styles)
            self.textures = textures if any(textures) else ()
        self.names = list(weights)
        self._style_gram = np.eye(len(self.names)) if style_gram is None else style_gram
        self._weights = weights

    def weights_of(self, name: str) -> Array:
        """Return the (S,) weights of one style alone."""
        return self._weights[name].copy()

    def weights(self, text: str, interpolate: Literal["linear", "slerp"] = "linear") -> Array:
        """Return the (S,) weights of a style or a blend (shares of their sum); of the first style for an empty text.

        Raises FastStyleError for unknown styles and shares that are not numbers from 0.
        """
        if not self.names:
            raise FastStyleError("this model paints like any painting; say like which with `style_image`")
        if not text:
            return self.weights_of(self.names[0])
        wanted = shares(text, self.names)
        if interpolate == "slerp":
            return self._slerp(wanted)
        total = sum(wanted.values())
        parts = [self.weights_of(name) * np.float32(share / total) for name, share in wanted.items()]
        return np.sum(parts, axis=0, dtype=np.float32)

    def _slerp(self, wanted: Mapping[str, float]) -> Array:
        """Style after style along the arc from what there is to the next (Shoemake 1985)."""
        result, done = None, 0.0
        for name, share in wanted.items():
            done += share
            row = self.weights_of(name)
            if result is None:
                result = row
            elif share:
                result = self._arc(result, row, share / done)
        assert result is not None  # there is at least one style
        return result

    def _arc(self, start: Array, end: Array, share: float) -> Array:
        inner = [float(a @ self._style_gram @ b) for a, b in ((start, end), (start, start), (end, end))]
        cosine = inner[0] / math.sqrt(inner[1] * inner[2])
        angle = math.acos(min(1.0, max(-1.0, cosine)))
        if angle < 1e-4 or angle > math.pi - 1e-4:
            return start * np.float32(1 - share) + end * np.float32(share)
        parts = [math.sin(part * angle) / math.sin(angle) for part in (1 - share, share)]
        return start * np.float32(parts[0]) + end * np.float32(parts[1])


def predictor_input(painting: "Image.Image") -> "Image.Image":
    """Return a painting, RGB, as the network looks at it that predicts weights: short side PREDICTOR_PX."""
    most = LONGEST * min(painting.size)
    left, top = (max(0, side - most) // 2 for side in painting.size)
    middle = painting.crop((left, top, painting.width - left, painting.height - top)) if left or top else painting
    return images.resize_short_side(middle, PREDICTOR_PX)


def shares(text: str, names: Sequence[str]) -> dict[str, float]:
    """Return the blend that `text` describes as {style: share}.

    Raises FastStyleError for styles that are not among `names` and shares that are not numbers from 0.
    """
    if text in names:
        return {text: 1.0}
    found: dict[str, float] = {}
    for name, share in _parts(text, names):
        found[name] = found.get(name, 0.0) + share
    if not 0 < sum(found.values()) < math.inf:
        raise FastStyleError(f"`style` is {text}: the shares sum to {sum(found.values()):g}")
    return found


def as_text(blend: Mapping[str, float]) -> str:
    """Return the text of a blend, {style: share}, which `shares` reads again whatever the names hold."""
    return ",".join(f"{json.dumps(name, ensure_ascii=False)}={float(share)!r}" for name, share in blend.items())


def _parts(text: str, names: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Each name with its share."""
    longest_first = sorted(names, key=len, reverse=True)
    place, ended = 0, False
    while not ended:
        while text[place : place + 1].isspace():
            place += 1
        fits = ((name, _AFTER_NAME.match(text, end)) for name, end in _names_at(text, place, longest_first))
        name, after = next(((name, after) for name, after in fits if after), ("", None))
        if after is None:
            raise FastStyleError(_unknown(text[place:], names))
        yield name, 1.0 if after["share"] is None else _share(text[place : after.end()], after["share"])
        ended = not after[0].endswith(",")
        place = after.end()


def _names_at(text: str, place: int, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The names that the text may go on with there, and where each ends."""
    yield from ((name, place + len(name)) for name in names if text.startswith(name, place))
    quoted = _quoted(text, place)
    if quoted and quoted[0] in names:
        yield quoted


def _quoted(text: str, place: int) -> tuple[str, int] | None:
    """The name in double quotes that begins there, and where it ends."""
    if not text.startswith('"', place):
        return None
    try:
        name, end = json.JSONDecoder().raw_decode(text, place)
    except ValueError:
        return None
    return name, end


def _unknown(rest: str, names: Sequence[str]) -> str:
    """The line for what is no name of a style."""
    quoted = _quoted(rest, 0)
    name = quoted[0] if quoted else re.split("[,=]", rest, maxsplit=1)[0].strip() or rest
    return f"no style {name!r} in this model; it has {', '.join(names)}{did_you_mean(name, names)}"


def _share(part: str, number: str) -> float:
    try:
        share = float(number)
    except ValueError:
        share = math.nan
    if not 0 <= share < math.inf:
        raise FastStyleError(f"`style` is {part.strip(' ,')}: the share is a number from 0")
    return share
