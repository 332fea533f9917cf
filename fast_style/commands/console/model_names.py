"""Find the model and the style that are meant, where each may be the name of the other."""

import re
from pathlib import Path

from ...errors import FastStyleError
from ...models import bundled
from ...system.suggestions import suggestion

DEFAULT = "wave"


def choose(model: str | None, style: str) -> tuple[str, str]:
    """Return the model and the style to use, from what `--model` and `--style` say.

    Without a model it is the shipped one of that name or with that style or blend, else wave. A model that is neither a
    file nor shipped may be the name of a style of a shipped one.
    """
    shipped = bundled.shipped()
    if model is None:
        if style in shipped:
            return style, ""
        found = _with_style(style) or _with_style(re.sub(r"=[^=,]*(?=,|$)", "", style))  # a wrong share is told later
        if style and not found:
            raise FastStyleError(_no_model_has(style))
        return found or DEFAULT, style
    if style or Path(model).is_file() or model in shipped:
        return model, style
    found = _with_style(model)
    return (found, model) if found else (model, style)


def _no_model_has(style: str) -> str:
    """Say which name of a style, or of a blend, is wrong."""
    from ...models.shipped_styles import styles

    known = list(dict.fromkeys([each.name for each in styles()] + list(bundled.shipped())))
    names = [part.partition("=")[0].strip() for part in style.split(",")]
    wrong = next((name for name in names if name not in known), None)
    if wrong is None:
        return f"no shipped model has the styles {style} together; gallery has the most"
    return f"no shipped model has a style {wrong!r}; {suggestion(wrong, known)}"


def _with_style(style: str) -> str:
    """The first shipped model that has a style, or all styles of a blend; nothing where there is none."""
    if not style:
        return ""
    from ...inference.style_weights import shares
    from ...models.checkpoint_file import read

    for name, path in bundled.shipped().items():
        try:
            if shares(style, [str(about["name"]) for about in read(path).styles]):
                return name
        except FastStyleError:
            continue
    return ""
