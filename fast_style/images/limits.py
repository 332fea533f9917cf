"""Refuse pictures that are too large for the machine before memory is taken for them."""

from contextlib import suppress
from pathlib import Path

from ..errors import FastStyleError

# More pixels than this are refused on every machine. Pillow's own limit (`Image.MAX_IMAGE_PIXELS`) is below what
# stitched panoramas have, and belongs to the program that uses this library.
MOST_PX = 1_000_000_000
# A decoded picture, its array, and the result of the same size, at 8 bit per channel.
BYTES_PER_PX = 12
# Below this the memory that is left is not looked up.
SMALL_BYTES = 2**29

MEMORY_INFO = Path("/proc/meminfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")


def check_size(size: tuple[int, int], name: str, bytes_per_px: float = BYTES_PER_PX) -> None:
    """Raise FastStyleError when a picture of that width and height is over the limit or does not fit into memory.

    name: what the message begins with. bytes_per_px: memory that its decoding takes.
    """
    width, height = size
    if width * height > MOST_PX:
        raise FastStyleError(f"{name}: {width}x{height} has more pixels than the limit of {MOST_PX}")
    check_memory(width * height * bytes_per_px, f"{name}: {width}x{height} pixels")


def check_memory(need: float, what: str) -> None:
    """Raise FastStyleError when so many bytes are not there. what: the message begins with it; in the plural."""
    free = None if need < SMALL_BYTES else available_bytes()
    if free is not None and need > free:
        raise FastStyleError(f"{what} take about {need / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free")


def check_claim(size: tuple[int, int], file_bytes: int, most_px_per_byte: int, name: str) -> None:
    """Raise FastStyleError when a file claims more pixels than its format can pack into that many bytes.

    most_px_per_byte: of the format; 0 where there is no such limit.
    """
    width, height = size
    if most_px_per_byte and width * height > most_px_per_byte * (file_bytes + 1000):
        raise FastStyleError(
            f"{name}: {width}x{height} pixels cannot be in a file of {file_bytes} bytes; it is damaged"
        )


def available_bytes() -> int | None:
    """Return the memory that this process can still take, within its control group; None where it is not known."""
    found = []
    with suppress(OSError, ValueError, StopIteration):
        line = next(line for line in MEMORY_INFO.read_text().splitlines() if line.startswith("MemAvailable"))
        found.append(1024 * int(line.split()[1]))
    with suppress(OSError, ValueError):
        most = int((CONTROL_GROUP / "memory.max").read_text())
        used = int((CONTROL_GROUP / "memory.current").read_text())
        statistics = dict(line.split() for line in (CONTROL_GROUP / "memory.stat").read_text().splitlines())
        found.append(most - used + int(statistics.get("inactive_file", 0)))  # the kernel gives file caches back
    return max(0, min(found)) if found else None
