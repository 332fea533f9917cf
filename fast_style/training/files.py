"""Name the files of a training: the checkpoint, and beside it the resume file, previews, curves, recipe and lock."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from ..errors import FastStyleError
from ..options import TrainOptions
from ..system.locks import locked

CHECKPOINT_SUFFIX = ".pth"
RESUME_SUFFIX = ".resume"
LOCK_SUFFIX = ".training-lock"


def checkpoint_path(options: TrainOptions, style: str) -> Path:
    """Return the checkpoint to write: `--output`, or STYLE.pth in it where it is a folder, by default the working one.

    style: name of the (first) style; characters that separate folders become underscores.
    """
    output = options.output or Path()
    if output.is_dir():
        separators = {os.sep, os.altsep or os.sep, "/", "\0"}
        name = "".join("_" if character in separators else character for character in style)
        return output / f"{name}{CHECKPOINT_SUFFIX}"
    return output


@contextmanager
def being_written(checkpoint: Path) -> Iterator[None]:
    """Keep other processes from training to the same checkpoint. Raises FastStyleError where one does already."""
    with locked(companion(checkpoint, LOCK_SUFFIX)) as holder:
        if holder is not None:
            which = f"process {holder}" if holder else "another process"
            raise FastStyleError(f"{checkpoint} is being trained by {which}; wait for it, or choose another `output`")
        yield


def way_back(checkpoint: Path) -> Path:
    """Return the path of the network from paintings to photographs beside the one that paints: `monet_to_photo.pth`."""
    return checkpoint.with_stem(f"{checkpoint.stem}_to_photo")


def training_on(options: TrainOptions, checkpoint: Path) -> str:
    """Return the options that train a checkpoint further, for as long as `options` say, as messages name options.

    Empty where there are none: with `freeze_network` rows of styles that a network has are not trained again.
    """
    if options.freeze_network:
        return ""
    further = next(path for i in count(2) if not (path := checkpoint.with_stem(f"{checkpoint.stem}{i}")).exists())
    length = f" `minutes` {options.minutes:g}" if options.minutes is not None else ""
    length = f" `steps` {options.steps}" if options.steps is not None and not length else length
    return f"`init` {shlex.quote(str(checkpoint))}{length} `output` {shlex.quote(str(further))}"


def companion(checkpoint: Path, suffix: str) -> Path:
    """Return the path of a file beside the checkpoint: `wave.pth` has `wave.resume`, `wave.v1` has `wave.v1.resume`."""
    stem = checkpoint.name.removesuffix(CHECKPOINT_SUFFIX) or checkpoint.name
    return checkpoint.with_name(stem + suffix)
