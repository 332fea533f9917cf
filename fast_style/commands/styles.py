"""`fast-style styles`: what comes with the package."""

from collections.abc import Sequence
from dataclasses import dataclass

from .. import library
from .parsing import parse


@dataclass(frozen=True)
class StylesCommand:
    """List the shipped models with their styles; `--model NAME` takes a model, `--style NAME` one of its styles."""


def main(arguments: Sequence[str], prog: str) -> int:
    """Print a line per style; the exit code."""
    parse(StylesCommand, arguments, prog)
    from ..checkpoint import load

    rows = [("MODEL", "STYLE", "WORK")]
    for name, path in library.shipped().items():
        for style in load(path).styles:
            work = ", ".join(filter(None, (style.get("title"), style.get("artist"))))
            rows.append((name, style["name"], work))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for model, style, work in rows:
        print(f"{model:{widths[0]}}  {style:{widths[1]}}  {work}".rstrip())
    return 0
