"""List the devices that the installed runtimes find, and what the others need: `fast-style devices`."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from .console.parsing import parse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DevicesCommand:
    """List what `--device` can name: which runtime finds it here, and what it takes where none does."""

    json: bool = False
    """Print data instead of a table."""


@dataclass(frozen=True)
class Row:
    """Describe a device of a runtime."""

    device: str
    """Name for `--device`."""
    engine: str
    """Name for `--engine`."""
    found: bool
    """Whether the runtime finds it on this machine."""
    what: str
    """What the runtime calls it; where it is not found, what it takes."""


def main(arguments: Sequence[str], prog: str) -> int:
    """Print a line per device; return the exit code."""
    command = parse(DevicesCommand, arguments, prog)
    rows = list(_rows())
    print(json.dumps([asdict(row) for row in rows], indent=2) if command.json else _table(rows))
    return 0


def _rows() -> Iterator[Row]:
    """What is found, the CPU of every engine first, then the others with what they take."""
    from ..engines.registry import ENGINES

    missing = []
    for entry in ENGINES.values():
        try:
            found = entry.found()
        except (ImportError, OSError, RuntimeError) as error:  # a library or a driver of the runtime's own is broken
            log.warning("%s cannot be imported: %s", entry.name, str(error).partition("\n")[0])
            found = {}
        yield from (Row(name, entry.name, True, what) for name, what in found.items())
        kinds = {name.partition(":")[0] for name in found}
        missing += [Row(name, entry.name, False, text) for name, text in entry.devices.items() if name not in kinds]
    yield from missing


def _table(rows: Sequence[Row]) -> str:
    cells = [("DEVICE", "ENGINE", "FOUND", "WHAT IT IS, OR WHAT IT TAKES")]
    cells += [(row.device, row.engine, "yes" if row.found else "no", row.what) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]) for line in cells
    )
