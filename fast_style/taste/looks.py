"""Keep looks by name, as recipes (`flag: value` lines of YAML) in the user's folder, and read them again."""

import os
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import platformdirs
import yaml

from ..errors import FastStyleError
from ..options import StylizeOptions
from ..options.recipes import read_recipe
from ..system.atomic import atomic_path
from ..system.suggestions import did_you_mean, suggestion

FOLDER_VARIABLE = "FAST_STYLE_LOOKS"
SUFFIX = ".yaml"
HEADER = "# A look, for `fast-style stylize --look NAME` and the other commands.\n"
# What belongs to one picture or to the machine is no part of a look.
_NOT_OF_A_LOOK = frozenset({"mask", "output_size", "tile_px", "memory", "statistics"})
FIELDS = ("model", *(field.name for field in fields(StylizeOptions) if field.name not in _NOT_OF_A_LOOK))
# What ends in .yaml is the file of a look, no name.
_NAME = r"(?!.*\.(?i:ya?ml)\Z)\w(?:[\w .-]{0,62}[\w-])?"


def folder() -> Path:
    """Return the folder of looks: $FAST_STYLE_LOOKS; on Linux else `~/.config/fast_style/looks`."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else platformdirs.user_config_path("fast_style", appauthor=False) / "looks"


def names() -> list[str]:
    """Return the names of the looks that are kept, sorted."""
    return sorted(path.stem for path in folder().glob(f"*{SUFFIX}") if re.fullmatch(_NAME, path.stem))


def path_of(name: str) -> Path:
    """Return the file of a look of that name. Raises FastStyleError for what is no name: ../secret, a.yaml."""
    if not re.fullmatch(_NAME, name):
        raise FastStyleError(
            f"a look is named by up to 64 letters, digits, spaces, dots and dashes, without .yaml, not {name[:64]!r}"
        )
    return folder() / f"{name}{SUFFIX}"


def read(name: str) -> dict[str, Any]:
    """Return the values of the look of that name by field, as texts and truth values: those of FIELDS that it sets.

    Raises FastStyleError where there is no such look, and for a file that is none.
    """
    path = path_of(name)
    if not path.is_file():
        raise FastStyleError(f"no look {name!r}; {suggestion(name, names())}")
    return _read_file(path)


def read_any(look: str) -> dict[str, Any]:
    """Return the values of a look as `read` does; `look` may also be the path of a file, such as ./mine.yaml."""
    path = Path(look)
    if path.suffix in (SUFFIX, ".yml") or path.name != look:
        if not path.is_file():
            raise FastStyleError(f"{look}: no such file; a look is a name or a file such as my-look{SUFFIX}")
        return _read_file(path)
    return read(look)


def keep(name: str, values: Mapping[str, Any], overwrite: bool = False) -> Path:
    """Write a look; return its file. values: by field of FIELDS.

    Raises FastStyleError for a name that is none, and unless `overwrite` for one that is taken.
    """
    path = path_of(name)
    if path.exists() and not overwrite:
        raise FastStyleError(f"there is a look {name!r} already; name it otherwise; `overwrite` replaces it")
    path.parent.mkdir(parents=True, exist_ok=True)
    named = {field.replace("_", "-"): value for field, value in values.items()}
    with atomic_path(path) as temporary:
        temporary.write_text(HEADER + yaml.safe_dump(named, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def forget(name: str) -> None:
    """Delete the look of that name. Raises FastStyleError where there is none."""
    try:
        path_of(name).unlink()
    except FileNotFoundError:
        raise FastStyleError(f"no look {name!r}; {suggestion(name, names())}") from None


def _read_file(path: Path) -> dict[str, Any]:
    values = {key.replace("-", "_"): value for key, value in read_recipe(path, "look").items()}
    for key, value in values.items():
        if key not in FIELDS:
            raise FastStyleError(f"`look` {path}: a look has no {key}{did_you_mean(key, FIELDS)}")
        if isinstance(value, list):
            raise FastStyleError(f"`look` {path}: {key} takes one value")
    return values
