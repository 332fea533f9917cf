"""Read and write PNG beyond Pillow: 16 bit per channel (imagecodecs), chunks of any length, colour chunks."""

import io
import logging
import struct
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from PIL.PngImagePlugin import putchunk

from . import profiles
from .arrays import Pixels

if TYPE_CHECKING:
    from .picture import Picture

log = logging.getLogger(__name__)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_END = 8 + 25  # the signature and the chunk IHDR
# Chunks that say what the values mean, in the order in which they are written.
COLOR_CHUNKS = (b"cICP", b"cHRM", b"gAMA", b"sRGB")
# What these chunks hold for sRGB: BT.709 primaries and sRGB's transfer as codes, as chromaticities, and as a gamma.
SRGB = {
    b"cICP": bytes([1, 13, 0, 1]),
    b"cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
    b"gAMA": struct.pack(">I", 45455),
}
TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
# Pillow refuses a PNG with a longer text or profile (`PngImagePlugin.MAX_TEXT_CHUNK`, 1 MiB).
LONG_BYTES = 2**19
# Longest profile that is read.
MOST_PROFILE_BYTES = 2**26


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and length of the content of each chunk of a PNG file, as far as it is whole."""
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        if position + 12 + length > len(data):
            return
        yield name, position + 8, length
        position += 12 + length


def color_chunks(data: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Return names and contents of the chunks that say what the values of a PNG file mean."""
    found = {name: data[start : start + length] for name, start, length in chunks(data) if name in COLOR_CHUNKS}
    return tuple((name, found[name]) for name in COLOR_CHUNKS if name in found)


def is_srgb(chunks: tuple[tuple[bytes, bytes], ...]) -> bool:
    """Return whether colour chunks only say what is true of every picture without them: sRGB."""
    return all(content == SRGB.get(name, content) for name, content in chunks)


def shortened(data: bytes) -> tuple[bytes, bytes | None]:
    """Remove the chunks that are too long for Pillow: long texts and a long ICC profile.

    Returns the file without them, and the profile that was removed.
    """
    profile, cuts = None, []
    for name, start, length in chunks(data):
        if name == b"iCCP" or name in TEXT_CHUNKS:
            content = data[start : start + length]
            if name == b"iCCP":
                unpacked = _inflated(content[content.find(b"\0") + 2 :], MOST_PROFILE_BYTES)
                profile = unpacked if len(unpacked) > LONG_BYTES else profile
                long = len(unpacked) > LONG_BYTES
            else:
                long = length > LONG_BYTES or _longest_text(name, content) > LONG_BYTES
            if long:
                cuts.append((start - 8, start + length + 4))
    if not cuts:
        return data, None
    ends = [0, *(end for _, end in cuts)]
    starts = [*(start for start, _ in cuts), len(data)]
    return b"".join(data[a:b] for a, b in zip(ends, starts, strict=True)), profile


def _longest_text(name: bytes, content: bytes) -> int:
    """Length of a text once it is decompressed, counted to LONG_BYTES + 1."""
    if name == b"tEXt":
        return len(content)
    _, _, rest = content.partition(b"\0")
    if name == b"iTXt":
        if rest[:1] != b"\1":
            return len(content)
        rest = rest[2:].split(b"\0", 2)[-1]  # behind flag, method, language and translated keyword
    else:
        rest = rest[1:]
    return len(_inflated(rest, LONG_BYTES + 1))


def _inflated(content: bytes, most_bytes: int) -> bytes:
    """Decompress at most so many bytes; nothing where it is damaged."""
    try:
        return zlib.decompressobj().decompress(content, most_bytes)
    except zlib.error:
        return b""


def available() -> bool:
    """Return whether the package that reads and writes 16 bit per channel is installed."""
    return bool(find_spec("imagecodecs"))


def decode(data: bytes, profile: bytes | None) -> tuple[Pixels, bytes | None]:
    """Decode a PNG file of 16 bit per channel, its transparency (alpha or tRNS) as alpha.

    Returns uint16 pixels (H, W, 3 or 4), not turned, and the ICC profile of those values, None for sRGB.
    """
    import imagecodecs

    pixels = np.atleast_3d(np.asarray(imagecodecs.png_decode(data)))
    if pixels.shape[2] > 2:
        return pixels, profile
    grey = profiles.grey_to_srgb(pixels[..., 0], profile)
    return (grey if pixels.shape[2] == 1 else np.dstack([grey, pixels[..., 1]])), None


def encode(picture: "Picture") -> bytes:
    """Encode the 16-bit pixels of a picture as PNG with profile, EXIF, and resolution. Needs `available()`."""
    import imagecodecs

    assert picture.deep is not None
    added = io.BytesIO()
    if picture.icc_profile:
        putchunk(added, b"iCCP", b"ICC profile\0\0", zlib.compress(picture.icc_profile))
    if picture.exif:
        putchunk(added, b"eXIf", picture.exif.removeprefix(b"Exif\0\0"))
    if picture.dpi:
        horizontal, vertical = (round(value / 0.0254) for value in picture.dpi)
        putchunk(added, b"pHYs", struct.pack(">IIB", horizontal, vertical, 1))
    return _with_header_chunks(bytes(imagecodecs.png_encode(picture.deep)), added.getvalue())


def with_color_chunks(data: bytes, picture: "Picture") -> bytes:
    """Insert the colour chunks of a picture into an encoded PNG file."""
    added = io.BytesIO()
    for name, content in picture.png_colors:
        putchunk(added, name, content)
    return _with_header_chunks(data, added.getvalue())


def _with_header_chunks(data: bytes, added: bytes) -> bytes:
    return data[:HEADER_END] + added + data[HEADER_END:]
