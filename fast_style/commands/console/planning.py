"""Decide which input becomes which output before anything is read."""

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ... import images
from ...errors import FastStyleError
from ...meshes import is_model, named_files
from ...system.folders import files_below
from ...system.launch import Launch, launched
from ...video import is_film, sources

# File systems take no longer name.
LONGEST_NAME_BYTES = 255


@dataclass(frozen=True)
class Job:
    """Describe one picture, film or 3-D model to stylize."""

    source: Path | None
    """None is standard input."""
    target: Path | None
    """None is standard output."""
    format: str | None
    """Pillow's name of the format to write; None is that of the input."""
    film: bool = False
    model: bool = False

    @property
    def done(self) -> bool:
        """Return whether the result exists already."""
        return self.target is not None and (self.target.exists() or sources.has_pictures(self.target))


@dataclass(frozen=True)
class Problem:
    """Describe an input that cannot be done."""

    input: str
    """As it was named."""
    reason: str

    def __str__(self) -> str:
        return f"{self.input}: {self.reason}"


@dataclass(frozen=True)
class _Input:
    """One picture or film that the arguments name."""

    path: Path | None
    """None is standard input."""
    relative: Path
    """Its path below the folder that was named, else its name."""
    in_folder: bool = False
    """Whether the folder was named, not the file."""


def plan(
    inputs: Sequence[str], output: str | None, style: str, format_name: str | None = None, sound: bool = False
) -> tuple[list[Job], list[Problem]]:
    """Return a job for every picture and film that `inputs` name, and a problem for every input that cannot be done.

    inputs: paths, folders, glob patterns, numbered pictures (`%05d.png`), `-` for standard input; what exists under a
    name is meant by it, whatever characters it has. output: a file for one input, else a folder; None writes beside
    the inputs. style: what is added to names beside the inputs. sound: whether results have the sound of a file, which
    makes films of pictures. Raises FastStyleError where several inputs would be written to one file and for formats
    that cannot be written.
    """
    found, problems = _expand(inputs, style, Path(output).resolve() if output else None)
    to_file = output is not None and _means_file(found, output)
    jobs = _told_apart([_job(one, output, to_file, style, format_name, sound) for one in found])
    counts = Counter(str(job.target) for job in jobs if job.target)
    twice = [target for target, count in counts.items() if count > 1]
    if twice:
        raise FastStyleError(f"several inputs would be written to {', '.join(sorted(twice))}; stylize them apart")
    long = [job for job in jobs if job.target and len(os.fsencode(job.target.name)) > LONGEST_NAME_BYTES]
    problems += [
        Problem(
            str(job.source), f"the name of the result would be longer than {LONGEST_NAME_BYTES} bytes; name one with -o"
        )
        for job in long
    ]
    return [job for job in jobs if job not in long], problems


def shard(text: str | None) -> tuple[int, int]:
    """Return which part of the inputs is this process's, and of how many: of `0/4`, else as torchrun launched it.

    Part i of N has every N-th input from the i-th on. Raises FastStyleError for anything else than NUMBER/COUNT.
    """
    if text is None:
        launch = launched() or Launch(0, 1)
        return launch.rank, launch.count
    part, _, count = text.partition("/")
    if not (part.isdecimal() and count.isdecimal() and int(part) < int(count)):
        raise FastStyleError(f"`shard` is {text!r}; it takes NUMBER/COUNT: 0/4, 1/4, 2/4 or 3/4 for four processes")
    return int(part), int(count)


def _expand(inputs: Sequence[str], style: str, output: Path | None) -> tuple[list[_Input], list[Problem]]:
    found: list[_Input] = []
    problems = []
    for name in inputs:
        if name == "-":
            found.append(_Input(None, Path("stdin.png")))
            continue
        if sources.has_pictures(Path(name)):
            found.append(_Input(Path(name), Path(Path(name).name)))
            continue
        # A shell without globs (Windows) hands the pattern on; a file may have brackets in its name.
        matches = [name] if Path(name).exists() else sorted(glob.glob(name, recursive=True))  # noqa: PTH207
        if not matches:
            problems.append(Problem(name, "no such file"))
        for path in map(Path, matches):
            below = list(_pictures_below(path, style, output)) if path.is_dir() else [_Input(path, Path(path.name))]
            if not below:
                problems.append(Problem(str(path), _why_empty(path)))
            found += below
    return found, problems


def _pictures_below(folder: Path, style: str, output: Path | None) -> Iterator[_Input]:
    """The pictures and models of a folder, without what an earlier run left there and without the models' textures."""
    files = [path for path in files_below(folder, output) if images.is_picture_file(path) or is_model(path)]
    of_models = {other.resolve() for path in files if is_model(path) for other in named_files(path)}
    pictures = [path for path in files if path.resolve() not in of_models]
    results = {
        path.with_name(f"{path.stem}_{style}{more}") for path in pictures for more in ("", f"_{path.suffix[1:]}")
    }
    for path in pictures:
        if path.with_suffix("") not in results:
            yield _Input(path, path.relative_to(folder), in_folder=True)


