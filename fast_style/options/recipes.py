"""Read and write recipes: the flags of a command as a YAML file, for `--config`; a look is one too."""

import re
from collections.abc import Collection
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import FastStyleError
from .training import RENAMED_FLAGS

# The largest recipe in bytes; one with every flag has a tenth of it.
LARGEST = 100_000


def read_yaml(path: Path, option: str, largest: int) -> Any:
    """Return what a YAML file of at most `largest` bytes holds: lists, dictionaries, texts, numbers, truth values.

    option: which names the file. Raises FastStyleError for a file that is not readable, and for aliases.
    """
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
        if len(data) > largest:
            raise FastStyleError(f"`{option}` {path}: larger than {largest // 1000} kB")
        return yaml.load(data.decode(), _Loader)
    except FileNotFoundError as error:
        raise FastStyleError(f"`{option}` {path}: no such file") from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError, AttributeError, LookupError, TypeError) as error:
        # The last three are PyYAML's own on a tag that does not fit, such as `!!timestamp abc` and `!!bool abc`.
        reason = " ".join(str(error).split()) or "a tag that does not fit"
        raise FastStyleError(f"`{option}` {path}: not readable ({reason})") from error


def read_recipe(path: Path, option: str = "config") -> dict[str, Any]:
    """Return the values of a YAML recipe by flag, without dashes in front: texts, lists of texts, truth values.

    option: which names the file. Raises FastStyleError for a file that is not readable or is none.
    """
    content = read_yaml(path, option, LARGEST)
    if not isinstance(content, dict):
        raise FastStyleError(f"`{option}` {path}: a recipe is a list of `flag: value` lines")
    try:
        named = {str(key).replace("_", "-"): _as_text(value) for key, value in content.items()}
    except ValueError as error:  # numbers of thousands of digits too
        raise FastStyleError(f"`{option}` {path}: not readable ({error})") from error
    return {RENAMED_FLAGS.get(key, key): value for key, value in named.items()}


def _as_text(value: Any) -> Any:
    """Convert what stands behind a flag, a value or a list of values, to texts. Raises ValueError for anything else."""
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value if isinstance(value, bool) else _text(value)


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict | list | tuple | set | bytes):
        raise ValueError("behind a flag stands a value, or a list of values; leave the line out for the default")
    return str(value)


class _Loader(yaml.SafeLoader):
    """YAML whose only booleans are true and false: `compile: off` is a choice, not a no.

    There are no aliases: a few lines of them can stand for gigabytes.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """As in the base class. Raises YAMLError for an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not for recipes")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false|True|False)$"), list("tTfF"))


def recipe_of(options: Any, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the values of a (nested) options dataclass that differ from their defaults, by flag: a recipe."""
    recipe: dict[str, Any] = {}
    for field in fields(options):
        value = getattr(options, field.name)
        if is_dataclass(value):
            recipe.update(recipe_of(value, without))
        elif field.name in without:
            continue
        elif field.default is MISSING or value != field.default:
            recipe[field.name.replace("_", "-")] = _plain(value)
    return recipe


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
