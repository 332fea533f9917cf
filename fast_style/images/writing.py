"""Encode and write pictures: alpha, profile, EXIF and resolution are kept where the format can hold them."""

import io
import logging
from pathlib import Path
from typing import Any

from ..errors import FastStyleError
from ..options import QUALITY
from ..system.atomic import atomic_path
from . import png
from .formats import BY_NAME, PictureFormat
from .picture import Picture

log = logging.getLogger(__name__)


def encode(picture: Picture, quality: int = QUALITY) -> bytes:
    """Encode a picture in its format. quality: 1 to 100, for JPEG, AVIF, HEIC and WebP (100: lossless).

    Raises FastStyleError for what the format cannot hold, such as a WebP of more than 16383 px.
    """
    kind = BY_NAME[picture.format]
    if picture.deep is not None and kind.codec and kind.codec.available():
        data = kind.codec.encode(picture)
    else:
        if picture.deep is not None:
            reason = 'pip install "fast_style[formats]" keeps it' if kind.codec else f"{kind.name} holds no more"
            log.warning("16 bit per channel is reduced to 8: %s", reason)
        data = _encoded_by_pillow(picture, kind, quality)
    if kind.name == "PNG":
        return png.with_color_chunks(data, picture) if picture.png_colors else data
    if not picture.icc_profile and not png.is_srgb(picture.png_colors):
        names = ", ".join(name.decode() for name, _ in picture.png_colors)
        log.warning("colour chunks of PNG (%s) cannot be kept in %s; write a PNG to keep them", names, kind.name)
    return data


def _encoded_by_pillow(picture: Picture, kind: PictureFormat, quality: int) -> bytes:
    image = picture.image if kind.has_alpha else picture.rgb
    options: dict[str, Any] = kind.save_options(quality)
    if picture.icc_profile and kind.has_profile:
        options["icc_profile"] = picture.icc_profile
    if picture.exif and len(picture.exif) <= kind.longest_exif_bytes:
        options["exif"] = picture.exif
    if picture.dpi and kind.has_dpi:
        options["dpi"] = picture.dpi
    buffer = io.BytesIO()
    try:
        image.save(buffer, format=picture.format, **options)
    except (ValueError, OSError) as error:
        size = f"{image.width}x{image.height}"
        raise FastStyleError(f"a picture of {size} cannot be written as {picture.format} ({error})") from error
    return buffer.getvalue()


def write(picture: Picture, path: Path, quality: int = QUALITY) -> None:
    """Encode a picture and write it atomically; missing folders are made. Raises FastStyleError as `encode` does."""
    data = encode(picture, quality)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
