"""Choose how much memory a run may take where the user names none."""

from ..images.limits import available_bytes

# No more than this: tiles are as quick as a whole picture, and other programs want memory too.
MOST_BYTES = 2 * 10**9
# Share of what is free, within the limits of the process's control group; the picture itself, and what else is made of
# it, have the rest. Below LEAST_BYTES tiles are so small that most of the work is their overlap.
SHARE, LEAST_BYTES = 0.5, 10**8


def default_bytes() -> int:
    """Return the memory that a run may take on a CPU, in bytes: a share of what is free, 2 GB at most."""
    free = available_bytes()
    return MOST_BYTES if free is None else int(min(MOST_BYTES, max(LEAST_BYTES, SHARE * free)))
