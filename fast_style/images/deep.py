"""Pictures of 16 bit per channel, which Pillow reduces to 8: PNG and TIFF through imagecodecs and tifffile."""

import io
import struct
import zlib
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Deep = NDArray[np.uint16]

FORMATS = frozenset({"PNG", "TIFF"})
MISSING = '16 bit per channel is reduced to 8: pip install "fast_style[formats]" keeps it'
# Pillow's names of the turns that the EXIF orientation asks for, by its value.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def is_deep(image: Image.Image, head: bytes) -> bool:
    """Whether an opened picture has 16 bit per channel in three or four channels; head: its first 26 bytes."""
    if image.format == "PNG":
        return head[24] == 16 and head[25] in (2, 6)  # bit depth and colour type of the IHDR chunk
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(258, ())  # BitsPerSample
        return len(bits) >= 3 and set(bits) == {16}
    return False


def available() -> bool:
    """Whether the packages are installed."""
    return bool(find_spec("imagecodecs") and find_spec("tifffile"))


def decode(data: bytes, kind: str, orientation: int) -> Deep | None:
    """The pixels, upright: (H, W, 3) or (H, W, 4); None for what these packages read otherwise than Pillow does."""
    import imagecodecs
    import tifffile

    pixels: NDArray[Any] = imagecodecs.png_decode(data) if kind == "PNG" else tifffile.imread(io.BytesIO(data))
    if pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        return None
    return turned(pixels, TURNS.get(orientation))


def turned(pixels: Deep, turn: Image.Transpose | None) -> Deep:
    """(H, W, C) turned as Pillow's `transpose` turns."""
    if turn is None:
        return pixels
    quarter = {Image.Transpose.ROTATE_90: 1, Image.Transpose.ROTATE_180: 2, Image.Transpose.ROTATE_270: 3}
    if turn in quarter:
        return np.ascontiguousarray(np.rot90(pixels, quarter[turn]))
    flipped = {
        Image.Transpose.FLIP_LEFT_RIGHT: pixels[:, ::-1],
        Image.Transpose.FLIP_TOP_BOTTOM: pixels[::-1],
        Image.Transpose.TRANSPOSE: pixels.swapaxes(0, 1),
        Image.Transpose.TRANSVERSE: pixels[::-1, ::-1].swapaxes(0, 1),
    }[turn]
    return np.ascontiguousarray(flipped)


def deep_rgb(pixels: Deep) -> Deep:
    """The colours alone, (H, W, 3), transparent pixels on white."""
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[..., 3:].astype(np.float32) / np.float32(65535)
    return (pixels[..., :3] * alpha + np.float32(65535) * (1 - alpha) + np.float32(0.5)).astype(np.uint16)


def encode(pixels: Deep, kind: str, icc_profile: bytes | None, exif: bytes | None) -> bytes:
    """(H, W, 3 or 4) as PNG, with profile and EXIF, or as TIFF, with the profile."""
    import imagecodecs
    import tifffile

    if kind == "TIFF":
        buffer = io.BytesIO()
        alpha = ["unassalpha"] if pixels.shape[2] == 4 else None
        tifffile.imwrite(
            buffer, pixels, photometric="rgb", iccprofile=icc_profile, compression="zlib", extrasamples=alpha
        )
        return buffer.getvalue()
    data = bytes(imagecodecs.png_encode(pixels))
    chunks = b""
    if icc_profile:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc_profile))
    if exif:
        chunks += _chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    header = 8 + 25  # signature and IHDR, behind which both chunks may stand
    return data[:header] + chunks + data[header:]


def _chunk(name: bytes, content: bytes) -> bytes:
    """A PNG chunk: length, name, content, checksum of name and content."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
