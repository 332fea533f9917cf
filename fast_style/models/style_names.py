"""Find the names of the styles of one checkpoint."""

from collections.abc import Sequence


def distinct(names: Sequence[str]) -> list[str]:
    """Return the names with a number behind each that stood before: wave, wave (2), so that each can be chosen."""
    found: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in found or (number > 1 and candidate in names):
            number += 1
            candidate = f"{name} ({number})"
        found.append(candidate)
    return found
