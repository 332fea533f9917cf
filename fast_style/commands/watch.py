"""Stylize every picture that appears in a folder into another folder: `fast-style watch`."""

import logging
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from .. import images
from ..errors import FastStyleError
from ..models import bundled
from ..options import RuntimeOptions, StylizeOptions, VideoOptions
from ..system import malloc
from .console import model_names
from .console.films import stylize_film
from .console.flags import LOOK, POSITIONAL
from .console.folder_watch import changed_pictures
from .console.help import Help
from .console.loading import load
from .console.parsing import parse
from .console.planning import Job, plan
from .console.signals import stop_on_signal
from .stylize import StylizeCommand, stylize_one

if TYPE_CHECKING:
    from ..stylizer import Stylizer

log = logging.getLogger(__name__)

HELP = Help(
    first="model style strength size preserve_color format quality settle_s device",
    examples=("exports/ painted/ --model scream",),
)


@dataclass(frozen=True)
class WatchCommand:
    """Stylize every picture that appears or changes in a folder, such as what an editor exports, until Ctrl-C."""

    input: Annotated[Path, POSITIONAL]
    """Folder to watch, with its sub-folders."""

    output: Annotated[Path, POSITIONAL]
    """Folder for the results, of the same names; it is made."""

    model: str | None = None
    """Checkpoint: a file, an address, or a shipped model or style; by default the one with --style, else wave."""

    style_image: tuple[str, ...] = ()
    """Any painting, to paint like it after one look. Of several --style blends their file names."""

    look: Annotated[str | None, LOOK] = None
    """Look that was found with fast-style taste: its name, or a file such as ./my-look.yaml; flags win over it."""

    quality: int = images.QUALITY
    """JPEG, WebP and AVIF quality, 1 to 100."""

    format: str | None = None
    """Format of the results (jpg, png, webp, tiff, ...); by default that of the input."""

    settle_s: float = 1.0
    """How long a file must stay the same to count as written to its end."""

    how: StylizeOptions = field(default_factory=StylizeOptions)
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)


def main(arguments: Sequence[str], prog: str) -> int:
    """Watch until a signal ends it; return the exit code."""
    command = parse(WatchCommand, arguments, prog, HELP)
    _check(command)
    asked = bundled.ANY_STYLE if command.style_image and not command.model else command.model
    model, style = model_names.choose(asked, command.how.style, command.how.mask)
    command = replace(command, model=model, how=replace(command.how, style=style))
    malloc.tune()
    stylizer = load(model, command.style_image, command.runtime)
    folder, output = command.input.resolve(), command.output.resolve()
    owners: dict[Path, Path] = {}
    with stop_on_signal() as stopped:
        print(f"{prog}: watching {command.input}; Ctrl-C ends it", flush=True)

        def is_new(path: Path) -> bool:
            try:
                return _is_newer(path, _job(path, folder, output, command).target)
            except FastStyleError:
                return True  # it is told when its turn comes

        for path in changed_pictures(folder, output, is_new, stopped, command.settle_s):
            try:
                job = _job(path, folder, output, command)
                _stylize(stylizer, job, command, owners)
                print(f"{path.relative_to(folder)} -> {job.target}", flush=True)
            except FastStyleError as error:
                log.debug("where it was raised", exc_info=True)
                print(f"{prog}: {error.with_flags()}", file=sys.stderr, flush=True)
            except Exception as error:  # whatever it is, the next picture is not to suffer
                log.debug("where it was raised", exc_info=True)
                first_line = str(error).partition("\n")[0]
                print(f"{prog}: {path}: {type(error).__name__}: {first_line}", file=sys.stderr, flush=True)
    return 0


def _check(command: WatchCommand) -> None:
    if not command.input.is_dir():
        raise FastStyleError(f"{command.input}: no such folder")
    if command.input.resolve() == command.output.resolve():
        raise FastStyleError("the folder for the results is the watched one; name another")
    if not 1 <= command.quality <= 100:
        raise FastStyleError(f"`quality` is {command.quality}; it takes 1 to 100")
    if not 0 <= command.settle_s < math.inf:
        raise FastStyleError(f"`settle_s` is {command.settle_s}; it takes 0 or more")
    if command.format:
        images.format_for(Path("result"), command.format)


def _job(path: Path, folder: Path, output: Path, command: WatchCommand) -> Job:
    """What becomes of a picture: the same name, below the folder of the results."""
    place = output / path.relative_to(folder).parent
    jobs, problems = plan([str(path)], f"{place}/", bundled.stem(command.model or model_names.DEFAULT), command.format)
    if problems:
        raise FastStyleError(str(problems[0]))
    return jobs[0]


def _is_newer(path: Path, target: Path | None) -> bool:
    """Whether a picture that was there before the watching has no result, or an older one."""
    return path.is_file() and not (target and target.exists() and target.stat().st_mtime >= path.stat().st_mtime)


def _stylize(stylizer: "Stylizer", job: Job, command: WatchCommand, owners: dict[Path, Path]) -> None:
    assert job.source and job.target  # neither is a standard stream
    owner = owners.setdefault(job.target, job.source)
    if owner != job.source and owner.exists():
        raise FastStyleError(f"{job.source} would overwrite the result of {owner.name}; rename one")
    owners[job.target] = job.source
    if job.film:
        stylize_film(stylizer, job.source, job.target, command.how, VideoOptions())
    else:
        stylize_one(stylizer, job, StylizeCommand(quality=command.quality, how=command.how))
