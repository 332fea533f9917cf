"""Validate the values of options where they are set: a wrong one is one plain line that names the option."""

import math
import operator
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..errors import FastStyleError

# The largest whole number that any option takes; seeds go up to it. NumPy and torch hold no larger ones.
LARGEST = 2**63 - 1


def check_types(options: Any) -> None:
    """Raise FastStyleError for a field of a dataclass whose value is not of its annotated type.

    Choices (`Literal`) are named, numbers are finite and fit into 64 bits, None passes where the type says so. A tuple
    is checked element by element. Fields of other types pass.
    """
    for name, kind in _kinds(options.__class__).items():
        value = getattr(options, name)
        wanted = _wrong(value, kind)
        if wanted:
            raise FastStyleError(f"`{name}` is {value!r}; it takes {wanted}")


def check_at_least(options: Any, least: float, *names: str) -> None:
    """Raise FastStyleError for a field (or an element of one) that is below `least`; None passes."""
    allowed = "more than 0" if 0 < least <= 1e-6 else f"{least:g} or more"
    _check(options, lambda number: number >= least, allowed, names)


def check_between(options: Any, least: float, most: float, *names: str) -> None:
    """Raise FastStyleError for a field (or an element of one) outside `least` to `most`; None passes."""
    _check(options, lambda number: least <= number <= most, f"{least:g} to {most:g}", names)


def _check(options: Any, fits: Callable[[Any], bool], allowed: str, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(options, name)
        for number in value if isinstance(value, tuple | list) else (value,):
            if number is not None and not fits(number):
                raise FastStyleError(f"`{name}` is {number}; it takes {allowed}")


@cache
def _kinds(options: type) -> dict[str, Any]:
    hints = get_type_hints(options)
    return {field.name: hints[field.name] for field in fields(options)}


def _wrong(value: Any, kind: Any) -> str:
    """What a value of that type is, in words, where `value` is none; else nothing."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        wrongs = [_wrong(value, one) for one in inner if one is not type(None)]
        return "" if value is None and type(None) in inner else "" if "" in wrongs else wrongs[0]
    if origin is Literal:
        return "" if value in inner else f"{', '.join(map(str, inner[:-1]))} or {inner[-1]}"
    if origin is tuple:
        return _wrong_tuple(value, inner)
    if kind is bool:
        return "" if isinstance(value, bool) else "True or False"
    if kind in (int, float):
        return _wrong_number(value, kind)
    if kind is str:
        return "" if isinstance(value, str) else "text"
    return ""


def _wrong_tuple(value: Any, inner: tuple[Any, ...]) -> str:
    if not isinstance(value, tuple | list):
        return "several values"
    kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
    if len(kinds) != len(value):
        return f"{len(kinds)} values"
    return next(filter(None, (_wrong(one, kind) for one, kind in zip(value, kinds, strict=True))), "")


def _wrong_number(value: Any, kind: type) -> str:
    """The same for numbers; NumPy's kinds are numbers too, truth values are none."""
    words = "a whole number" if kind is int else "a number"
    if isinstance(value, bool | str) or not hasattr(value, "__index__" if kind is int else "__float__"):
        return words
    try:
        finite = abs(operator.index(value)) <= LARGEST if kind is int else math.isfinite(value)
    except OverflowError:  # too large for a float
        finite = False
    except TypeError:  # such as arrays of several numbers
        return words
    return "" if finite else "a whole number that fits into 64 bits" if kind is int else "a finite number"
