"""Read pictures of any mode, depth and orientation as upright RGB or RGBA, with the metadata that is to be kept."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile

from ..errors import FastStyleError
from . import metadata, png, tiff
from .arrays import Pixels, turned
from .formats import BY_NAME, PictureFormat, open_image
from .limits import BYTES_PER_PX, check_claim, check_size
from .picture import Picture
from .profiles import to_srgb

log = logging.getLogger(__name__)

MISSING = ': pip install "fast_style[formats]" keeps it'


def read(source: Path | BinaryIO, formats: Collection[str] | None = None) -> Picture:
    """Decode a picture from a path or a binary stream.

    formats: Pillow's names of the formats that are tried, such as READABLE; None is every one that Pillow has.

    Raises FastStyleError when it is no picture, is damaged, or is too large for this machine's memory.
    """
    name = str(source if isinstance(source, Path) else getattr(source, "name", "input"))
    with _plain_errors(name):
        return _decode(source.read_bytes() if isinstance(source, Path) else _all_of(source), name, formats)


def measure(data: bytes, formats: Collection[str] | None = None) -> tuple[int, int]:
    """Return width and height of an encoded picture, not turned, from its header; formats: as for `read`.

    Either of two decoders may read a TIFF: its size is the larger that they find. Raises FastStyleError when it is no
    picture.
    """
    sizes = []
    if data.startswith(tiff.MAGIC) and tiff.available() and (formats is None or "TIFF" in formats):
        with suppress(Exception):  # whatever it trips over in a TIFF that Pillow may read
            sizes.append(tiff.size(data))
    try:
        with _plain_errors("input"), _opened(data, formats) as image:
            sizes.append(image.size)
    except FastStyleError:
        if not sizes:
            raise
    return max(sizes, key=lambda size: size[0] * size[1])


def upright(image: Image.Image) -> Picture:
    """Convert a Pillow image of any mode to an upright picture, RGB or RGBA.

    16-bit grey and float images, which Pillow would clip at 255, keep 16 bit in `Picture.deep`: I;16 and I are taken
    from 0 to 65535, F from 0 to 1.
    """
    image.load()
    exif = metadata.exif_of(image)
    return _picture(image, exif, metadata.orientation(exif, _raw_exif(image)))


def _decode(data: bytes, name: str, formats: Collection[str] | None) -> Picture:
    if data.startswith(tiff.MAGIC) and (formats is None or "TIFF" in formats):
        return _decode_tiff(data, name)
    profile: bytes | None = None
    colors: tuple[tuple[bytes, bytes], ...] = ()
    if data.startswith(png.SIGNATURE):
        colors = png.color_chunks(data)
        data, profile = png.shortened(data)
    with _opened(data, formats) as image:
        kind = BY_NAME.get(str(image.format))
        bits = kind.bits(data) if kind else 8
        check_claim(image.size, len(data), kind.most_px_per_byte if kind else 0, name)
        check_size(image.size, name, BYTES_PER_PX if bits <= 8 else 2 * BYTES_PER_PX)
        image.load()
        if profile:
            image.info["icc_profile"] = profile
        _report_several(image, kind, name)
        exif = metadata.exif_of(image)
        turn, dpi = metadata.orientation(exif, _raw_exif(image)), metadata.dpi_of(image)
        if bits > 8 and kind and kind.codec is png and png.available():
            pixels, profile = png.decode(data, image.info.get("icc_profile"))
            picture = _from_pixels(pixels, "PNG", profile, exif, turn)
        else:
            if bits > 8 and not _is_wide(image):
                hint = MISSING if kind and kind.codec else ""
                log.warning("%s: %d bit per channel are reduced to 8%s", name, bits, hint)
            picture = _picture(image, exif, turn)
        converted = "icc_profile" in image.info and picture.icc_profile is None
    return replace(picture, dpi=dpi, png_colors=() if converted else colors)


def _opened(data: bytes, formats: Collection[str] | None) -> ImageFile.ImageFile:
    """Open a picture; a JPEG whose damaged EXIF stops Pillow, which looks there for the resolution, without it."""
    try:
        return open_image(data, formats)
    except Warning:  # the host program makes errors of warnings
        data, exif = metadata.without_exif(data)
        image = open_image(data, formats)
        image.info["exif"] = exif
        return image


def _decode_tiff(data: bytes, name: str) -> Picture:
    """Decode a TIFF: by Pillow what it reads right (8 bit in usual layouts), by tifffile the others."""
    exif = metadata.exif_of_tiff(data)
    turn, dpi = metadata.orientation(exif, data), metadata.dpi_of_tiff(exif)
    image = _loaded_by_pillow(data, name)
    if image is not None:
        return replace(_picture(image, exif, turn), dpi=dpi)
    if not tiff.available():
        raise FastStyleError(f'{name}: this kind of TIFF needs more packages: pip install "fast_style[formats]"')
    pixels, profile = tiff.decode(data, name)
    return replace(_from_pixels(pixels, "TIFF", profile, exif, turn), dpi=dpi)


def _loaded_by_pillow(data: bytes, name: str) -> ImageFile.ImageFile | None:
    """A TIFF decoded by Pillow, not turned; None for one that it does not read, or not right."""
    image = _opened_by_pillow(data)
    if image is None:
        return None
    check_size(image.size, name)
    _report_several(image, BY_NAME["TIFF"], name)
    if max(_bits_of_tiff(image)) > 8 and not _is_wide(image):
        log.warning("%s: 16 bit per channel are reduced to 8%s", name, MISSING)
    tiff.report_unspecified(getattr(image, "tag_v2", {}).get(338, ()), name)
    own = image.getexif()
    for tag in list(own):
        del own[tag]  # Pillow would turn the picture while it loads, or fail where a tag is damaged
    try:
        image.load()
    except Exception:  # a layout that Pillow has no decoder for, or damage, of which the other reader complains
        if tiff.available():
            return None
        raise
    return image


def _opened_by_pillow(data: bytes) -> ImageFile.ImageFile | None:
    """A TIFF that Pillow reads right, opened; without tifffile also the 16-bit ones that it reduces to 8."""
    try:
        image = open_image(data, ("TIFF",))
    except Exception:  # whatever it trips over: the other reader says what is wrong
        return None
    tags = getattr(image, "tag_v2", {})
    limit = Image.MAX_IMAGE_PIXELS  # Pillow asks for it when it loads a TIFF
    usual = set(tags.get(339, (1,))) <= {1} and (limit is None or image.width * image.height <= limit)
    # Bits per channel above 8 are reduced, and only those of black-is-zero and RGB come in the right colours.
    small = max(_bits_of_tiff(image)) <= 8 or (not tiff.available() and tags.get(262) in (1, 2))
    return image if usual and small else None


def _bits_of_tiff(image: ImageFile.ImageFile) -> tuple[int, ...]:
    bits: tuple[int, ...] = getattr(image, "tag_v2", {}).get(258, (1,))
    return bits


def _is_wide(image: Image.Image) -> bool:
    """Whether Pillow keeps more than 8 bit: grey of 16 or 32 bit or float."""
    return image.mode.startswith(("I", "F"))


def _raw_exif(image: Image.Image) -> bytes:
    raw = image.info.get("exif", b"")
    return raw if isinstance(raw, bytes) else b""


def _all_of(stream: BinaryIO) -> bytes:
    if stream.seekable():
        stream.seek(0)
    return stream.read()


def _report_several(image: ImageFile.ImageFile, kind: PictureFormat | None, name: str) -> None:
    """Log that a file holds more than the one picture that is read."""
    if kind and kind.several and getattr(image, "is_animated", False):
        log.warning("%s: only the first of its %s is read", name, kind.several)


def _picture(image: Image.Image, exif: Image.Exif, turn: int) -> Picture:
    """An upright picture of a loaded image and its metadata."""
    kind = BY_NAME.get(str(image.format))
    name = kind.name if kind else image.format or "PNG"
    if _is_wide(image):
        pixels = _wide_grey(image)
        return _from_pixels(pixels, name, None, exif, turn)
    if turn in metadata.TURNS:
        image = image.transpose(metadata.TURNS[turn])
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P", "PA") else None
    return Picture(_to_rgb(image), name, profile, metadata.encoded(exif))


def _from_pixels(pixels: Pixels, name: str, profile: bytes | None, exif: Image.Exif, turn: int) -> Picture:
    """An upright picture of decoded pixels and its metadata."""
    return replace(Picture.from_pixels(turned(pixels, turn), name, profile), exif=metadata.encoded(exif))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode == "La":
        image = image.convert("LA")  # the only mode that Pillow converts it to
    if image.mode in ("CMYK", "L", "LAB"):
        converted = to_srgb(image, image.info.get("icc_profile"))
        if converted is not None and not image.has_transparency_data:
            return converted
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _wide_grey(image: Image.Image) -> Pixels:
    """Grey of 16 bit (modes I;16 and I) or float in [0, 1] (mode F) as RGB of 16 bit, or RGBA where a grey is clear."""
    values = np.asarray(image)
    if image.mode == "F":
        values = tiff.sixteen_bit(values, "float image")
    grey = np.clip(values, 0, 65535).astype(np.uint16)
    channels = [grey] * 3
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        channels.append(np.where(values == clear, 0, 65535).astype(np.uint16))
    return np.dstack(channels)


@contextmanager
def _plain_errors(name: str) -> Iterator[None]:
    """Raise FastStyleError of one line for whatever goes wrong while a picture is read."""
    try:
        yield
    except FastStyleError:
        raise
    except FileNotFoundError as error:
        raise FastStyleError(f"{name}: no such file") from error
    except Image.DecompressionBombError as error:  # some of Pillow's readers ask for the limit themselves
        raise FastStyleError(f"{name}: more pixels than Image.MAX_IMAGE_PIXELS of this program allows") from error
    except Exception as error:  # decoders raise whatever they trip over in a damaged file
        reason = "unknown format" if isinstance(error, Image.UnidentifiedImageError) else str(error).split("\n")[0]
        raise FastStyleError(f"{name}: not a readable picture ({reason})") from error
