"""Stylize films on the command line, with a bar that shows the frame rate and the time left."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from ... import video
from ...options import StylizeOptions, VideoOptions

if TYPE_CHECKING:
    from ...stylizer import Stylizer


def stylize_film(
    stylizer: "Stylizer", source: Path, target: Path, options: StylizeOptions, video_options: VideoOptions
) -> tuple[int, int]:
    """Stylize one film; return its width and height.

    After an interruption or an error a line names the part that is done and plays.
    """
    partial = video.partial_path(target)
    with tqdm(unit="frame", desc=source.name) as bar:

        def show(progress: video.FilmProgress) -> None:
            bar.total = progress.expected
            bar.update(progress.frames - bar.n)

        try:
            video.stylize_film(stylizer, source, target, options, video_options, show)
        except BaseException:
            if bar.n and partial.exists():
                bar.write(f"note: the part of the film that is done plays: {partial}", file=sys.stderr)
            raise
    result = video.open_source(target)
    result.close()
    return result.info.full_size
