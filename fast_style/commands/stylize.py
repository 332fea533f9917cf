"""`stylize.py`: parse, plan which file becomes which, stylize each, go on after a bad one."""

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
import yaml
from tqdm import tqdm

from .. import images, malloc
from ..errors import FastStyleError
from ..options import RuntimeOptions, StylizeOptions
from .parsing import parse
from .planning import Job, plan

if TYPE_CHECKING:
    from ..stylizer import Stylizer


@dataclass(frozen=True)
class StylizeCommand:
    """Stylize pictures with a trained network, in one forward pass each."""

    inputs: tyro.conf.Positional[tuple[str, ...]] = ()
    """Pictures, folders (sub-folders mirrored), globs, or - for standard input and output."""

    model: str = "wave"
    """Checkpoint: a .pth file or the name of a shipped style, or an exported .onnx or .xml file."""

    output: Annotated[str | None, tyro.conf.arg(aliases=["-o"])] = None
    """A file for one input, else a folder, which is made; by default in_STYLE.jpg beside in.jpg."""

    overwrite: bool = False
    """Replace results that exist."""

    skip_existing: bool = False
    """Pass over inputs whose result exists."""

    quality: int = images.QUALITY
    """JPEG, WebP and AVIF quality, 1 to 100."""

    format: str | None = None
    """Format of the results (jpg, png, webp, tiff, ...); by default that of the output name or of the input."""

    compare: bool = False
    """Write before and after side by side."""

    info: bool = False
    """Print what the checkpoint says of itself."""

    how: StylizeOptions = field(default_factory=StylizeOptions)
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)


def main(arguments: Sequence[str] | None = None, prog: str = "stylize.py") -> int:
    """Stylize what the arguments name; the exit code."""
    command = parse(StylizeCommand, arguments or [], prog)
    if not command.inputs and not command.info:
        raise FastStyleError(f"name at least one picture or folder; see {prog} --help")
    if not 1 <= command.quality <= 100:
        raise FastStyleError(f"--quality is {command.quality}; it takes 1 to 100")
    if command.info:
        return _print_info(command)
    style = Path(command.model).stem
    jobs, problems = plan(command.inputs, command.output, style, command.format)
    jobs, blocked = _without_existing(jobs, command)
    problems += blocked
    if jobs:
        malloc.tune()
        from ..stylizer import Stylizer

        runtime = command.runtime
        stylizer = Stylizer.load(command.model, runtime.device, runtime.engine, runtime.precision)
        problems += _stylize_all(stylizer, jobs, command)
    for problem in problems:
        print(f"{prog}: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _print_info(command: StylizeCommand) -> int:
    from ..stylizer import Stylizer

    runtime = command.runtime
    info = Stylizer.load(command.model, runtime.device, runtime.engine, runtime.precision).info
    print(yaml.safe_dump(info, sort_keys=False, allow_unicode=True), end="")
    return 0


def _without_existing(jobs: list[Job], command: StylizeCommand) -> tuple[list[Job], list[str]]:
    """The jobs whose result may be written, and a line for each that may not."""
    there = [job for job in jobs if job.target and job.target.exists()]
    if command.overwrite or not there:
        return jobs, []
    keep = [job for job in jobs if not (job.target and job.target.exists())]
    if command.skip_existing:
        return keep, []
    return keep, [f"{job.target} exists; use --overwrite or --skip-existing" for job in there]


def _stylize_all(stylizer: "Stylizer", jobs: list[Job], command: StylizeCommand) -> list[str]:
    """Stylize each; a line for each that failed. A bar on the terminal when there are several."""
    problems = []
    for job in tqdm(jobs, unit="picture", disable=len(jobs) < 2):
        try:
            _stylize_one(stylizer, job, command)
        except FastStyleError as error:
            problems.append(str(error))
        except Exception as error:  # whatever it is, the other pictures are not to suffer
            first_line = str(error).partition("\n")[0]
            problems.append(f"{job.source or 'standard input'}: {type(error).__name__}: {first_line}")
    return problems


def _stylize_one(stylizer: "Stylizer", job: Job, command: StylizeCommand) -> None:
    picture = images.read(job.source or io.BytesIO(sys.stdin.buffer.read()))
    styled = stylizer.apply(picture, command.how)
    if command.compare:
        styled = replace(styled, image=images.side_by_side(picture.image, styled.image), deep=None)
    kind = job.format or (picture.format if picture.format in images.SUFFIXES else "PNG")
    styled = replace(styled, format=kind)
    if job.target:
        images.write(styled, job.target, command.quality)
    else:
        sys.stdout.buffer.write(images.encode(styled, command.quality))
