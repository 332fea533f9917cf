"""Values that make no sense are refused where they are set, in one plain line."""

from typing import Any

from ..errors import FastStyleError


def check_at_least(options: Any, least: float, *names: str) -> None:
    """Raise FastStyleError for a field (or an element of one) that is below `least`; None passes."""
    for name in names:
        value = getattr(options, name)
        for number in value if isinstance(value, tuple) else (value,):
            if number is not None and not number >= least:
                allowed = "more than 0" if 0 < least < 1e-6 else f"{least:g} or more"
                raise FastStyleError(f"--{name.replace('_', '-')} is {number}; it takes {allowed}")
