"""Stylize pictures, films and 3-D models one after the other, going on after one that fails: `stylize.py`."""

import io
import logging
import math
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..errors import FastStyleError
from ..models import bundled
from ..options import QUALITY, RuntimeOptions, StylizeOptions, VideoOptions
from ..system import malloc
from ..system.launch import launched
from ..system.pipes import write_all
from .console import model_names
from .console.flags import LOOK, OUTPUT, POSITIONAL
from .console.help import Help
from .console.loading import load
from .console.parsing import parse
from .console.report import Report, name_of

# What the work needs beyond that is imported where it is done, so that `--help` is quick.
if TYPE_CHECKING:
    from ..images import Picture
    from ..inference.masks import Mask
    from ..stylizer import Stylizer
    from .console.planning import Job

    Opened = tuple[Picture, tuple[Mask, ...]]

log = logging.getLogger(__name__)

HELP = Help(
    first="model style style_image output strength strokes size preserve_color mask overwrite",
    examples=(
        "photo.jpg                                   photo_wave.jpg beside it",
        "photo.jpg --style-image painting.jpg        like any painting, after one look",
        "photos/ -o painted/ --model scream          a folder, sub-folders mirrored",
        "film.mp4 --strength 0.7 --temporal flow     a film, with its sound",
        "film.mp4 --audio-reactive                   strength, strokes and blend follow the music",
    ),
)


@dataclass(frozen=True)
class StylizeCommand:
    """Stylize pictures, films and 3-D models with a trained network, in one forward pass for each picture or frame."""

    inputs: Annotated[tuple[str, ...], POSITIONAL] = ()
    """Pictures, films, 3-D models (glb, gltf, obj), folders (sub-folders mirrored), globs, frames/%05d.png, or - for a
    pipe."""

    model: str | None = None
    """Checkpoint: a file, its address (https://, hf://) or the name of a shipped model or style, or an exported .onnx
    or .xml file; by default the one that has --style, else wave."""

    style_image: tuple[str, ...] = ()
    """Any painting, to paint like it after one look. Of several --style blends their file names."""

    refine: float = 0.0
    """Seconds to train from what `any` makes of --style-image before the pictures are painted; the style is kept as
    PAINTING.pth here, for --model."""

    vgg_weights: Path | None = None
    """VGG19 weights for --refine; default: a download (548 MB, once)."""

    look: Annotated[str | None, LOOK] = None
    """Look that was found with fast-style taste: its name, or a file such as ./my-look.yaml; flags win over it."""

    output: Annotated[str | None, OUTPUT] = None
    """A file for one input, else a folder, which is made; by default in_MODEL.jpg beside in.jpg; - is a
    pipe."""

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

    quiet: bool = False
    """Print no line for each result."""

    json: bool = False
    """Print results and problems as JSON, one object a line: input, output, width, height, seconds; or input, error."""

    manifest: Path | None = None
    """File to which a line of JSON is added for each input: input, output, status (done, skipped, failed), seconds,
    error. Several processes may share it."""

    shard: str | None = None
    """Part of the inputs to do, for several processes: 0/4 is the first of four. torchrun says it by itself."""

    info: bool = False
    """Print what the checkpoint says of itself."""

    camera: int | None = None
    """Show this camera, stylized, in a window: 0 is the first. With --fps the working size adapts to hold that rate."""

    virtual_camera: bool = False
    """Show --camera not in a window but as a virtual camera that other programs can choose, at --fps (25)."""

    raw: str | None = None
    """Raw video through a pipe: RGB24 frames of this WIDTHxHEIGHT on standard input, the same on standard output."""

    how: StylizeOptions = field(default_factory=StylizeOptions)
    video: VideoOptions = field(default_factory=VideoOptions)
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)


