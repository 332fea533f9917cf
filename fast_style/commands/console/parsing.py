"""Read flags and recipes into option dataclasses, and describe them.

A dataclass is the whole description of a command: its fields are the flags, in kebab case, its nested dataclasses are
groups of them, the strings below the fields are their help. `argparse` takes the command line apart; what it, or a
value, has to complain about leaves as one line.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin

from ...options.recipes import read_recipe
from ...system.suggestions import did_you_mean
from ...taste import looks
from .completion import answer
from .flags import Option, field_types, options_of
from .help import Help, text

Options = TypeVar("Options")


class UsageError(Exception):
    """Report a command line that cannot be understood; the text is one line."""


def parse(kind: type[Options], arguments: Sequence[str], prog: str, about: Help = Help()) -> Options:
    """Return the dataclass `kind` from flags, and from those of `--config recipe.yaml`, over which flags win.

    A command with a field of the kind LOOK takes values of that look too, over which recipes win.

    `--help` and `--help-all` print and exit with 0; a wrong command line prints one line and exits with 2. Raises
    FastStyleError for values that the options refuse, and for recipes that cannot be read.
    """
    options = options_of(kind)
    answer(options)
    if {"-h", "--help", "--help-all"} & set(arguments):
        print(text(kind, options, prog, about, everything="--help-all" in arguments))
        raise SystemExit(0)
    try:
        given = _given(options, arguments)
        missing = [option.name for option in options if option.required and option.field.name not in given]
        if missing:
            raise UsageError(f"{' and '.join(missing)} missing")
        return _build(kind, given)
    except UsageError as error:
        print(f"{prog}: {error}; see {prog} --help", file=sys.stderr)
        raise SystemExit(2) from None


def _build(kind: type[Options], given: dict[str, Any]) -> Options:
    """The dataclass with the given values, and with its defaults for the others."""
    values = {}
    for field, hint in field_types(kind):
        if is_dataclass(hint):
            assert isinstance(hint, type)
            values[field.name] = _build(hint, given)
        elif field.name in given:
            values[field.name] = given[field.name]
    return kind(**values)


def _given(options: Sequence[Option], arguments: Sequence[str]) -> dict[str, Any]:
    """The values that recipes and flags give, converted, by field."""
    tokens, after_dashes = _tokens(options, arguments)
    found, rest = _parser(options).parse_known_args(tokens)
    flags = vars(found)
    raw: dict[str, Any] = {}
    by_key = {option.name[2:]: option for option in options if not option.flag.positional}
    for path in flags.pop("config", ()):
        for key, value in read_recipe(Path(path)).items():
            if key not in by_key:
                raise UsageError(f"{path}: {_unknown(f'--{key}', by_key)}")
            raw[by_key[key].field.name] = value
    named = next((option for option in options if option.flag.is_look and option.field.name in flags | raw), None)
    if named:
        look = looks.read_any(convert(named, (raw | flags)[named.field.name]))
        raw = {option.field.name: look[option.field.name] for option in options if option.field.name in look} | raw
    raw |= flags
    unknown = [token for token in rest if token.startswith("-") and token != "-"]
    if unknown:
        raise UsageError(_unknown(unknown[0].partition("=")[0], by_key))
    raw |= _positionals(options, [*rest, *after_dashes])
    return {
        option.field.name: convert(option, raw[option.field.name]) for option in options if option.field.name in raw
    }


def _tokens(options: Sequence[Option], arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The arguments up to `--`, flags in kebab case and files that look like flags as paths; and those after it."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    known = {option.name for option in options} | {option.flag.short for option in options} | {"--config"}
    known |= {f"--no-{option.name[2:]}" for option in options if option.kind is bool}
    tokens = []
    for argument in arguments[:end]:
        name, equals, value = argument.partition("=")
        kebab = name.replace("_", "-")
        if argument.startswith("--") and kebab in known:
            tokens.append(f"{kebab}{equals}{value}")
        elif argument.startswith("-") and name not in known and argument != "-" and Path(argument).exists():
            tokens.append(f"./{argument}")
        else:
            tokens.append(argument)
    return tokens, list(arguments[end + 1 :])


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise UsageError for what cannot be parsed, such as a flag without its value."""
        raise UsageError(message.removeprefix("argument "))


def _parser(options: Sequence[Option]) -> argparse.ArgumentParser:
    """A parser that keeps the values of flags as they are written; the others are left over."""
    parser = _Parser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("--config", action="append")
    for option in options:
        names = [name for name in (option.flag.short, option.name) if name]
        if option.flag.positional:
            continue
        if option.kind is bool:
            parser.add_argument(*names, action=argparse.BooleanOptionalAction, dest=option.field.name)
        else:
            parser.add_argument(*names, nargs=option.count, dest=option.field.name)
    return parser


def _positionals(options: Sequence[Option], values: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in options:
        if option.flag.positional and values:
            found[option.field.name] = values if option.count == "*" else values[0]
            values = [] if option.count == "*" else values[1:]
    if values:
        raise UsageError(f"{values[0]!r} is no flag and no value of one")
    return found


def _unknown(flag: str, known: Any) -> str:
    return f"there is no {flag}{did_you_mean(flag.lstrip('-'), known, '--')}"


def convert(option: Option, raw: Any) -> Any:
    """Return what the text of a value, or of several, means. Raises UsageError."""
    if option.count is None:
        return _converted(option.name, raw, option.kind)
    values = raw if isinstance(raw, list) else [raw]
    inner = get_args(option.kind)
    kinds = [inner[0]] * len(values) if option.count == "*" else list(inner)
    if len(kinds) != len(values):
        raise UsageError(f"{option.name} takes {len(kinds)} values")
    return tuple(_converted(option.name, value, kind) for value, kind in zip(values, kinds, strict=True))


def _converted(name: str, raw: Any, kind: Any) -> Any:
    if kind is bool or isinstance(raw, bool | list):
        if kind is bool and isinstance(raw, bool):
            return raw
        raise UsageError(f"{name} is {raw!r}; it takes {'true or false' if kind is bool else 'one value'}")
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        if raw not in choices:
            choices_text = f"{', '.join(choices[:-1])} or {choices[-1]}"
            raise UsageError(f"{name} is {raw!r}; it takes {choices_text}{did_you_mean(raw, choices)}")
        return raw
    try:
        return kind(raw)
    except ValueError:
        words = {int: "a whole number", float: "a number"}.get(kind, "another value")
        raise UsageError(f"{name} is {raw!r}; it takes {words}") from None
