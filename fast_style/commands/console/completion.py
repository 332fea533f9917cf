"""Complete command lines in bash, zsh and fish: `eval "$(fast-style --completion bash)"`.

The package argcomplete asks the program itself, through variables of the environment, at each press of the tab key.
"""

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from ...errors import FastStyleError
from ...models import bundled

if TYPE_CHECKING:
    from .flags import Option

SHELLS = ("bash", "zsh", "fish")
# Set by the shell while it asks; its value is the number of words before the arguments.
ASKED = "_ARGCOMPLETE"
# Fields that take the name of a shipped model.
MODELS = frozenset({"model", "models", "init", "teacher", "versus", "style"})


def shell_code(shell: str) -> str:
    """Return what a shell has to evaluate once. Raises FastStyleError for other shells."""
    if shell not in SHELLS:
        raise FastStyleError(f"--completion takes {', '.join(SHELLS[:-1])} or {SHELLS[-1]}")
    import argcomplete

    code: str = argcomplete.shellcode(["fast-style"], shell=shell)
    return code


def asked_command(names: Iterable[str]) -> str | None:
    """Return the command whose arguments a shell asks for; complete the command's own name, and exit, where it is due.

    None where no shell asks.
    """
    if ASKED not in os.environ:
        return None
    line = os.environ.get("COMP_LINE", "")
    words = line[: int(os.environ.get("COMP_POINT") or len(line))].split(" ")
    named = [word for word in words[:-1] if word]
    if len(named) > 1 and named[1] in names:
        os.environ[ASKED] = "2"  # the command is one more word before the arguments
        return named[1]
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--completion", choices=SHELLS)
    parser.add_argument("command", choices=list(names))
    raise _answered(parser)


def answer(options: "Sequence[Option]") -> None:
    """Complete the arguments of a command, and exit, where a shell asks for them."""
    if ASKED not in os.environ:
        return
    parser = argparse.ArgumentParser()
    for flag in ("--help-all", "--debug"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--config")
    for option in options:
        _add(parser, option)
    raise _answered(parser)


def _add(parser: argparse.ArgumentParser, option: "Option") -> None:
    if option.flag.positional:
        added: Any = parser.add_argument(option.field.name, nargs="*")
    elif option.kind is bool:
        parser.add_argument(option.name, action=argparse.BooleanOptionalAction)
        return
    else:
        names = [name for name in (option.flag.short, option.name) if name]
        choices = get_args(option.kind) if get_origin(option.kind) is Literal else None
        added = parser.add_argument(*names, nargs=option.count, choices=choices)
    if option.field.name in MODELS and Path not in (option.kind, *get_args(option.kind)):
        added.completer = _names_and_files


def _names_and_files(prefix: str, **_: object) -> list[str]:
    from argcomplete.completers import FilesCompleter

    return [*bundled.shipped(), *FilesCompleter()(prefix)]


def _answered(parser: argparse.ArgumentParser) -> SystemExit:
    import argcomplete

    argcomplete.autocomplete(parser)  # which ends the process itself
    return SystemExit(1)