def main(arguments: Sequence[str] | None = None, prog: str = "stylize.py") -> int:
    """Stylize what the arguments name; return the exit code."""
    command = parse(StylizeCommand, arguments or [], prog, HELP)
    live = command.camera is not None or command.raw is not None
    if command.virtual_camera and command.camera is None:
        raise FastStyleError("`virtual_camera` shows a camera; name it with `camera`, as in --camera 0")
    if not command.inputs and not command.info and not live:
        raise FastStyleError(f"name at least one picture, film or folder; see {prog} --help")
    _check_refinement(command)
    if not 1 <= command.quality <= 100:
        raise FastStyleError(f"`quality` is {command.quality}; it takes 1 to 100")
    asked = bundled.ANY_STYLE if command.style_image and not command.model else command.model
    model, style = model_names.choose(asked, command.how.style, command.how.mask)
    command = replace(command, model=model, how=replace(command.how, style=style))
    if command.info:
        return _print_info(command)
    if live:
        return _run_live(command)
    report = Report(prog, command.manifest, command.json, command.quiet)
    jobs = _jobs(command, bundled.stem(command.style_image[0] if command.style_image else model), report)
    try:
        opened = _open_first(jobs, command)
    except FastStyleError as error:
        report.failed(error.with_flags(), name_of(jobs[0]), jobs[0].target)
        jobs = []
    if jobs:
        with _said_when_slow(jobs, command):
            _stylize_all(_load(command, jobs), jobs, command, report, opened)
    return 1 if report.failures else 0


def _check_refinement(command: StylizeCommand) -> None:
    """Raise FastStyleError for what `refine` cannot do."""
    if command.vgg_weights and not command.refine:
        raise FastStyleError("`vgg_weights` has an effect with `refine` alone; leave it out")
    if command.refine and (len(command.style_image) != 1 or not 0 < command.refine < math.inf):
        raise FastStyleError("`refine` takes seconds, and one painting: name it with `style_image`")
    if command.refine and (command.shard or launched()):
        raise FastStyleError("`refine` trains in one process; refine first, then share out with `model` PAINTING.pth")


def _jobs(command: StylizeCommand, style: str, report: Report) -> "list[Job]":
    """Return this process's jobs; report inputs that cannot be done and results that exist."""
    from .console.planning import plan, shard

    part, count = shard(command.shard)
    sound = command.video.sound
    jobs, problems = plan(command.inputs, command.output, style, command.format, sound.audio is not None)
    if sound.curves and len(jobs) > 1:
        raise FastStyleError(f"`curves` is one file, and there are {len(jobs)} inputs; stylize them apart")
    if sound.curves and sound.curves.exists() and not command.overwrite:
        raise FastStyleError(f"{sound.curves} exists; use --overwrite, or --keyframes {sound.curves} to read it")
    for problem in problems if part == 0 else ():
        report.failed(str(problem), problem.input)
    skips = command.skip_existing or launched() is not None  # torchrun starts the same command again after a failure
    if jobs and part >= len(jobs) and command.shard is None:
        log.warning(f"process {part} of the {count} started together has none of the {len(jobs)} inputs to do")
    own = []
    # Shared out before anything is left out, so that a process started again has the jobs it had.
    for job in jobs[part::count]:
        if command.overwrite or not job.done:
            own.append(job)
        elif skips:
            report.skipped(job)
        else:
            report.failed(f"{job.target} exists; use --overwrite or --skip-existing", name_of(job), job.target)
    return own


def _open_first(jobs: "Sequence[Job]", command: StylizeCommand) -> "Opened | None":
    """Return what is read of a single picture, so that one that cannot be is told before a network is loaded."""
    if len(jobs) != 1 or jobs[0].film or jobs[0].model:
        return None
    return _open(jobs[0], command)


def _said_when_slow(jobs: "Sequence[Job]", command: StylizeCommand) -> AbstractContextManager[None]:
    """Say what is painted where that takes long; several inputs, films and --refine have bars, which do."""
    from .console.progress import said_when_slow

    silent = command.quiet or command.json or command.refine or len(jobs) > 1 or jobs[0].film
    return said_when_slow("" if silent else f"painting {name_of(jobs[0])} ...")


def _load(command: StylizeCommand, jobs: "Sequence[Job]" = ()) -> "Stylizer":
    malloc.tune()
    name = command.model or model_names.DEFAULT
    if not command.refine:
        return load(name, command.style_image, command.runtime)
    from .console.refinement import refined

    pictures = [job.source for job in jobs if job.source and not (job.film or job.model)]
    painting = Path(command.style_image[0])
    kept = refined(name, painting, pictures, command.refine, command.vgg_weights, command.overwrite)
    return load(str(kept), (), command.runtime)


