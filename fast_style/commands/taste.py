"""Find a look by choosing among four versions of a photograph: `fast-style taste`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..errors import FastStyleError
from ..options import RuntimeOptions, StylizeOptions
from ..options.checks import check_at_least, check_between, check_types
from ..options.recipes import recipe_of
from ..system import malloc
from ..taste import MOST_ROUNDS, OFFERED, ROUNDS, looks
from .console.flags import OUTPUT, POSITIONAL
from .console.help import Help
from .console.parsing import parse

if TYPE_CHECKING:
    from PIL import Image

    from ..stylizer import Stylizer
    from ..taste.search import TasteSearch

HELP = Help(
    examples=(
        "photo.jpg                                  four pictures a round on photo_taste.jpg; asks which",
        "photo.jpg --picks 1,3,2                    for scripts: the sheet after these choices",
        "photo.jpg --picks 1,3,2,4,1 --name mine    keeps the look that was chosen last, for --look mine",
    )
)
# The largest working size of a look, with some room: larger pictures would look the same on the sheet.
PHOTO_PX = 640
COLOURS = {
    "none": "the painting's colours",
    "statistics": "matched colours",
    "luminance": "the photograph's colours",
}


@dataclass(frozen=True)
class TasteCommand:
    """Find a look by choosing among four versions of a photograph, round by round, and keep it by name.

    Each round is written on one sheet, numbered 1 to 4; the next four lie nearer to what was chosen. Kept looks are
    used as --look NAME.
    """

    photo: Annotated[Path, POSITIONAL]
    """Photograph to try the looks on."""

    name: str | None = None
    """Name by which the look is kept; by default it is asked for at the end."""

    picks: str = ""
    """Choices that are made already, as in 1,3,2."""

    sheet: Annotated[Path | None, OUTPUT] = None
    """Where the four pictures of a round are written; by default PHOTO_taste.jpg beside the photograph."""

    model: str = "gallery"
    """Checkpoint, by name or file, whose styles and blends are tried; a model of many styles has the most looks."""

    rounds: int = ROUNDS
    """Rounds, 1 to 16."""

    size: int = 360
    """Short side in px of the pictures on the sheet."""

    seed: int = 0
    """Another one begins with other pictures; the same choices with the same seed give the same looks."""

    overwrite: bool = False
    """Replace a look of that name, and the file that --sheet names."""

    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)

    def __post_init__(self) -> None:
        check_types(self)
        check_between(self, 1, MOST_ROUNDS, "rounds")
        check_at_least(self, 32, "size")
        check_at_least(self, 0, "seed")
        if self.name is not None:
            looks.path_of(self.name)


def main(arguments: Sequence[str], prog: str) -> int:
    """Ask round by round, or go by `--picks`; return the exit code."""
    command = parse(TasteCommand, arguments, prog, HELP)
    malloc.tune()
    from .. import images
    from ..stylizer import Stylizer
    from ..taste.search import TasteSearch, parse_picks
    from ..taste.space import Space

    picks = parse_picks(command.picks)
    asks = sys.stdin is not None and sys.stdin.isatty()  # None: it was closed
    if command.name and not picks and not asks:
        raise FastStyleError("`name` keeps the look that was chosen last; say with `picks` what was, as in 1,3,2")
    photo = images.read(command.photo).rgb
    command = replace(command, sheet=_sheet(command))
    photo = images.resize_short_side(photo, min(PHOTO_PX, *photo.size))
    stylizer = Stylizer.load(command.model, command.runtime.device, command.runtime.engine, command.runtime.precision)
    search = TasteSearch(Space(stylizer.styles, stylizer.engine.style_gram), command.seed)
    search.offered(picks)  # wrong ones are told before anything is painted
    if not asks and not command.name:
        _write_sheet(search, picks, photo, stylizer, command)
        return 0
    while asks and len(picks) < command.rounds:
        _write_sheet(search, picks, photo, stylizer, command)
        if not _ask(picks):
            break
    if picks:
        _keep(search, picks, command, asks)
    return 0


def _ask(picks: list[int]) -> bool:
    """Change the picks by an answer; return whether to go on."""
    while True:
        answer = _answer(f"which do you like best? 1 to {OFFERED}, b goes back, q ends: ", at_end="q").lower()
        if answer == "q":
            return False
        if answer == "b" and picks:
            picks.pop()
            return True
        if answer.isdecimal() and 1 <= int(answer) <= OFFERED:
            picks.append(int(answer))
            return True


def _answer(question: str, at_end: str) -> str:
    """Return what is answered on the terminal; `at_end` where its input ends (Ctrl-D)."""
    try:
        return input(question).strip()
    except EOFError:
        print()
        return at_end


def _sheet(command: TasteCommand) -> Path:
    """Return where rounds are written. Raises FastStyleError for the photograph itself and for a file that is there."""
    from .. import images

    sheet = command.sheet or command.photo.with_name(f"{command.photo.stem}_taste.jpg")
    images.format_for(sheet)  # raises
    if sheet.exists() and sheet.samefile(command.photo):
        raise FastStyleError(f"{sheet} is the photograph itself; the four pictures go to another file, by `sheet`")
    if command.sheet and sheet.exists() and not command.overwrite:
        raise FastStyleError(f"{sheet} exists; name another `sheet`; `overwrite` replaces it")
    return sheet


def _write_sheet(
    search: "TasteSearch", picks: Sequence[int], photo: "Image.Image", stylizer: "Stylizer", command: TasteCommand
) -> None:
    """Write the four pictures of a round on one sheet, and say where."""
    from .. import images

    assert command.sheet  # `main` has decided
    pictures = []
    for number, look in enumerate(search.offered(picks), 1):
        how = search.space.options(look)
        painted = stylizer.stylize(photo, replace(how, output_size=command.size))
        style, rest = _described(how, search.space.names)
        pictures.append(images.captioned(painted, f"{number}   {style}", rest))
    arranged = images.contact_sheet([pictures[0::2], pictures[1::2]])
    images.write(images.Picture(arranged, images.format_for(command.sheet), None, None), command.sheet)
    print(f"round {len(picks) + 1} of {command.rounds}: {command.sheet}", flush=True)


def _described(how: StylizeOptions, styles: Sequence[str]) -> tuple[str, str]:
    """Return a look in the page's words: its style or blend, and the rest."""
    from ..inference.style_weights import shares

    blend = shares(how.style, styles)
    parts = [_words(name) + f" {_percent(share)}" * (len(blend) > 1) for name, share in blend.items()]
    rest = f"strength {_percent(how.strength)}, strokes at {how.size} px, {COLOURS[how.preserve_color]}"
    return " and ".join(parts), rest


def _words(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _keep(search: "TasteSearch", picks: Sequence[int], command: TasteCommand, asks: bool) -> None:
    """Keep the look that was chosen last, by the name that is given or asked for; no name keeps nothing."""
    model = str(Path(command.model).resolve()) if Path(command.model).is_file() else command.model
    values = {"model": model, **recipe_of(search.space.options(search.picked(picks)))}
    name = command.name
    while True:
        name = name or (_answer("name to keep it by (empty: not at all): ", at_end="") if asks else "")
        if not name:
            return
        try:
            path = looks.keep(name, values, command.overwrite)
        except FastStyleError as error:
            if not asks:
                raise
            print(error.with_flags(), file=sys.stderr)
            name = None
        else:
            print(f"kept as {name} ({path}); use it: stylize.py {command.photo} --look {name}")
            return
