"""List the picture formats in one table: names, suffixes, what each can hold, how it is read and written."""

import io
import re
import struct
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from PIL import Image, ImageFile, features

from ..errors import FastStyleError
from ..system.folders import is_hidden
from . import png, tiff

HEIF_PACKAGE = 'HEIC needs a plug-in: pip install "fast_style[formats]"; or use png or webp'
NO_AVIF = "this Pillow was built without AVIF; use png or webp"


@dataclass(frozen=True)
class PictureFormat:
    """Describe a format of picture files; to add one, add it to FORMAT_TABLE."""

    name: str
    """Pillow's name."""
    suffixes: tuple[str, ...]
    """File name suffixes, the usual one first."""
    aliases: tuple[str, ...] = ()
    """Pillow's names of variants that are written as this format."""
    writable: bool = True
    has_alpha: bool = True
    has_profile: bool = True
    has_dpi: bool = False
    longest_exif_bytes: int = 2**31
    """Longest EXIF block that a file holds; 0 where the format has none."""
    most_px_per_byte: int = 0
    """How many pixels the format can pack into a byte; more are a false claim, refused before memory is taken."""
    several: Literal["", "frames", "pages"] = ""
    """What a file may hold several of; the first is read."""
    save_options: Callable[[int], dict[str, Any]] = lambda quality: {}
    """Options of Pillow's `save` for a quality of 1 to 100."""
    reason_not_writable: Callable[[], str] = lambda: ""
    """What is missing to write this format, or nothing."""
    bits: Callable[[bytes], int] = lambda data: 8
    """Bits per channel of a file, from its header."""
    codec: ModuleType | None = None
    """Module that reads and writes 16 bit per channel where its `available()` is true: `decode` and `encode`."""


def _full_chroma(quality: int) -> dict[str, Any]:
    """Full colour resolution: brush strokes are small and saturated."""
    return {"quality": quality, "subsampling": "4:4:4"}


def _webp(quality: int) -> dict[str, Any]:
    """The lossy kind halves the colour resolution at any quality."""
    return {"quality": quality, "lossless": quality == 100}


def _png_bits(data: bytes) -> int:
    return data[24]


def _isobmff_bits(data: bytes) -> int:
    """Bits of AVIF and HEIF, from the box `pixi`: version and flags, number of channels, bits of each."""
    box = data.find(b"pixi", 0, 65536)
    return max(data[box + 9 : box + 9 + data[box + 8]], default=8) if 0 <= box < len(data) - 9 else 8


def _ppm_bits(data: bytes) -> int:
    """Bits of PGM and PPM, from the largest value that the header allows."""
    header = re.match(rb"P[2356](?:\s+(?:#[^\n]*\n\s*)*(\d+)){3}", data[:4096])
    return int(header[1]).bit_length() if header else 8


def _jpeg2000_bits(data: bytes) -> int:
    """Bits of JPEG 2000, from the marker segment SIZ."""
    marker = data.find(b"\xff\x51", 0, 65536)
    return (data[marker + 40] & 0x7F) + 1 if 0 <= marker < len(data) - 40 else 8


FORMAT_TABLE = (
    PictureFormat(
        "JPEG",
        (".jpg", ".jpeg"),
        ("MPO",),  # phones write it: a JPEG with another one behind it
        has_alpha=False,
        has_dpi=True,
        longest_exif_bytes=65533,  # a segment holds no more
        most_px_per_byte=1024,  # a block of 64 pixels takes a bit at least
        save_options=_full_chroma,
    ),
    PictureFormat(
        "PNG",
        (".png",),
        has_dpi=True,
        most_px_per_byte=8 * 1040,  # pixels of one bit, by zlib's best ratio
        several="frames",
        bits=_png_bits,
        codec=png,
    ),
    PictureFormat("WEBP", (".webp",), several="frames", save_options=_webp),
    PictureFormat("TIFF", (".tif", ".tiff"), has_dpi=True, several="pages", codec=tiff),
    PictureFormat("BMP", (".bmp",), has_alpha=False, has_profile=False, has_dpi=True, longest_exif_bytes=0),
    PictureFormat("GIF", (".gif",), has_profile=False, longest_exif_bytes=0, several="frames"),
    PictureFormat(
        "AVIF",
        (".avif",),
        several="frames",
        save_options=_full_chroma,
        reason_not_writable=lambda: "" if features.check("avif") else NO_AVIF,
        bits=_isobmff_bits,
    ),
    PictureFormat(
        "HEIF",
        (".heic",),
        save_options=_full_chroma,
        reason_not_writable=lambda: "" if find_spec("pillow_heif") else HEIF_PACKAGE,
        bits=_isobmff_bits,
    ),
    PictureFormat("PPM", (".ppm",), writable=False, bits=_ppm_bits),
    PictureFormat("JPEG2000", (), writable=False, bits=_jpeg2000_bits),
)

