"""From flags and recipes to option dataclasses, through tyro."""

import contextlib
import dataclasses
import io
import re
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

import tyro
import yaml

from ..errors import FastStyleError

Options = TypeVar("Options")


def parse(kind: type[Options], arguments: Sequence[str], prog: str) -> Options:
    """The dataclass `kind` from flags, after those of `--config recipe.yaml`, wherever that stands.

    `--help` prints and exits with 0; a wrong flag prints one line and exits with 2.
    """
    recipe, flags = _split_config(arguments)
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            return tyro.cli(kind, prog=prog, args=[*recipe, *flags], config=(tyro.conf.OmitArgPrefixes,))
    except SystemExit as stop:
        if stop.code:
            print(f"{prog}: {_one_line(errors.getvalue())}; see {prog} --help", file=sys.stderr)
        raise


def _split_config(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The flags that the recipe stands for, and the other flags."""
    recipe: list[str] = []
    flags: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name == "--config":
            recipe += recipe_flags(Path(value if equals else next(rest, "")))
        else:
            flags.append(argument)
    return recipe, flags


def recipe_flags(path: Path) -> list[str]:
    """A YAML recipe (flag names without dashes, to values or lists) as flags. Raises FastStyleError."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FastStyleError(f"--config {path}: not a readable recipe ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise FastStyleError(f"--config {path}: a recipe is a list of `flag: value` lines")
    return [flag for key, value in content.items() for flag in _flag(str(key).replace("_", "-"), value)]


class _Loader(yaml.SafeLoader):
    """YAML whose only booleans are true and false: `compile: off` is a choice, not a no."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false|True|False)$"), list("tTfF"))


def _flag(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    values = value if isinstance(value, list) else [value]
    return [f"--{name}", *(str(item) for item in values)]


def recipe_of(options: Any, without: Collection[str] = ()) -> dict[str, Any]:
    """The values of a (nested) options dataclass that differ from their defaults, by flag name: a recipe."""
    recipe: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            recipe.update(recipe_of(value, without))
        elif field.name in without:
            continue
        elif field.default is dataclasses.MISSING or value != field.default:
            recipe[field.name.replace("_", "-")] = _plain(value)
    return recipe


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _one_line(boxed: str) -> str:
    """The text of tyro's boxed error without the box and its closing hint."""
    lines = [line.strip("│╭╰╮╯─ ") for line in boxed.splitlines()]
    text = " ".join(line for line in lines[1:] if line)  # the first line is the box's title
    return text.split("For full helptext")[0].strip().rstrip(".")
