"""Films on the command line: a bar with the frame rate and the time left, and where an unfinished film is."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from .. import video
from ..options import StylizeOptions, VideoOptions

if TYPE_CHECKING:
    from ..stylizer import Stylizer


def stylize_film(stylizer: "Stylizer", source: Path, target: Path, how: StylizeOptions, options: VideoOptions) -> None:
    """Stylize one film; what an interruption or an error leaves is named."""
    partial = video.partial_path(target)
    with tqdm(unit="frame", desc=source.name) as bar:

        def show(progress: video.FilmProgress) -> None:
            bar.total = progress.expected
            bar.update(progress.frames - bar.n)

        try:
            video.stylize_film(stylizer, source, target, how, options, show)
        except BaseException:
            if bar.n and partial.exists():
                bar.write(f"note: the part of the film that is done plays: {partial}", file=sys.stderr)
            raise
