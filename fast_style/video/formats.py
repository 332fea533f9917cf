"""What is a film: containers of libav, animated pictures, numbered pictures."""

from pathlib import Path

from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..options import VideoOptions
from .animations import AnimationReader
from .reading import FilmReader
from .sequences import SequenceReader, SequenceWriter, is_pattern, numbered
from .types import ClipInfo, Sink, Source
from .writing import FilmWriter

NAMES = "mp4 m4v mov mkv webm avi mpg mpeg m2v ts m2ts mts wmv asf flv f4v ogv 3gp 3g2 mxf vob y4m nut dv divx"
EXTENSIONS = frozenset(f".{name}" for name in NAMES.split())
ANIMATED = frozenset({".gif", ".webp", ".png", ".apng"})
WRITTEN_ANIMATIONS = frozenset({".gif", ".webp"})
WRITABLE = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts"}) | WRITTEN_ANIMATIONS


def is_film(path: Path) -> bool:
    """Whether a path is a film: by its extension, by `%05d` in its name, by being animated, else by its content."""
    suffix = path.suffix.lower()
    if suffix in EXTENSIONS or is_pattern(path):
        return True
    if suffix in images.EXTENSIONS or suffix in ANIMATED:
        return suffix in ANIMATED and is_animated(path)
    return path.is_file() and not _is_picture(path) and _has_film(path)


def is_film_name(path: Path) -> bool:
    """Whether a result of that name can be a film."""
    return path.suffix.lower() in (EXTENSIONS | WRITTEN_ANIMATIONS) or is_pattern(path)


def writable_suffix(path: Path) -> str:
    """The extension of the result of a film of that name: its own where that is usual, else MP4's."""
    suffix = path.suffix.lower()
    return path.suffix if suffix in WRITABLE or is_pattern(path) else ".mp4"


def has_pictures(path: Path) -> bool:
    """Whether a path is a pattern (`%05d`) that fits pictures which exist."""
    return is_pattern(path) and bool(numbered(path))


def is_animated(path: Path) -> bool:
    """Whether a picture has several frames; False for what is none."""
    try:
        with Image.open(path) as image:
            return bool(getattr(image, "n_frames", 1) > 1)
    except Exception:  # decoders raise whatever they trip over; reading it will say what is wrong
        return False


def _is_picture(path: Path) -> bool:
    try:
        with Image.open(path):
            return True
    except Exception:  # as above
        return False


def _has_film(path: Path) -> bool:
    try:
        FilmReader(path).close()
    except FastStyleError:
        return False
    return True


def open_source(path: Path, options: VideoOptions = VideoOptions(), size: int | None = None) -> Source:
    """A film to read, its frames at a short side of `size` px. Raises FastStyleError for what is none."""
    if is_pattern(path):
        return SequenceReader(path, options, size)
    if path.suffix.lower() in ANIMATED and is_animated(path):
        return AnimationReader(path, options, size)
    return FilmReader(path, options, size)


def open_sink(path: Path, info: ClipInfo, options: VideoOptions, size: tuple[int, int]) -> Sink:
    """A film to write, of that width and height in px. Raises FastStyleError for what libav cannot write."""
    return SequenceWriter(path, size) if is_pattern(path) else FilmWriter(path, info, options, size)
