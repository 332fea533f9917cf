"""Write the text of `--help`: usage, the most used flags, examples, and with `--help-all` every flag."""

import inspect
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from ...options.descriptions import descriptions

if TYPE_CHECKING:
    from .flags import Option

WIDEST, COLUMN = 100, 30
EXIT_CODES = "exit codes: 0 done, 1 something could not be done, 2 wrong flags, 130 interrupted by Ctrl-C"


@dataclass(frozen=True)
class Help:
    """Hold what a command says of itself beyond its options."""

    first: str = ""
    """The fields that `--help` shows, separated by spaces; the others are left to `--help-all`. Empty: it shows all."""
    examples: tuple[str, ...] = ()
    """Command lines after the program's name."""
    exit_codes: str = EXIT_CODES
    """What its exit codes mean."""


def text(kind: type, options: "Sequence[Option]", prog: str, about: Help, everything: bool) -> str:
    """Return the help of the command that the dataclass `kind` describes."""
    width = min(WIDEST, shutil.get_terminal_size().columns)
    groups, hidden = _groups(kind, options, about.first.split(), everything)
    parts = [_usage(options, prog), *_paragraphs(kind, width)]
    for title, group in groups.items():
        parts.append(f"{title}:\n" + "\n".join(_entry(option, width) for option in group))
    parts.append("general:\n" + "\n".join(_general(hidden, width)))
    if about.examples:
        parts.append("examples:\n" + "\n".join(f"  {prog} {example}" for example in about.examples))
    return "\n\n".join([*parts, about.exit_codes])


def _groups(
    kind: type, options: "Sequence[Option]", first: Sequence[str], everything: bool
) -> tuple[dict[str, list["Option"]], int]:
    """The options to show, by title, and how many others there are."""
    groups: dict[str, list[Option]] = {}
    by_name = {option.field.name: option for option in options}
    for option in [*(one for one in options if one.flag.positional), *(by_name[name] for name in first)]:
        groups.setdefault("arguments" if option.flag.positional else "most used", []).append(option)
    shown = {id(option) for group in groups.values() for option in group}
    others = [option for option in options if id(option) not in shown]
    listed = others if everything or not first else [option for option in others if option.required]
    for option in listed:
        groups.setdefault(_title(option, kind), []).append(option)
    return groups, len(others) - len(listed)


def _usage(options: "Sequence[Option]", prog: str) -> str:
    named = [f"{option.name} {_values(option)}" for option in options if option.required and not option.flag.positional]
    values = [
        _values(option) if option.required else f"[{_values(option)}]" for option in options if option.flag.positional
    ]
    return " ".join([f"usage: {prog} [flags]", *named, *values])


def _paragraphs(kind: type, width: int) -> list[str]:
    return [textwrap.fill(" ".join(part.split()), width) for part in (inspect.getdoc(kind) or "").split("\n\n")]


def _title(option: "Option", command: type) -> str:
    """The group of an option: the first line of its dataclass's docstring, without its explanations."""
    if option.owner is command:
        return "more"
    line = (inspect.getdoc(option.owner) or option.owner.__name__).split("\n")[0]
    return line.split(".")[0].split(":")[0].split(" (")[0].lower()


def _entry(option: "Option", width: int) -> str:
    shorts = f"{option.flag.short}, " if option.flag.short else ""
    values = "" if option.kind is bool else f" {_values(option)}"
    name = _values(option) if option.flag.positional else f"{shorts}{option.name}{values}"
    return _columns(name, descriptions(option.owner).get(option.field.name, "") + _default(option), width)


def _columns(name: str, words: str, width: int) -> str:
    lines = textwrap.wrap(words, width - COLUMN, break_long_words=False, break_on_hyphens=False) or [""]
    start = f"  {name}"
    head = [start] if len(start) > COLUMN - 2 else []
    lines[0] = f"{'' if head else start:{COLUMN}}{lines[0]}"
    return "\n".join([*head, lines[0], *(" " * COLUMN + line for line in lines[1:])])


def _values(option: "Option") -> str:
    """What stands for the values: PATH, INT, one|another, PATH ... for several."""
    if option.flag.positional:
        return option.name + (" ..." if option.count == "*" else "")
    inner = get_args(option.kind) if option.count else (option.kind,)
    names = [_word(kind) for kind in inner if kind is not Ellipsis]
    return f"{names[0]} ..." if option.count == "*" else " ".join(names)


def _word(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    return {int: "INT", float: "NUMBER", Path: "PATH"}.get(kind, "TEXT")


def _default(option: "Option") -> str:
    """The default in brackets, where there is one that says something."""
    default = option.field.default
    if default is MISSING or default is None or default is False or default in ("", ()):
        return " (required)" if option.required else ""
    if default is True:
        return f" (default: on; --no-{option.name[2:]} turns it off)"
    shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
    return f" (default: {shown})"


def _general(hidden: int, width: int) -> list[str]:
    more = [("--help-all", f"Show {hidden} more flags.")] if hidden else []
    entries = [
        ("-h, --help", "Show this help."),
        *more,
        ("--config PATH", "Take values from a YAML recipe of `flag: value` lines; flags win."),
        ("--debug", "Show tracebacks, and what else helps to find a fault."),
        ("--", "What follows are files, whatever their names begin with."),
    ]
    return [_columns(name, words, width) for name, words in entries]
