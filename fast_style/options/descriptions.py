"""Read the help of options: the strings below the fields of their dataclasses."""

import ast
import inspect
import itertools
import textwrap
from functools import cache


@cache
def descriptions(options: type) -> dict[str, str]:
    """Return the help of every field of a dataclass, as one line each, by the field's name."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(options))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for field, text in itertools.pairwise(definition.body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            assert isinstance(field.target, ast.Name)
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found
