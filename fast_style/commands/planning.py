"""Which input becomes which output, decided before anything is read."""

import glob
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import images
from ..errors import FastStyleError
from ..video import formats, is_film


@dataclass(frozen=True)
class Job:
    """One picture or film to stylize."""

    source: Path | None
    """None is standard input."""
    target: Path | None
    """None is standard output."""
    format: str | None
    """Pillow's name of the format to write; None is that of the input."""
    film: bool = False

    @property
    def done(self) -> bool:
        """Whether there is such a result already."""
        return self.target is not None and (self.target.exists() or formats.has_pictures(self.target))


def plan(
    inputs: Sequence[str], output: str | None, style: str, format_name: str | None = None
) -> tuple[list[Job], list[str]]:
    """A job for every picture that `inputs` name, and a line for every input that is not there.

    Raises FastStyleError when the outputs cannot be named: unknown format, or two inputs for the same file.
    """
    found, problems = _expand(inputs, style, Path(output).resolve() if output else None)
    to_file = output is not None and _means_file(inputs, output)
    jobs = []
    for source, relative in found:
        if source and relative.name == source.name and is_film(source):
            jobs.append(Job(source, _film_target(source, output, to_file, style, format_name), None, film=True))
            continue
        target = _target(source, relative, output, to_file, style, format_name)
        named = target or (Path("-") if format_name else None)
        kind = images.format_for(named, format_name) if named else None
        jobs.append(Job(source, target, kind))
    counts = Counter(str(job.target) for job in jobs if job.target)
    twice = [target for target, count in counts.items() if count > 1]
    if twice:
        raise FastStyleError(f"several inputs would be written to {', '.join(sorted(twice))}; stylize them apart")
    return jobs, problems


def _expand(inputs: Sequence[str], style: str, output: Path | None) -> tuple[list[tuple[Path | None, Path]], list[str]]:
    """Each picture with its path below the input that named it."""
    found: list[tuple[Path | None, Path]] = []
    problems = []
    for name in inputs:
        if name == "-":
            found.append((None, Path("-")))
            continue
        if formats.has_pictures(Path(name)):
            found.append((Path(name), Path(Path(name).name)))
            continue
        # A shell without globs (Windows) hands the pattern on; a file may have brackets in its name.
        matches = [name] if Path(name).exists() else sorted(glob.glob(name, recursive=True))  # noqa: PTH207
        paths = [Path(match) for match in matches]
        if not paths:
            problems.append(f"{name}: no such file")
        for path in paths:
            found += _pictures_below(path, style, output) if path.is_dir() else [(path, Path(path.name))]
    return found, problems


def _pictures_below(folder: Path, style: str, output: Path | None) -> Iterator[tuple[Path, Path]]:
    """The pictures of a folder, without those that an earlier run left there."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and output not in path.resolve().parents)
    pictures = [path for path in files if images.is_picture_file(path, folder)]
    stems = {path.with_suffix("") for path in pictures}
    for path in pictures:
        original = path.stem.removesuffix(f"_{style}")
        if original == path.stem or path.with_name(original) not in stems:
            yield path, path.relative_to(folder)


def _means_file(inputs: Sequence[str], output: str) -> bool:
    one = len(inputs) == 1 and (inputs[0] == "-" or Path(inputs[0]).is_file() or formats.has_pictures(Path(inputs[0])))
    return one and not output.endswith(("/", "\\")) and not Path(output).is_dir()


def _target(
    source: Path | None, relative: Path, output: str | None, to_file: bool, style: str, format_name: str | None
) -> Path | None:
    if output == "-" or (source is None and output is None):
        return None
    if output is not None and to_file:
        return Path(output)
    name = relative if source else Path("stdin.png")
    kind = images.format_for(name, format_name) if format_name else None
    suffix = images.SUFFIXES[kind] if kind else _writable_suffix(name.suffix)
    if output is not None:
        return (Path(output) / name).with_suffix(suffix)
    assert source is not None  # standard input without an output was dealt with above
    return source.with_name(f"{source.stem}_{style}{suffix}")


def _film_target(source: Path, output: str | None, to_file: bool, style: str, format_name: str | None) -> Path:
    """Where a film goes; a sequence of pictures into a folder of its own."""
    sequence = formats.is_pattern(source)
    if output is not None and to_file:
        named = Path(output)
    elif output is not None:
        named = Path(output) / source.name
    elif sequence and not format_name:
        named = source.parent.with_name(f"{source.parent.resolve().name}_{style}") / source.name
    elif sequence:
        named = source.parent.with_name(f"{source.parent.resolve().name}_{style}.{format_name}")
    else:
        named = source.with_stem(f"{source.stem}_{style}")
    if not (output is not None and to_file):
        suffix = f".{format_name.lower()}" if format_name else formats.writable_suffix(named)
        named = named.with_suffix(suffix)
    if not formats.is_film_name(named):
        raise FastStyleError(f"{named}: no film; name one (out.mp4), an animation (out.gif) or pictures (out/%05d.png)")
    return named


def _writable_suffix(suffix: str) -> str:
    """The extension of the result: that of the input where we write that format, else PNG's."""
    return suffix if suffix.lower() in images.FORMATS else ".png"