def _run_live(command: StylizeCommand) -> int:
    if command.camera is not None:
        from .console.live import stylize_camera

        return stylize_camera(_load(command), command.camera, command.how, command.video, command.virtual_camera)
    if command.inputs not in ((), ("-",)) or command.output not in (None, "-"):
        raise FastStyleError("`raw` goes from standard input to standard output; name no files")
    assert command.raw is not None  # else this is not live
    from .console.live import stylize_raw

    return stylize_raw(lambda: _load(command), command.raw, command.how, command.video)


def _print_info(command: StylizeCommand) -> int:
    import yaml

    info = _load(command).info
    styles = [style | ({"texture": True} if "texture" in style else {}) for style in info["styles"]]  # not 25 kB of it
    print(yaml.safe_dump({**info, "styles": styles}, sort_keys=False, allow_unicode=True), end="")
    return 0


def _stylize_all(
    stylizer: "Stylizer", jobs: "list[Job]", command: StylizeCommand, report: Report, opened: "Opened | None"
) -> None:
    """Stylize each, going on after one that fails. A bar on the terminal when there are several.

    opened: what is read already of a single picture.
    """
    from tqdm import tqdm

    for job in tqdm(jobs, unit="film" if any(job.film for job in jobs) else "picture", disable=len(jobs) < 2):
        start = time.perf_counter()
        try:
            size = _stylize(stylizer, job, command, opened)
        except FastStyleError as error:
            report.failed(error.with_flags(), name_of(job), job.target, time.perf_counter() - start)
        except Exception as error:  # whatever it is, the other pictures are not to suffer
            first_line = str(error).partition("\n")[0]
            problem = f"{name_of(job)}: {type(error).__name__}: {first_line}"
            report.failed(problem, name_of(job), job.target, time.perf_counter() - start)
        else:
            report.done(job, size, time.perf_counter() - start)


def _stylize(stylizer: "Stylizer", job: "Job", command: StylizeCommand, opened: "Opened | None") -> tuple[int, int]:
    """Stylize one input; return width and height."""
    if job.film:
        return _stylize_film(stylizer, job, command)
    return _stylize_model(stylizer, job, command) if job.model else stylize_one(stylizer, job, command, opened)


def _stylize_model(stylizer: "Stylizer", job: "Job", command: StylizeCommand) -> tuple[int, int]:
    """Paint the textures of a model; return the size of the largest."""
    if command.compare:
        raise FastStyleError(f"{job.source}: `compare` is for pictures; leave it out for a model")
    assert job.source and job.target  # models come from files and go to files
    from .console.models import stylize_model

    return stylize_model(stylizer, job.source, job.target, command.how, command.quality, command.overwrite)


def _stylize_film(stylizer: "Stylizer", job: "Job", command: StylizeCommand) -> tuple[int, int]:
    if command.compare:
        raise FastStyleError(f"{job.source}: `compare` is for pictures; leave it out for a film")
    assert job.source and job.target  # films come from files and go to files
    from .console.films import stylize_film

    return stylize_film(stylizer, job.source, job.target, command.how, command.video)


def _open(job: "Job", command: StylizeCommand) -> "Opened":
    """Read a picture and its masks."""
    from .. import images
    from ..inference import masks

    picture = images.read(job.source or io.BytesIO(sys.stdin.buffer.read()))
    return picture, masks.read(command.how.mask or None)


def stylize_one(
    stylizer: "Stylizer", job: "Job", command: StylizeCommand, opened: "Opened | None" = None
) -> tuple[int, int]:
    """Read, stylize and write one picture; return the result's width and height. opened: what is read already."""
    from .. import images
    from .console.progress import TileBar

    picture, found = opened or _open(job, command)
    with closing(TileBar(job.source.name if job.source else "standard input")) as bar:
        styled = stylizer.apply(picture, command.how, found, progress=bar)
    if command.compare:
        styled = replace(styled, image=images.side_by_side(picture.image, styled.image), deep=None)
    kind = job.format or (picture.format if picture.format in images.SUFFIXES else "PNG")
    styled = replace(styled, format=kind)
    if job.target:
        images.write(styled, job.target, command.quality)
    else:
        write_all(images.encode(styled, command.quality), sys.stdout.buffer)
    return styled.image.size