def _why_empty(folder: Path) -> str:
    films = [path for path in files_below(folder) if sources.is_film_name(path)]
    return f"no pictures in it; name its films themselves, as in {films[0]}" if films else "no pictures or films in it"


def _means_file(found: Sequence[_Input], output: str) -> bool:
    """Whether `output` is the name of one file. Raises FastStyleError where it is and there are several inputs."""
    if output.endswith(("/", "\\")) or Path(output).is_dir() or not found:
        return False
    if len(found) == 1 and not found[0].in_folder:
        return True
    if output == "-" or _is_file_name(Path(output)):
        where = "standard output" if output == "-" else f"the file {output}"
        raise FastStyleError(f"{len(found)} inputs cannot all be written to {where}; name a folder, as in -o painted/")
    return False


def _is_file_name(path: Path) -> bool:
    return path.suffix.lower() in images.FORMATS or sources.is_film_name(path) or is_model(path)


def _job(one: _Input, output: str | None, to_file: bool, style: str, format_name: str | None, sound: bool) -> Job:
    if sound and one.path is None:
        raise FastStyleError("`audio` makes a film of a picture in a file, not of standard input")
    if one.path and is_model(one.path):
        if sound:
            raise FastStyleError(f"{one.path}: a model has no sound; `audio` is for pictures and films")
        return Job(one.path, _model_target(one, output, to_file, style, format_name), None, model=True)
    if one.path and (sound or is_film(one.path)):
        return Job(one.path, _film_target(one, output, to_file, style, format_name, sound), None, film=True)
    target = _target(one, output, to_file, style, format_name)
    named = target or (Path("-") if format_name else None)
    return Job(one.path, target, images.format_for(named, format_name) if named else None)


def _target(one: _Input, output: str | None, to_file: bool, style: str, format_name: str | None) -> Path | None:
    if output == "-" or (one.path is None and output is None):
        return None
    if output is not None and to_file:
        return Path(output)
    own = one.relative.suffix
    kind = images.format_for(one.relative, format_name) if format_name else None
    suffix = images.SUFFIXES[kind] if kind else own if own.lower() in images.FORMATS else ".png"
    # What follows the last dot of a name is an extension only where it is a picture's.
    stem = one.relative.stem if own.lower() in images.EXTENSIONS else one.relative.name
    if output is not None:
        return Path(output) / one.relative.with_name(f"{stem}{suffix}")
    assert one.path is not None  # standard input without an output was dealt with above
    return one.path.with_name(f"{stem}_{style}{suffix}")


def _model_target(one: _Input, output: str | None, to_file: bool, style: str, format_name: str | None) -> Path:
    """Where a model goes, in its own format."""
    assert one.path is not None  # models come from files
    if format_name or output == "-":
        raise FastStyleError(f"{one.path}: a model is written to a file, in the format that it was read in")
    if output is None:
        return one.path.with_stem(f"{one.path.stem}_{style}")
    return Path(output) if to_file else Path(output) / one.relative


def _film_target(
    one: _Input, output: str | None, to_file: bool, style: str, format_name: str | None, sound: bool
) -> Path:
    """Where a film goes; a sequence of pictures into a folder of its own, unless it has sound."""
    assert one.path is not None  # films come from files
    source, sequence = one.path, sources.is_pattern(one.path)
    if sequence and sound:
        format_name = format_name or "mp4"
    if output is not None and to_file:
        named = Path(output)
    elif output is not None:
        named = Path(output) / one.relative
    elif sequence and not format_name:
        named = source.parent.with_name(f"{source.parent.resolve().name}_{style}") / source.name
    elif sequence:
        named = source.parent.with_name(f"{source.parent.resolve().name}_{style}.{format_name}")
    else:
        named = source.with_stem(f"{source.stem}_{style}")
    if not to_file:
        suffix = f".{format_name.lower()}" if format_name else sources.writable_suffix(named, sound)
        named = named.with_suffix(suffix)
    if not sources.is_film_name(named):
        raise FastStyleError(f"{named}: no film; name one (out.mp4), an animation (out.gif) or pictures (out/%05d.png)")
    if sound:
        sources.check_holds_sound(named)
    return named


def _told_apart(jobs: Sequence[Job]) -> list[Job]:
    """Sources that differ in their extension alone keep it in the names of results that would be one: a_bmp.png.

    Those of models, a_glb.glb, would have files beside them that are one.
    """
    counts = Counter(_claimed(job) for job in jobs)
    return [replace(job, target=_with_extension(job)) if counts[_claimed(job)] > 1 else job for job in jobs]


def _claimed(job: Job) -> Path | None:
    """What no other job may write: a file, or for models all that begin with a name."""
    return job.target.with_suffix("") if job.model and job.target else job.target


def _with_extension(job: Job) -> Path | None:
    if not job.source or not job.target:
        return job.target
    if not job.model and job.source.suffix.lower() in ("", job.target.suffix.lower()):
        return job.target
    return job.target.with_stem(f"{job.target.stem}_{job.source.suffix[1:]}")
