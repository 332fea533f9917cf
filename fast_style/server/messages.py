"""Write the one plain line that a client reads of an error.

Every request that fails raises `starlette.exceptions.HTTPException`; the application answers it as {"error": detail}.
"""

import re
import reprlib
from typing import Any

from pydantic import ValidationError

# Longer messages, which repeat much of a request, are cut.
LONGEST = 500
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60


def quoted(value: Any) -> str:
    """Return a value of a request as messages show it: quoted, and cut where it is long."""
    return _short.repr(value)


def plain_message(error: Exception) -> str:
    """Return the first line of an error's text; the names of options in it are those of the service's fields."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def field_names(text: str) -> str:
    """Replace the flags in a text (--output-size) by the names of the service's fields (output_size)."""
    return re.sub(r"(?<![\w-])--([a-z][a-z-]*)", lambda flag: flag[1].replace("-", "_"), text)


def validation_message(error: ValidationError, known: list[str]) -> str:
    """Return what is wrong with the first wrong field. known: names of the fields that there are."""
    first = error.errors(include_url=False, include_context=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown field {quoted(name)}; there are {', '.join(known)}"
    reason = first["msg"].partition(", unable to ")[0].replace("Input should be", "it should be")
    reason = reason[:1].lower() + reason[1:]
    if not name:
        return f'settings are a JSON object, as in {{"strength": 0.5}} ({reason})'
    return f"{name} is {quoted(first['input'])}; {reason}"
