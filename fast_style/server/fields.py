"""Fields of requests, as text or JSON, to the options dataclass, and its description for OpenAPI."""

import ast
import inspect
import itertools
import math
import textwrap
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..errors import FastStyleError
from ..options import StylizeOptions
from .errors import RequestError, sentence

# Paths on the server's disk, which no client may name (masks come as files), and what the service decides for all.
NOT_FIELDS = frozenset({"mask", "memory", "tile_px", "statistics"})


@cache
def kinds() -> dict[str, Any]:
    """The type of every field that a request may set, by name."""
    hints = get_type_hints(StylizeOptions)
    return {field.name: hints[field.name] for field in fields(StylizeOptions) if field.name not in NOT_FIELDS}


def options(given: Mapping[str, Any], base: StylizeOptions) -> StylizeOptions:
    """`base` changed by the fields in `given`, as text or as JSON's own types.

    Raises RequestError (400) for unknown fields and for values that make no sense.
    """
    changes: dict[str, Any] = {}
    for name, value in given.items():
        key = name.replace("-", "_")
        if key not in kinds():
            raise RequestError(400, f"unknown field {name!r}; there are {', '.join(kinds())}")
        changes[key] = _value(name, value, kinds()[key])
    try:
        return StylizeOptions(**{**vars(base), **changes})
    except FastStyleError as error:
        raise RequestError(400, sentence(error)) from error


def _value(name: str, given: Any, kind: Any) -> Any:
    """`given` as a value of `kind`."""
    if get_origin(kind) in (Union, types.UnionType):
        inner = next(one for one in get_args(kind) if one is not type(None))
        return None if given is None or given == "" else _value(name, given, inner)
    if get_origin(kind) is Literal:
        if given not in get_args(kind):
            raise RequestError(400, f"{name} is {given!r}; it takes {' or '.join(map(str, get_args(kind)))}")
        return given
    if kind is bool:
        return _truth(name, given)
    if kind is str and isinstance(given, str):
        return given
    if kind in (int, float) and isinstance(given, str | int | float) and not isinstance(given, bool):
        return _number(name, given, kind)
    raise RequestError(400, f"{name} is {given!r}; it takes {_words(kind)}")


def _truth(name: str, given: Any) -> bool:
    word = str(given).lower()
    known = dict.fromkeys(("true", "1", "yes", "on", ""), True) | dict.fromkeys(("false", "0", "no", "off"), False)
    if word not in known:
        raise RequestError(400, f"{name} is {given!r}; it takes true or false")
    return known[word]


def _number(name: str, given: str | float, kind: type) -> float | int:
    try:
        number = float(given)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or (kind is int and number != int(number)):
        raise RequestError(400, f"{name} is {given!r}; it takes {_words(kind)}")
    return int(number) if kind is int else number


def _words(kind: Any) -> str:
    return {int: "a whole number", float: "a number", str: "text"}.get(kind, "another kind of value")


def schema() -> dict[str, dict[str, Any]]:
    """JSON schema of every field, with its default and help."""
    defaults = {field.name: field.default for field in fields(StylizeOptions) if field.default is not MISSING}
    help_texts = _help()
    return {
        name: {**_schema(kind), "default": defaults[name], "description": help_texts[name]}
        for name, kind in kinds().items()
    }


def _schema(kind: Any) -> dict[str, Any]:
    if get_origin(kind) in (Union, types.UnionType):
        inner = next(one for one in get_args(kind) if one is not type(None))
        names = _schema(inner)
        return {**names, "type": [names["type"], "null"]}
    if get_origin(kind) is Literal:
        return {"type": "string", "enum": list(get_args(kind))}
    return {"type": {bool: "boolean", int: "integer", float: "number"}.get(kind, "string")}


@cache
def _help() -> dict[str, str]:
    """The string below each field of the options, which is its help."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(StylizeOptions)))
    body = tree.body[0].body  # type: ignore[attr-defined]  # a class
    found = {}
    for field, text in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = " ".join(str(text.value.value).split())  # type: ignore[union-attr]  # a name
    return found
