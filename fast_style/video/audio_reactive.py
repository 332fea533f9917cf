"""Let sound steer a film: its sound track, or a file of sound, becomes the key frames that `--keyframes` names."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from ..errors import FastStyleError
from ..options import StylizeOptions, VideoOptions
from .audio_curves import curves_of, keys_of
from .audio_features import measure
from .keyframes import write_keys
from .soundtrack import begin_of, samples_of
from .sources import is_film, open_source

log = logging.getLogger(__name__)


def with_curves(
    video: VideoOptions, options: StylizeOptions, styles: Sequence[str], film: Path | None = None
) -> VideoOptions:
    """Return the options of a film with the key frames that the sound of its options makes, and keep them in a file.

    film: to analyse the sound of, and no further than it goes; None where there is none, or it has no end. styles: the
    names of the model's styles. Options without sound, and those that have key frames, come back as they are. Raises
    FastStyleError for a film or file without sound.
    """
    sound = video.sound
    if not sound.uses_sound or video.keyframes:
        return video
    start_s, duration_s = _part_of_film(film, video) if film and is_film(film) else (Fraction(0), video.duration)
    if sound.audio:
        path, start_s = sound.audio, begin_of(sound.audio) + Fraction(video.start)
    else:
        assert film  # raw frames and cameras have no sound of their own
        path = film
    curves = curves_of(measure(samples_of(path, start_s, duration_s)))
    if not curves.loudness.any():
        log.warning("%s: nothing is heard in it; the strength stays at %g", path, sound.audio_floor)
    keys = keys_of(curves, options, sound.audio_floor, styles)
    if sound.curves:
        write_keys(keys, sound.curves)
    return replace(video, keyframes=tuple(map(str, keys)), sound=replace(sound, audio_reactive=False, curves=None))


def _part_of_film(film: Path, video: VideoOptions) -> tuple[Fraction, float | None]:
    """The time stamp at which the frames of a film begin, and for how many seconds they go on, where that is known."""
    source = open_source(film, video)
    info, sounding = source.info, any(copied.stream.type == "audio" for copied in source.info.copies)
    source.close()
    if not video.sound.audio and not sounding:
        raise FastStyleError(f"{film}: there is no sound in it; name a file of sound with `audio`")
    return info.shift_s, None if info.frames is None else float(info.frames / info.rate)
