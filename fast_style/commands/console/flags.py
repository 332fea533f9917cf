"""Describe the flags of a command: one for each field of its dataclass and of those inside it."""

from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Flag:
    """Define how a field is named on the command line, in `Annotated[..., Flag(...)]`."""

    short: str = ""
    """A further name, such as -o."""
    positional: bool = False
    """Whether values stand without a name."""
    is_look: bool = False
    """Whether it names a look, whose values the command takes where no recipe and no flag says otherwise."""


LOOK = Flag(is_look=True)
POSITIONAL = Flag(positional=True)
OUTPUT = Flag("-o")


@dataclass(frozen=True)
class Option:
    """Describe one field of a command or of an options dataclass inside it."""

    field: "Field[Any]"
    owner: type
    kind: Any
    """Its type, without None."""
    flag: Flag

    @property
    def name(self) -> str:
        """Return the flag, or the field's name in capitals where it has none."""
        return self.field.name.upper() if self.flag.positional else f"--{self.field.name.replace('_', '-')}"

    @property
    def required(self) -> bool:
        """Return whether there is no default."""
        return self.field.default is MISSING and self.field.default_factory is MISSING

    @property
    def count(self) -> int | str | None:
        """Return how many values it takes: a number, "*" for any, None for one."""
        inner = get_args(self.kind)
        return None if get_origin(self.kind) is not tuple else "*" if inner[-1] is Ellipsis else len(inner)


def options_of(kind: type) -> list[Option]:
    """Return every option of a command, those of nested dataclasses included."""
    found = []
    for field, hint in field_types(kind):
        inner, *more = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        if is_dataclass(inner):
            assert isinstance(inner, type)
            found += options_of(inner)
            continue
        if get_origin(inner) in (Union, UnionType):
            (inner,) = (one for one in get_args(inner) if one is not type(None))
        found.append(Option(field, kind, inner, next((one for one in more if isinstance(one, Flag)), Flag())))
    return found


def field_types(kind: type) -> list[tuple["Field[Any]", Any]]:
    """Return the fields of a dataclass with their types, annotations included."""
    hints = get_type_hints(kind, include_extras=True)
    return [(field, hints[field.name]) for field in fields(kind)]
