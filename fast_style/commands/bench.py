"""Measure speed, memory and closeness of every engine, as a table or as data: `fast-style bench`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from tqdm import tqdm

from ..benchmark import measure, measure_training
from ..models.bundled import SAMPLE, find
from ..options import BenchmarkOptions
from .console.flags import POSITIONAL
from .console.parsing import parse

HEADS = {
    "model": "{}",
    "engine": "{}",
    "precision": "{}",
    "size": "{}",
    "operation": "{}",
    "ms": "{:.2f}",
    "p50_ms": "{:.1f}",
    "p95_ms": "{:.1f}",
    "p99_ms": "{:.1f}",
    "per_s": "{:.2f}",
    "peak_mb": "{:.0f}",
    "ratio": "{:.2f}",
    "psnr_db": "{:.1f}",
    "share": "{:.0%}",
    "process": "{}",
    "seconds": "{:.2f}",
    "memory_share": "{:.0%}",
}


@dataclass(frozen=True)
class BenchCommand:
    """Measure speed as a ratio to plain PyTorch in the same run, and as a share of what the machine can do."""

    models: Annotated[tuple[str, ...], POSITIONAL] = ("wave",)
    """Checkpoints or shipped names, and exported files (.onnx, .xml)."""

    json: bool = False
    """Print data instead of a table."""

    how: BenchmarkOptions = field(default_factory=BenchmarkOptions)


def main(arguments: Sequence[str], prog: str) -> int:
    """Measure and print; return the exit code."""
    command = parse(BenchCommand, arguments, prog)
    with tqdm(unit="pass") as bar:

        def show(what: str = "") -> None:
            bar.set_description(what, refresh=False)
            bar.update()

        rows = _measure(command, show)
    print(json.dumps(rows, indent=2) if command.json else _table(rows))
    return 0


def _measure(command: BenchCommand, show: Any) -> list[dict[str, Any]]:
    how = command.how
    if how.process:
        from ..benchmark.cases import parse_size
        from ..benchmark.whole_process import compare

        photo, model = how.photo or SAMPLE, find(command.models[0])
        return [dict(row) for size in how.sizes for row in compare(model, photo, parse_size(size), how.runs, show)]
    if how.profile:
        from ..benchmark.operations import profile

        return [asdict(part) for part in profile(command.models, how, show)]
    rows = measure_training(how, show) if how.train else measure(command.models, how, show)
    return [asdict(row) for row in rows]


def _table(rows: list[dict[str, Any]]) -> str:
    """A table of aligned columns, without those that are empty in every row."""
    heads = [head for head in HEADS if any(row.get(head) is not None for row in rows)]
    cells = [heads, *([_cell(head, row.get(head)) for head in heads] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _cell(head: str, value: Any) -> str:
    return "-" if value is None else HEADS[head].format(value)
