"""Read and write the TIFF files that Pillow cannot: 16 and 32 bit per channel, float, rare layouts (tifffile)."""

import io
import logging
import struct
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ..errors import FastStyleError
from . import profiles
from .alpha import unassociated
from .arrays import Pixels
from .limits import check_claim, check_size

if TYPE_CHECKING:
    from .picture import Picture

log = logging.getLogger(__name__)

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Values of the tag PhotometricInterpretation, and how many channels each has.
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 8, 9
CHANNELS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, SEPARATED: 4, CIELAB: 3, ICCLAB: 3}
UNSPECIFIED, ASSOCIATED, UNASSOCIATED = 0, 1, 2
SIGNED, FLOAT = 2, 3
CMYK_INKS = 1
# Compressed, what this module decodes has up to a few thousand pixels of one colour in a byte (zstd, LZMA).
MOST_PX_PER_BYTE = 8192


def available() -> bool:
    """Return whether the packages that read and write these files are installed."""
    return bool(find_spec("imagecodecs") and find_spec("tifffile"))


def size(data: bytes) -> tuple[int, int]:
    """Return width and height of the first page of a TIFF file."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        return int(page.imagewidth), int(page.imagelength)  # damaged tags may hold several


def decode(data: bytes, name: str) -> tuple[Pixels, bytes | None]:
    """Decode the first page of a TIFF file.

    Returns RGB or RGBA pixels (H, W, 3 or 4), uint8, or uint16 for what has more than 8 bit per channel, with straight
    alpha, not turned; and the ICC profile of those values, None for sRGB. Float values are in [0, 1]. Raises
    FastStyleError for what has no one meaning as colours.
    """
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        packing = MOST_PX_PER_BYTE if int(page.compression) > 1 else 8  # uncompressed: no less than a bit
        check_claim((page.imagewidth, page.imagelength), len(data), packing, name)
        check_size((page.imagewidth, page.imagelength), name, 8 * max(4, page.samplesperpixel))
        photometric = _photometric(page, name)
        planes = page.asarray()
        if page.axes == "SYX":
            planes = np.moveaxis(planes, 0, -1)
        values = _integers(planes.reshape(*planes.shape[:2], -1), page, name)
        channels = CHANNELS[photometric]
        colors, profile = _rgb(values[..., :channels], photometric, page)
        extra = [int(kind) for kind in page.extrasamples]
        report_unspecified(extra, name)
        with suppress(IndexError):
            file.pages[1]
            log.warning("%s: only the first of its pages is read", name)
    if photometric == RGB and not extra and values.shape[2] == 4:
        extra = [UNASSOCIATED]  # a fourth channel that is not declared, as Pillow takes it
    alphas = [index for index, kind in enumerate(extra) if kind in (ASSOCIATED, UNASSOCIATED)]
    if not alphas:
        return colors, profile
    pixels = np.dstack([colors, values[..., channels + alphas[0]]])
    return unassociated(pixels) if extra[alphas[0]] == ASSOCIATED else pixels, profile


def report_unspecified(extra: Sequence[int], name: str) -> None:
    """Log that channels are left out whose meaning a file does not tell. extra: values of the tag ExtraSamples.

    Only associated and unassociated alpha say that they are alpha: unspecified data may be a mask or a depth.
    """
    if UNSPECIFIED in extra:
        log.warning("%s: a channel of unspecified meaning (ExtraSamples 0) is left out", name)


def _photometric(page: Any, name: str) -> int:
    """The PhotometricInterpretation of a page. Raises FastStyleError for what is not read."""
    photometric = int(page.photometric)
    if int(page.compression) in (6, 7, 99) and photometric == 6:
        photometric = RGB  # tifffile converts the YCbCr of JPEG
    inks = page.tags.get("InkSet")
    wrong = None
    if photometric not in CHANNELS or (inks and int(inks.value) != CMYK_INKS):
        wrong = f"photometric interpretation {getattr(page.photometric, 'name', photometric)}"
    elif page.imagedepth > 1 or page.axes not in ("YX", "YXS", "SYX"):
        wrong = "more than two dimensions"
    elif page.samplesperpixel < CHANNELS[photometric]:
        wrong = f"{page.samplesperpixel} channels"
    elif page.sampleformat == SIGNED and photometric != CIELAB:
        wrong = "signed integers"
    elif photometric in (CIELAB, ICCLAB) and (page.bitspersample not in (8, 16) or page.sampleformat == FLOAT):
        wrong = f"L*a*b* of {page.bitspersample} bit"
    elif ASSOCIATED in page.extrasamples and photometric != RGB and photometric != BLACK_IS_ZERO:
        wrong = "associated alpha with colours other than RGB"
    if wrong:
        raise FastStyleError(f"{name}: a TIFF with {wrong} is not supported; convert it to RGB of 8 or 16 bit")
    return photometric


def _integers(values: NDArray[Any], page: Any, name: str) -> NDArray[Any]:
    """Scale the samples of a page by the range of their format to uint8 or uint16; palettes and L*a*b* as they are."""
    if values.dtype.kind == "f":
        return sixteen_bit(values, name)
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    bits = int(page.bitspersample)
    if bits in (8, 16) or int(page.photometric) == PALETTE:
        return values
    depth = np.uint8 if bits < 8 else np.uint16
    return np.rint(values * (np.iinfo(depth).max / (2**bits - 1))).astype(depth)


def sixteen_bit(values: NDArray[Any], name: str) -> NDArray[np.uint16]:
    """Round float values of any shape, clipped to [0, 1], to uint16; log when something was clipped."""
    wide = values.astype(np.float32)
    if not np.isfinite(wide).all() or wide.min(initial=0) < 0 or wide.max(initial=0) > 1:
        log.warning("%s: float values outside [0, 1] are clipped", name)
    clipped = np.nan_to_num(wide, posinf=1, neginf=0).clip(0, 1)
    return (clipped * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


def _rgb(values: NDArray[Any], photometric: int, page: Any) -> tuple[Pixels, bytes | None]:
    """Convert samples (H, W, C) to RGB of the same type, and the ICC profile that still applies to it."""
    profile = bytes(page.iccprofile) if page.iccprofile else None
    if photometric == RGB:
        return np.ascontiguousarray(values), profile
    if photometric == PALETTE:
        return np.ascontiguousarray(np.asarray(page.colormap, np.uint16).T[values[..., 0]]), profile
    if photometric in (CIELAB, ICCLAB):
        return profiles.lab_to_srgb(_icc_lab(values, photometric)), None
    if photometric == SEPARATED:
        return profiles.cmyk_to_srgb(values, profile), None
    if photometric == WHITE_IS_ZERO:
        values = np.iinfo(values.dtype).max - values
    return profiles.grey_to_srgb(values[..., 0], profile), None


def _icc_lab(values: NDArray[Any], photometric: int) -> NDArray[np.uint16]:
    """L*a*b* samples as the ICC (version 4) encodes them in 16 bit: 0 to 100, and -128 to 127, over 0 to 65535."""
    bits = 8 * values.dtype.itemsize
    wide = values.astype(np.float64)
    lightness, chroma = wide[..., :1], wide[..., 1:]
    unit = 2.0 ** (bits - 8)
    if photometric == CIELAB:
        signed = values[..., 1:].astype(f"uint{bits}").view(f"int{bits}")
        chroma = signed / unit + 128
        lightness = lightness * (65535 / (2**bits - 1))
    else:
        chroma = chroma / unit
        lightness = lightness * (65535 / (255 * unit))
    return np.rint(np.dstack([lightness, chroma * 257]).clip(0, 65535)).astype(np.uint16)


def encode(picture: "Picture") -> bytes:
    """Encode the 16-bit pixels of a picture as TIFF with profile, EXIF, and resolution. Needs `available()`."""
    import tifffile

    assert picture.deep is not None
    exif = Image.Exif()
    if picture.exif:
        exif.load(picture.exif)
    pointers = [int(tag) for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo) if tag in exif]
    texts = {int(tag): str(value).encode() for tag, value in exif.items() if isinstance(value, str)}
    extra: list[tuple[Any, ...]] = [(tag, 2, 0, text, True) for tag, text in sorted(texts.items())]
    extra += [(tag - 1, 4, 1, 0, True) for tag in pointers]  # in their places; tifffile refuses the tags themselves
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        picture.deep,
        photometric="rgb",
        byteorder="<",
        compression="zlib",
        predictor=True,
        extrasamples=["unassalpha"] if picture.deep.shape[2] == 4 else None,
        iccprofile=picture.icc_profile,
        resolution=picture.dpi,
        resolutionunit="inch" if picture.dpi else None,
        metadata=None,
        software=False,
        extratags=extra,
    )
    for tag in pointers:
        _append_directory(buffer, tag, exif.get_ifd(tag))
    return buffer.getvalue()


def _append_directory(buffer: io.BytesIO, tag: int, values: dict[int, Any]) -> None:
    """Append a sub-directory (EXIF, GPS) to a little-endian TIFF file and make tag - 1 of its page the tag for it."""
    import tifffile

    end = buffer.seek(0, io.SEEK_END)
    start = end + end % 2
    directory = ImageFileDirectory_v2(ifh=b"II*\0\0\0\0\0", prefix=b"II", group=tag)
    for key, value in values.items():
        with suppress(Exception):  # Pillow raises many kinds of errors on damaged values
            directory[key] = value
    buffer.write(bytes(start - end) + directory.tobytes(start))
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as file:
        page: Any = file.pages[0]
        position = page.tags[tag - 1].offset
    with buffer.getbuffer() as view:
        struct.pack_into("<H", view, position, tag)
        struct.pack_into("<I", view, position + 8, start)
