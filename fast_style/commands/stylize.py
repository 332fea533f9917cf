"""`stylize.py`: parse, plan which file becomes which, stylize each, go on after a bad one."""

import io
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ..errors import FastStyleError
from ..options import QUALITY, RuntimeOptions, StylizeOptions, VideoOptions
from ..system import malloc
from .parsing import parse

# What the work needs beyond that is imported where it is done, so that `--help` is quick.
if TYPE_CHECKING:
    from ..stylizer import Stylizer
    from .planning import Job


@dataclass(frozen=True)
class StylizeCommand:
    """Stylize pictures and films with a trained network, in one forward pass for each picture or frame."""

    inputs: tyro.conf.Positional[tuple[str, ...]] = ()
    """Pictures, films, folders of pictures (sub-folders mirrored), globs, frames/%05d.png, or - for a pipe."""

    model: str = "wave"
    """Checkpoint: a .pth file or the name of a shipped style, or an exported .onnx or .xml file."""

    output: Annotated[str | None, tyro.conf.arg(aliases=["-o"])] = None
    """A file for one input, else a folder, which is made; by default in_STYLE.jpg beside in.jpg."""

    overwrite: bool = False
    """Replace results that exist."""

    skip_existing: bool = False
    """Pass over inputs whose result exists."""

    quality: int = QUALITY
    """JPEG, WebP and AVIF quality, 1 to 100."""

    format: str | None = None
    """Format of the results (jpg, png, webp, tiff, ...); by default that of the output name or of the input."""

    compare: bool = False
    """Write before and after side by side."""

    info: bool = False
    """Print what the checkpoint says of itself."""

    camera: int | None = None
    """Show this camera, stylized, in a window: 0 is the first."""

    raw: str | None = None
    """Raw video through a pipe: RGB24 frames of this WIDTHxHEIGHT on standard input, the same on standard output."""

    how: StylizeOptions = field(default_factory=StylizeOptions)
    video: VideoOptions = field(default_factory=VideoOptions)
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)


def main(arguments: Sequence[str] | None = None, prog: str = "stylize.py") -> int:
    """Stylize what the arguments name; the exit code."""
    command = parse(StylizeCommand, arguments or [], prog)
    live = command.camera is not None or command.raw is not None
    if not command.inputs and not command.info and not live:
        raise FastStyleError(f"name at least one picture, film or folder; see {prog} --help")
    if not 1 <= command.quality <= 100:
        raise FastStyleError(f"--quality is {command.quality}; it takes 1 to 100")
    if command.info:
        return _print_info(command)
    if live:
        return _run_live(command)
    style = Path(command.model).stem
    from .planning import plan

    jobs, problems = plan(command.inputs, command.output, style, command.format)
    jobs, blocked = _without_existing(jobs, command)
    problems += blocked
    if jobs:
        problems += _stylize_all(_load(command), jobs, command)
    for problem in problems:
        print(f"{prog}: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _load(command: StylizeCommand) -> "Stylizer":
    malloc.tune()
    from ..stylizer import Stylizer

    runtime = command.runtime
    return Stylizer.load(command.model, runtime.device, runtime.engine, runtime.precision)


def _run_live(command: StylizeCommand) -> int:
    if command.camera is not None:
        from .live import stylize_camera

        return stylize_camera(_load(command), command.camera, command.how, command.video)
    if command.inputs not in ((), ("-",)) or command.output not in (None, "-"):
        raise FastStyleError("--raw goes from standard input to standard output; name no files")
    assert command.raw is not None  # else this is not live
    from .live import stylize_raw

    return stylize_raw(lambda: _load(command), command.raw, command.how, command.video)


def _print_info(command: StylizeCommand) -> int:
    from ..stylizer import Stylizer

    runtime = command.runtime
    info = Stylizer.load(command.model, runtime.device, runtime.engine, runtime.precision).info
    import yaml

    print(yaml.safe_dump(info, sort_keys=False, allow_unicode=True), end="")
    return 0


def _without_existing(jobs: "list[Job]", command: StylizeCommand) -> "tuple[list[Job], list[str]]":
    """The jobs whose result may be written, and a line for each that may not."""
    there = [job for job in jobs if job.done]
    if command.overwrite or not there:
        return jobs, []
    keep = [job for job in jobs if not job.done]
    if command.skip_existing:
        return keep, []
    return keep, [f"{job.target} exists; use --overwrite or --skip-existing" for job in there]


def _stylize_all(stylizer: "Stylizer", jobs: "list[Job]", command: StylizeCommand) -> list[str]:
    """Stylize each; a line for each that failed. A bar on the terminal when there are several."""
    from tqdm import tqdm

    problems = []
    for job in tqdm(jobs, unit="film" if any(job.film for job in jobs) else "picture", disable=len(jobs) < 2):
        try:
            if job.film:
                _stylize_film(stylizer, job, command)
            else:
                stylize_one(stylizer, job, command)
        except FastStyleError as error:
            problems.append(str(error))
        except Exception as error:  # whatever it is, the other pictures are not to suffer
            first_line = str(error).partition("\n")[0]
            problems.append(f"{job.source or 'standard input'}: {type(error).__name__}: {first_line}")
    return problems


def _stylize_film(stylizer: "Stylizer", job: "Job", command: StylizeCommand) -> None:
    if command.compare:
        raise FastStyleError(f"{job.source}: --compare is for pictures; leave it out for a film")
    assert job.source and job.target  # films come from files and go to files
    from .films import stylize_film

    stylize_film(stylizer, job.source, job.target, command.how, command.video)


def stylize_one(stylizer: "Stylizer", job: "Job", command: StylizeCommand) -> None:
    """Read, stylize and write one picture."""
    from .. import images
    from .progress import TileBar

    picture = images.read(job.source or io.BytesIO(sys.stdin.buffer.read()))
    with closing(TileBar(job.source.name if job.source else "standard input")) as bar:
        styled = stylizer.apply(picture, command.how, progress=bar)
    if command.compare:
        styled = replace(styled, image=images.side_by_side(picture.image, styled.image), deep=None)
    kind = job.format or (picture.format if picture.format in images.SUFFIXES else "PNG")
    styled = replace(styled, format=kind)
    if job.target:
        images.write(styled, job.target, command.quality)
    else:
        sys.stdout.buffer.write(images.encode(styled, command.quality))
