"""List the shipped styles, or paint photographs with each of them on one sheet: `fast-style styles`."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from PIL import Image
from tqdm import tqdm

from .. import images
from ..errors import FastStyleError
from ..models import bundled
from ..options.checks import check_at_least
from ..system import malloc
from ..system.file_digest import sha256
from .console.flags import OUTPUT, POSITIONAL
from .console.parsing import parse

if TYPE_CHECKING:
    from ..models.shipped_styles import ShippedStyle
    from ..stylizer import Stylizer

# A sheet of more rows than these is about so many times as high as wide.
FEW_ROWS, HIGHER_THAN_WIDE = 6, 1.2
# Headings of the list, in order, by kind of network; "several": for pictures too, with several styles.
HEADINGS = {
    "full": "For pictures, one network for each painting",
    "several": "For pictures, several paintings in one network, to choose one or to blend",
    "video": "For films: steady from frame to frame",
    "lite": "For cameras and films in real time: small and quick",
    "nano": "For cameras and films in real time: the smallest and quickest",
}
ANY = f"Any painting at once: --model {bundled.ANY_STYLE} --style-image PAINTING"
# The last line of the list.
HOW_TO_CHOOSE = "Choose one with --model MODEL; of a model with several by its style too: --model gallery --style adele"


@dataclass(frozen=True)
class StylesCommand:
    """List the shipped models with their styles; `--model NAME` takes a model, `--style NAME` one of its styles."""

    models: Annotated[tuple[str, ...], POSITIONAL] = ()
    """Names of shipped models, files or addresses of checkpoints; by default every shipped one."""

    json: bool = False
    """Print one JSON object a line: model, style, title, artist, year, file and its sha256."""

    sheet: Annotated[Path | None, OUTPUT] = None
    """Paint --on with every style and write all of it on one sheet."""

    on: tuple[Path, ...] = bundled.SAMPLES
    """Photographs to try the styles on; by default the samples that come with the package."""

    size: int = 320
    """Short side in px of the pictures on the sheet."""

    def __post_init__(self) -> None:
        check_at_least(self, 32, "size")
        if self.json and self.sheet:
            raise FastStyleError("`json` is for the list, not for a sheet")


def main(arguments: Sequence[str], prog: str) -> int:
    """Print a line per style, or paint them; return the exit code."""
    command = parse(StylesCommand, arguments, prog)
    names = command.models or tuple(bundled.shipped())
    if command.sheet is None:
        print("\n".join(_json(names)) if command.json else _table(command.models or tuple(bundled.checkpoints())))
        return 0
    kind = images.format_for(command.sheet)
    malloc.tune()
    images.write(images.Picture(_sheet(command, names), kind, None, None), command.sheet)
    return 0


def _table(names: Sequence[str]) -> str:
    """A line for each style below the heading of its kind of network."""
    from ..models.shipped_styles import styles

    found = styles(*names)
    widths = [max(map(len, column), default=0) for column in zip(*((s.model, s.name) for s in found), strict=True)]
    parts = []
    for group, heading in HEADINGS.items():
        own = [style for style in found if _group(style) == group]
        lines = [f"  {style.model:{widths[0]}}  {style.name:{widths[1]}}  {style.work}".rstrip() for style in own]
        parts += ["\n".join([f"{heading}:", *lines])] if lines else []
    return "\n\n".join([*parts, *([ANY] if bundled.ANY_STYLE in names else []), HOW_TO_CHOOSE])


def _group(style: "ShippedStyle") -> str:
    return "several" if style.kind == "full" and style.count > 1 else style.kind


def _json(names: Sequence[str]) -> Iterator[str]:
    from ..models.shipped_styles import styles

    for model in names:
        file = bundled.find(model)
        digest = sha256(file)
        for style in styles(model):
            described = {"title": style.title, "artist": style.artist, "year": style.year}
            row = {"model": style.model, "style": style.name, **described, "file": str(file), "sha256": digest}
            yield json.dumps(row, ensure_ascii=False)


def _sheet(command: StylesCommand, names: Sequence[str]) -> Image.Image:
    """A row of photographs, then a row for each style; many rows in parts beside each other."""
    from ..stylizer import Stylizer

    photos = [images.resize_short_side(images.read(path).rgb, command.size) for path in command.on]
    stylizers = [(name, Stylizer.load(name)) for name in names]
    rows = [[images.captioned(photo, "photograph") for photo in photos]]
    with tqdm(total=sum(len(stylizer.styles) for _, stylizer in stylizers), unit="style") as bar:
        for name, stylizer in stylizers:
            for row in _rows(name, stylizer, photos):
                rows.append(row)
                bar.update()
    return images.contact_sheet(_columns(rows))


def _columns(rows: Sequence[list[Image.Image]]) -> list[list[Image.Image]]:
    """Split many rows into parts that stand beside each other, so that the sheet is not much higher than wide."""
    ratio = sum(row[0].height for row in rows) / sum(image.width for image in rows[0])
    parts = max(1, round(math.sqrt(ratio / HIGHER_THAN_WIDE))) if len(rows) > FEW_ROWS else 1
    count = math.ceil(len(rows) / parts)
    starts = range(0, len(rows), count)
    return [list(column) for start in starts for column in zip(*rows[start : start + count], strict=True)]


def _rows(name: str, stylizer: "Stylizer", photos: Sequence[Image.Image]) -> Iterator[list[Image.Image]]:
    from ..models.shipped_styles import styles

    for style in styles(name):
        label = style.model if len(stylizer.styles) == 1 else f"{style.model}, {style.name}"
        caption = f"{label}: {style.work}".removesuffix(": ")
        yield [images.captioned(stylizer.stylize(photo, style=style.name), caption) for photo in photos]
