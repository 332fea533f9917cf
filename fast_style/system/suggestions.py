"""Suggest what was meant by a wrong name."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `did you mean NAME?`, or where nothing is close `there are ...`, each name once."""
    names = list(dict.fromkeys(known))
    return _nearest(name, names) or f"there are {', '.join(names) or 'none'}"


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return ` (did you mean NAME?)`, the name with a prefix, or nothing where none is close."""
    near = _nearest(name, list(known), prefix)
    return f" ({near})" if near else ""


def _nearest(name: str, names: list[str], prefix: str = "") -> str:
    near = get_close_matches(name, names, 1)
    return f"did you mean {prefix}{near[0]}?" if near else ""
