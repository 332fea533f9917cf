"""Recipes: the flags of a command as a YAML file, for `--config`."""

import re
from collections.abc import Collection
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from ...errors import FastStyleError
from ...options import RENAMED_FLAGS


def read_recipe(path: Path) -> dict[str, Any]:
    """Return the values of a YAML recipe by flag, without dashes in front: texts, lists of texts, truth values.

    Raises FastStyleError for a file that is not readable or is none.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FastStyleError(f"--config {path}: not a readable recipe ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise FastStyleError(f"--config {path}: a recipe is a list of `flag: value` lines")
    named = {str(key).replace("_", "-"): _as_text(value) for key, value in content.items()}
    return {RENAMED_FLAGS.get(key, key): value for key, value in named.items()}


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [str(item) for item in value]
    return value if isinstance(value, bool) else str(value)


class _Loader(yaml.SafeLoader):
    """YAML whose only booleans are true and false: `compile: off` is a choice, not a no."""


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
