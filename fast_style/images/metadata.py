"""Read orientation, EXIF and resolution of a picture, whatever else in its metadata is damaged."""

import math
import struct
from contextlib import suppress
from typing import Any

from PIL import ExifTags, Image

ORIENTATION = ExifTags.Base.Orientation
# Pillow's names of the transpositions that the EXIF orientation asks for, by its value.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SUB_DIRECTORIES = frozenset({ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo})
# Tags that say how the pixels of one file are stored. They are wrong in any other file.
STORAGE = frozenset({254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 318, 319, 320, 322, 323})
STORAGE |= {301, 324, 325, 330, 332, 338, 339, 340, 341, 342, 347, 512, 513, 514, 519, 520, 521, 529, 530, 532}
# What is kept from a TIFF, whose directory holds the data of many programs too: description, maker, model, resolution,
# software, time, artist, computer, rating, copyright, Windows' texts.
KEPT_OF_TIFF = SUB_DIRECTORIES | {270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 18246, 33432, *range(40091, 40096)}
# A description that tells a program how the file is laid out.
LAYOUTS = ("{", "<?xml", "<OME", "ImageJ=")


def exif_of(image: Image.Image) -> Image.Exif:
    """Return a copy of the EXIF of a Pillow image, as far as it can be read."""
    try:
        source = image.getexif()
    except Exception:  # Pillow raises struct, type, key, value and syntax errors on damaged EXIF
        try:
            source = image.getexif()  # what was read before the damage
        except Exception:
            source = Image.Exif()
    return _copied(source)


def exif_of_tiff(data: bytes) -> Image.Exif:
    """Return the descriptive tags of a TIFF file, as far as they can be read."""
    source = Image.Exif()
    with suppress(Exception):  # as above
        source.load(data)  # an EXIF block is a TIFF file
    copy = _copied(source)
    for tag in [tag for tag in copy if tag not in KEPT_OF_TIFF | {ORIENTATION}]:
        del copy[tag]
    if str(copy.get(ExifTags.Base.ImageDescription, "")).startswith(LAYOUTS):
        del copy[ExifTags.Base.ImageDescription]
    return copy


def orientation(exif: Image.Exif, raw: bytes = b"") -> int:
    """Return the orientation, 1 to 8, of EXIF or, where that is too damaged, of the bytes it was read from."""
    value = None
    with suppress(struct.error, KeyError):
        value = _scanned(raw)
    value = exif.get(ORIENTATION, 1) if value is None else value
    return value if value in TURNS else 1


def encoded(exif: Image.Exif) -> bytes | None:
    """Return EXIF as bytes without orientation and damaged tags; None when nothing is left."""
    exif.pop(ORIENTATION, None)
    try:
        return exif.tobytes() if exif else None
    except Exception:  # as in exif_of
        pass
    sound = Image.Exif()
    for tag, value in exif.items():
        if isinstance(value, dict):
            value = {key: one for key, one in value.items() if _is_sound(key, one)}
        if _is_sound(tag, value):
            sound[tag] = value
    return sound.tobytes() if sound else None


def without_exif(data: bytes) -> tuple[bytes, bytes]:
    """Split a JPEG file into the file without its EXIF segments, and the first EXIF block."""
    position, kept, exif = 2, [data[:2]], b""
    while data[position : position + 1] == b"\xff" and data[position + 1] != 0xDA:  # up to the start of the scan
        (length,) = struct.unpack_from(">H", data, position + 2)
        segment = data[position : position + 2 + length]
        if segment[1] == 0xE1 and segment[4:10] == b"Exif\0\0":
            exif = exif or segment[4:]
        else:
            kept.append(segment)
        position += len(segment)
    return b"".join([*kept, data[position:]]), exif


def dpi_of(image: Image.Image) -> tuple[float, float] | None:
    """Return the resolution that the file of a Pillow image states, in dots per inch, if it is a possible one."""
    with suppress(TypeError, ValueError, ZeroDivisionError, OverflowError):
        return _possible(*map(float, image.info.get("dpi", (0, 0))))
    return None


def dpi_of_tiff(exif: Image.Exif) -> tuple[float, float] | None:
    """Return the resolution that the tags of a TIFF state, in dots per inch, if it is a possible one."""
    per_inch = {2: 1.0, 3: 2.54}.get(exif.get(ExifTags.Base.ResolutionUnit, 2), 0.0)
    with suppress(TypeError, ValueError, ZeroDivisionError, OverflowError):
        horizontal, vertical = exif.get(ExifTags.Base.XResolution, 0), exif.get(ExifTags.Base.YResolution, 0)
        return _possible(per_inch * float(horizontal), per_inch * float(vertical))
    return None


def _possible(horizontal: float, vertical: float) -> tuple[float, float] | None:
    possible = all(math.isfinite(value) and 1 <= value <= 65535 for value in (horizontal, vertical))
    return (horizontal, vertical) if possible else None


def _copied(source: Image.Exif) -> Image.Exif:
    """Copy the tags that can be read, sub-directories as dictionaries."""
    copy = Image.Exif()
    for tag in source:
        if tag in STORAGE:
            continue
        with suppress(Exception):  # as in exif_of
            copy[tag] = _directory(source, tag) if tag in SUB_DIRECTORIES else source[tag]
    return copy


def _directory(exif: Image.Exif, tag: int) -> dict[int, Any]:
    values = dict(exif[tag] if isinstance(exif[tag], dict) else exif.get_ifd(tag))
    if isinstance(values.get(ExifTags.IFD.Interop), int):
        values[ExifTags.IFD.Interop] = dict(exif.get_ifd(ExifTags.IFD.Interop))
    return values


def _is_sound(tag: int, value: Any) -> bool:
    """Whether Pillow can write a tag."""
    single = Image.Exif()
    single[tag] = value
    try:
        single.tobytes()
    except Exception:  # as in exif_of
        return False
    return True


def _scanned(raw: bytes) -> int | None:
    """The orientation in the first directory of an EXIF block, whatever type it has; None where there is none.

    Raises struct.error or KeyError when there is no such directory.
    """
    while raw.startswith(b"Exif\0\0"):
        raw = raw[6:]
    if raw[2:4] not in (b"*\0", b"\0*"):  # nothing, or a BigTIFF
        return None
    order = {b"II": "<", b"MM": ">"}[raw[:2]]
    (start,) = struct.unpack_from(f"{order}I", raw, 4)
    (count,) = struct.unpack_from(f"{order}H", raw, start)
    for position in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", raw, position)
        if tag == ORIENTATION:
            letter = {1: "B", 4: "I", 6: "b", 7: "B", 9: "i"}.get(kind, "H")
            value: int = struct.unpack_from(f"{order}{letter}", raw, position + 8)[0]
            return value
    return None
