"""Messages: they name the argument as Python spells it; the commands make flags of the names."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

from fast_style import FastStyleError, options
from fast_style.commands import COMMANDS

from .test_structure import PACKAGE, modules

FLAG, NAME = re.compile(r"(?<![\w-])--[a-z]"), re.compile(r"`([a-z][a-z0-9_]*)`")
# Flags in other strings than messages: three run programs, one is run as a program, one names rows of a table by the
# command that gives them.
NO_MESSAGES = {
    "benchmark/gpu.py",
    "benchmark/gpu_machine.py",
    "benchmark/whole_process.py",
    "evaluation/stability.py",
    "export/web_runtime.py",
}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string of a module that is no docstring; of f-strings what does not vary."""
    tree = ast.parse(path.read_text())
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(part) for part in node.values}
            yield node.lineno, "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.lineno, node.value


def library() -> list[Path]:
    return [path for path in modules() if path.relative_to(PACKAGE).parts[0] != "commands"]


def names_of_arguments() -> set[str]:
    """Fields of the options and of the commands, and fields of the service."""
    commands = [import_module(f"fast_style.commands.{name.replace('-', '_')}") for name in COMMANDS]
    kinds = [kind for module in (options, *commands) for kind in vars(module).values() if is_dataclass(kind)]
    return {field.name for kind in kinds for field in fields(kind)}


def test_a_name_is_pythons_in_the_text_and_a_flag_on_the_command_line() -> None:
    error = FastStyleError("`tile_px` is 3; it takes 64 or more, as in --x or `a b`")
    assert str(error) == "tile_px is 3; it takes 64 or more, as in --x or `a b`"
    assert error.with_flags() == "--tile-px is 3; it takes 64 or more, as in --x or `a b`"


def test_the_library_names_arguments_and_no_flags() -> None:
    """A flag may stand in a command line that a message advises."""
    found = [(path.relative_to(PACKAGE).as_posix(), *place) for path in library() for place in texts(path)]
    flags = [entry for entry in found if FLAG.search(entry[2]) and "fast-style " not in entry[2]]
    assert not [entry for entry in flags if entry[0] not in NO_MESSAGES]
    assert {name for name, _, _ in flags} == NO_MESSAGES


def test_names_in_messages_are_names_of_arguments() -> None:
    known = names_of_arguments()
    found = {name for path in library() for _, text in texts(path) for name in NAME.findall(text)}
    assert len(found) > 20
    assert found <= known
