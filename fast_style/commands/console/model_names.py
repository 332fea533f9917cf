"""Find the model and the style that are meant, where each may be the name of the other."""

import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from ...errors import FastStyleError
from ...models import bundled
from ...models.remote import is_address
from ...system.suggestions import suggestion

DEFAULT = "wave"


def choose(model: str | None, style: str, masks: Sequence[str] = ()) -> tuple[str, str]:
    """Return the model and the style to use, from what `--model`, `--style` and `--mask` say.

    Without a model it is the shipped one of that name or with that style or blend and the styles of the masks, else
    wave. A model that is neither a file nor shipped may be the name of a style of a shipped one. Raises FastStyleError
    for styles that the model has not, where it is shipped, and for those that no shipped model has.
    """
    shipped = bundled.shipped()
    wanted = ",".join(filter(None, [style, *map(json.dumps, _styles_of(masks))]))
    if model is None:
        if style in shipped and wanted == style:
            return style, ""
        found = _with_style(wanted) or _with_style(_without_shares(wanted))  # a wrong share is told later
        if wanted and not found:
            raise FastStyleError(_no_model_has(wanted))
        return found or DEFAULT, style
    if model in shipped and wanted and not Path(model).is_file():
        _check_has(model, wanted)
    if wanted or is_address(model) or Path(model).is_file() or model in shipped:
        return model, style
    found = _with_style(model)
    return (found, model) if found else (model, style)


def _styles_of(masks: Sequence[str]) -> list[str]:
    """The styles that flags such as `sky.png=wave` name."""
    if not any("=" in mask for mask in masks):
        return []  # and the reader of masks need not be imported
    from ...inference.masks import split_flag

    return list(dict.fromkeys(filter(None, (split_flag(mask)[1] for mask in masks))))


def _without_shares(style: str) -> str:
    return re.sub(r"=[^=,]*(?=,|$)", "", style)


def _check_has(model: str, style: str) -> None:
    """Raise FastStyleError where a shipped model lacks the styles and another has them: it is the one to name."""
    from ...inference.style_weights import shares

    other = _with_style(_without_shares(style))
    if other and not _has(bundled.shipped()[model], _without_shares(style)):
        own = _styles_in(bundled.shipped()[model])
        wanted = list(shares(_without_shares(style), _styles_in(bundled.shipped()[other])))
        lacking = ", ".join(name for name in wanted if name not in own)
        every = {1: "it", 2: "both"}.get(len(wanted), "all")
        raise FastStyleError(f"{model} lacks a style of {lacking}; `model` {other} has {every}: name that one")


def _no_model_has(style: str) -> str:
    """Say which name of a style, or of a blend, is wrong."""
    from ...models.shipped_styles import styles

    shipped = styles()
    known = list(dict.fromkeys([each.name for each in shipped] + list(bundled.shipped())))
    names = [part.partition("=")[0].strip().strip('"') for part in style.split(",")]
    wrong = next((name for name in names if name not in known), None)
    if wrong is None:
        return f"no shipped model has the styles {', '.join(names)} together; gallery has the most"
    painted = list(dict.fromkeys(each.name for each in shipped if _words(wrong) <= _words(each.artist)))
    if painted and _words(wrong):
        one = f"by that artist there {'is' if len(painted) == 1 else 'are'} {', '.join(painted)}"
        return f"no shipped model has a style {wrong!r}; {one}"
    return f"no shipped model has a style {wrong!r}; {suggestion(wrong, known)}"


def _words(name: str) -> set[str]:
    """Return the words of a name in small letters without accents."""
    plain = unicodedata.normalize("NFKD", name.lower())
    return set(re.findall("[a-z]+", "".join(letter for letter in plain if not unicodedata.combining(letter))))


def _with_style(style: str) -> str:
    """The first shipped model that has a style, or all styles of a blend; nothing where there is none."""
    return next((name for name, path in bundled.shipped().items() if _has(path, style)), "") if style else ""


def _has(path: Path, style: str) -> bool:
    """Whether a checkpoint has a style, or all styles of a blend."""
    from ...inference.style_weights import shares

    try:
        return bool(shares(style, _styles_in(path)))
    except FastStyleError:
        return False


def _styles_in(path: Path) -> list[str]:
    from ...models.checkpoint_file import read

    return [str(about["name"]) for about in read(path).styles]