BY_NAME = {name: kind for kind in FORMAT_TABLE for name in (kind.name, *kind.aliases)}
# Suffixes of the formats that can be written, and Pillow's names of those.
FORMATS = {suffix: kind.name for kind in FORMAT_TABLE if kind.writable for suffix in kind.suffixes}
# The usual suffix of each format that can be written.
SUFFIXES = {kind.name: kind.suffixes[0] for kind in FORMAT_TABLE if kind.writable}
# Suffixes of pictures in a folder; a file that the user names is tried whatever its suffix.
EXTENSIONS = frozenset(suffix for kind in FORMAT_TABLE for suffix in kind.suffixes)


# Pillow's names of the formats that a stranger's file may have: those of the table that people exchange. The other
# decoders of Pillow are old and rare, and not worth exposing to strangers.
READABLE = frozenset(name for name, kind in BY_NAME.items() if kind.suffixes)
# Formats that are never read: PostScript is a program, which Pillow would have Ghostscript run.
PROGRAMS = frozenset({"EPS"})


def open_image(data: bytes, formats: Collection[str] | None = None) -> ImageFile.ImageFile:
    """Open a picture with Pillow, without decoding its pixels.

    As `Image.open`, but the limit of the host program (`Image.MAX_IMAGE_PIXELS`) is neither asked nor changed; callers
    check the size. formats: Pillow's names of those that are tried; None is all. Raises UnidentifiedImageError.
    """
    _register_heif()
    for load in (Image.preinit, Image.init):
        load()
        for name, (factory, accept) in list(Image.OPEN.items()):  # a copy: other threads may load plug-ins
            if name in PROGRAMS or (formats is not None and name not in formats):
                continue
            if accept and accept(data[:16]) is not True:  # a text says why it does not open it
                continue
            with suppress(SyntaxError, IndexError, TypeError, struct.error):  # what Image.open passes over
                return factory(io.BytesIO(data), "")
    raise Image.UnidentifiedImageError("unknown format")


@cache
def _register_heif() -> None:
    """Let Pillow open HEIC, as phones write it, where its plug-in is installed."""
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()


def is_picture_file(path: Path, folder: Path | None = None) -> bool:
    """Return whether a file found in a folder is to be taken as a picture, by its name alone.

    Names that begin with a dot are not: programs' temporaries, and the `._x.jpg` that macOS writes beside `x.jpg`. Nor
    is anything in a folder of such a name, or in `__MACOSX`, at or below `folder` (default: the folder of `path`).
    """
    parts = path.relative_to(folder).parts if folder else (path.name,)
    return not any(map(is_hidden, parts)) and path.suffix.lower() in EXTENSIONS


def format_for(path: Path, asked: str | None = None) -> str:
    """Return Pillow's name of the format that `asked` (jpeg, png, ...), else the suffix of `path`, stands for.

    Raises FastStyleError for one that cannot be written.
    """
    suffix = f".{asked.lower()}" if asked else path.suffix.lower()
    name = FORMATS.get(suffix)
    if name is None:
        which = f"`format` {asked}" if asked else f"{path.name or path}"
        known = ", ".join(sorted(s[1:] for s in FORMATS))
        raise FastStyleError(f"{which}: no known picture format; use one of {known}")
    reason = BY_NAME[name].reason_not_writable()
    if reason:
        raise FastStyleError(reason)
    return name
