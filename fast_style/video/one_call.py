"""Stylize a film with one call from a script."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..options import StylizeOptions, VideoOptions
from ..stylizer import Stylizer, changed, loaded
from . import film
from .film import FilmProgress
from .sources import writable_suffix


def stylize_film(
    source: str | Path,
    target: str | Path | None = None,
    model: str | Path | Stylizer = "wave",
    options: StylizeOptions | None = None,
    video: VideoOptions = VideoOptions(),
    report: Callable[[FilmProgress], None] = lambda _: None,
    *,
    audio_reactive: bool | None = None,
    audio: str | Path | None = None,
    **changes: Any,
) -> Path:
    """Stylize a film, an animation or numbered pictures (`frames/%05d.png`), with its sound; return the result's path.

    target: by default SOURCE_MODEL beside the source; an existing file is replaced. model: a shipped name, a checkpoint
    or a `Stylizer` that is loaded already. options, or keyword arguments: as in `Stylizer.__call__`, a blend as a
    dictionary among them. video: codec, part of the film, temporal consistency, key frames. report: called after each
    frame. audio_reactive: let the film's sound steer strength, strokes and blend. audio: a file whose sound does so,
    and is the result's sound; a picture becomes a film with it. Both go before those of `video`. Raises FastStyleError
    for inputs, outputs and options that cannot be used.
    """
    sound = video.sound
    if audio_reactive is not None:
        sound = replace(sound, audio_reactive=audio_reactive)
    if audio is not None:
        sound = replace(sound, audio=Path(audio))
    (stylizer, name), source = loaded(model), Path(source)
    beside = source.with_stem(f"{source.stem}_{name}").with_suffix(writable_suffix(source, bool(sound.audio)))
    result = beside if target is None else Path(target)
    film.stylize_film(stylizer, source, result, changed(options, changes), replace(video, sound=sound), report)
    return result
