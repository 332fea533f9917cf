"""Tell films from pictures, and open them: containers of libav, animated pictures, numbered pictures."""

from pathlib import Path

from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..options import VideoOptions
from .animations import AnimationReader, is_animated
from .containers import Container, container_of
from .reading import FilmReader
from .sequences import SequenceReader, SequenceWriter, is_pattern, numbered
from .soundtrack import WithSound, length_of
from .stills import StillReader
from .types import ClipInfo, Sink, Source
from .writing import FilmWriter

_UNKNOWN = Container(())


def is_film(path: Path) -> bool:
    """Return whether a path is a film: by its extension, `%05d` in its name, being animated, or else its content."""
    container = container_of(path)
    if is_pattern(path):
        return True
    if container:
        return not container.still or is_animated(path)
    if path.suffix.lower() in images.EXTENSIONS:
        return False
    return path.is_file() and not _is_picture(path) and _has_film(path)


def is_film_name(path: Path) -> bool:
    """Return whether a result of that name can be a film."""
    container = container_of(path)
    return is_pattern(path) or (container is not None and container.written)


def writable_suffix(path: Path, sound: bool = False) -> str:
    """Return the extension of the result of a film of that name: its own where that is usual, else MP4's.

    sound: whether the result is to have sound, for which pictures and animations have no place.
    """
    container = container_of(path) or _UNKNOWN
    own = container.own_result and holds_sound(path) if sound else container.own_result or is_pattern(path)
    return path.suffix if own else ".mp4"


def holds_sound(path: Path) -> bool:
    """Return whether a film of that name has a place for sound: no animation and no numbered pictures."""
    return not is_pattern(path) and (container_of(path) or _UNKNOWN).loop is None


def check_holds_sound(path: Path) -> None:
    """Raise FastStyleError for the name of a result that would lose the sound of `audio`."""
    if not holds_sound(path):
        raise FastStyleError(f"{path}: animations and numbered pictures hold no sound; name a film: out.mp4")


def has_pictures(path: Path) -> bool:
    """Return whether a path is a pattern (`%05d`) that fits pictures which exist."""
    return is_pattern(path) and bool(numbered(path))


def _is_picture(path: Path) -> bool:
    try:
        with Image.open(path):
            return True
    except Exception:  # decoders raise whatever they trip over; reading it will say what is wrong
        return False


def _has_film(path: Path) -> bool:
    try:
        FilmReader(path).close()
    except FastStyleError:
        return False
    return True


def open_source(
    path: Path, options: VideoOptions = VideoOptions(), size: int | None = None, quick: bool = False
) -> Source:
    """Open a film to read. Raises FastStyleError for what is none.

    size: short side in px of frames that are arrays; frames that are pictures come whole. quick: as in `FilmReader`.
    """
    if is_pattern(path):
        return SequenceReader(path, options)
    if (container_of(path) or _UNKNOWN).still and is_animated(path):
        return AnimationReader(path, options)
    return FilmReader(path, options, size, quick)


def open_audible(path: Path, options: VideoOptions, size: int | None = None, quick: bool = False) -> Source:
    """Open a film, or, with a file of sound in the options, a film or picture with that sound; else as `open_source`.

    The film begins with the sound; --start leaves out as much of both.
    """
    audio = options.sound.audio
    if audio is None:
        return open_source(path, options, size, quick)
    film = open_source(path, options, size, quick) if is_film(path) else StillReader(path, length_of(audio), options)
    try:
        return WithSound(film, audio, options.start)
    except BaseException:
        film.close()
        raise


def open_sink(path: Path, info: ClipInfo, options: VideoOptions, size: tuple[int, int]) -> Sink:
    """Open a film to write, of that width and height in px. Raises FastStyleError for what libav cannot write."""
    return SequenceWriter(path, info, size) if is_pattern(path) else FilmWriter(path, info, options, size)
