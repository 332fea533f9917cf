"""Writing a picture: format from the name, alpha, profile and EXIF kept where the format can."""

import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import features

from ..errors import FastStyleError
from ..options import QUALITY
from ..system.atomic import atomic_path
from . import deep
from .picture import Picture

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".heic": "HEIF",
}
SUFFIXES = {kind: suffix for suffix, kind in reversed(FORMATS.items())}
WITHOUT_ALPHA = frozenset({"JPEG", "BMP"})
# A JPEG segment holds no more; longer EXIF (a thumbnail, a maker's note) is left out.
LONGEST_EXIF_BYTES = 65533


def format_for(path: Path, asked: str | None = None) -> str:
    """Pillow's name of the format that `asked` (jpeg, png, ...), else the extension of `path`, stands for.

    Raises FastStyleError for one that cannot be written.
    """
    suffix = f".{asked.lower()}" if asked else path.suffix.lower()
    kind = FORMATS.get(suffix)
    if kind is None:
        which = f"--format {asked}" if asked else f"{path.name or path}"
        known = ", ".join(sorted(s[1:] for s in FORMATS))
        raise FastStyleError(f"{which}: no known picture format; use one of {known}")
    if kind == "AVIF" and not features.check("avif"):
        raise FastStyleError("this Pillow was built without AVIF; use png or webp")
    if kind == "HEIF" and not find_spec("pillow_heif"):
        raise FastStyleError('HEIC needs a plug-in: pip install "fast_style[formats]"; or use png or webp')
    return kind


def encode(picture: Picture, quality: int = QUALITY) -> bytes:
    """The picture in its format. `quality`: 1 to 100, for JPEG, AVIF and WebP (100: lossless).

    Raises FastStyleError for what the format cannot hold, such as a WebP of more than 16383 px.
    """
    if picture.deep is not None and picture.format in deep.FORMATS and deep.available():
        return deep.encode(picture.deep, picture.format, picture.icc_profile, picture.exif)
    image = picture.rgb if picture.format in WITHOUT_ALPHA else picture.image
    options: dict[str, Any] = {"quality": quality}
    if picture.format in ("JPEG", "AVIF", "HEIF"):
        options["subsampling"] = "4:4:4"  # full colour resolution: strokes are small and saturated
    if picture.format == "WEBP":
        options["lossless"] = quality == 100  # the lossy kind halves the colour resolution at any quality
    if picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    if picture.exif and picture.format not in ("BMP", "GIF") and len(picture.exif) <= LONGEST_EXIF_BYTES:
        options["exif"] = picture.exif
    buffer = io.BytesIO()
    try:
        image.save(buffer, format=picture.format, **options)
    except (ValueError, OSError) as error:
        size = f"{image.width}x{image.height}"
        raise FastStyleError(f"a picture of {size} cannot be written as {picture.format} ({error})") from error
    return buffer.getvalue()


def write(picture: Picture, path: Path, quality: int = QUALITY) -> None:
    """Encode and write atomically; the folder is made."""
    data = encode(picture, quality)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
