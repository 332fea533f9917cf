"""Define the exception whose text is meant for users."""

import re

_OPTION = re.compile(r"`([a-z][a-z0-9_]*)`")


class FastStyleError(Exception):
    """Report an error that the user can mend: one plain line that says what is wrong and what to do.

    The name of an option stands in the message as `tile_px`, in backticks and as Python spells it. `str` gives that
    name, which is also the field of the service; `with_flags` gives the flag of the command line, --tile-px.
    """

    def __str__(self) -> str:
        return _OPTION.sub(r"\1", super().__str__())

    def with_flags(self) -> str:
        """Return the message for the command line."""
        return _OPTION.sub(lambda option: f"--{option[1].replace('_', '-')}", super().__str__())
