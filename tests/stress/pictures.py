"""Damaged pictures of every format that is read: read, measured, written again, and small ones painted."""

import io
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from fast_style import Stylizer, images
from fast_style.errors import FastStyleError

from ..conftest import picture, untrained
from .mutations import damaged, damaged_png
from .parts import StressError

SMALL_PX = 64 * 64
# Suffixes and Pillow's names of formats that are tried in one way.
OTHERS = {"bmp": "BMP", "ppm": "PPM", "avif": "AVIF", "heic": "HEIF", "jp2": "JPEG2000", "tga": "TGA", "ico": "ICO"}
OTHERS |= {"pcx": "PCX", "sgi": "SGI", "dds": "DDS", "icns": "ICNS", "eps": "EPS", "im": "IM"}
# Ways of tifffile.
TIFFS: tuple[dict[str, Any], ...] = (
    {},
    {"tile": (16, 16)},
    {"compression": "zlib", "predictor": True},
    {"planarconfig": "separate"},
    {"bigtiff": True},
    {"ome": True, "metadata": {"axes": "YXS"}},
    {"extratags": [(270, 2, 0, "x", True)]},
)


class Stress:
    """See the package."""

    def __init__(self, folder: Path) -> None:
        self._seeds = list(seeds())
        self._stylizer = Stylizer.load(untrained(folder / "tiny.pth", "a"), "cpu", "torch", "fp32")

    def make(self, rng: Random) -> tuple[str, bytes]:
        suffix, data = rng.choice(self._seeds)
        if suffix == "png" and rng.random() < 0.5:
            return suffix, damaged_png(data, rng)
        return suffix, damaged(data, rng, [other for _, other in self._seeds])

    def run(self, path: Path) -> str:
        with suppress(FastStyleError):
            images.measure(path.read_bytes(), images.READABLE)
        found = images.read(path)
        width, height = found.image.size
        if found.pixels.shape[:2] != (height, width) or found.image.mode not in ("RGB", "RGBA"):
            raise StressError(f"{found.image.mode} of {found.image.size}, pixels {found.pixels.shape}")
        if width * height > SMALL_PX:
            return "read"
        styled = self._stylizer.apply(found)
        if styled.image.size != found.image.size:
            raise StressError(f"{found.image.size} became {styled.image.size}")
        again = images.encode(styled) if styled.format in images.SUFFIXES else b""
        if again and images.read(io.BytesIO(again)).image.size != found.image.size:
            raise StressError(f"{found.image.size} was not written as {styled.format}")
        return "painted"

    def close(self) -> None:
        pass


def seeds() -> Iterator[tuple[str, bytes]]:
    """Whole pictures of every format, mode, depth and kind of metadata that this machine can write, by suffix."""
    rgb = picture(24, 17)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    profile = b"\0" * 128
    with suppress(ImportError):
        from PIL import ImageCms

        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    about: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": profile}
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "x" * 300, zip=True)
    frames = [picture(12, 9, seed) for seed in range(3)]
    for mode in ("RGB", "L", "CMYK"):
        yield from _saved(rgb.convert(mode), "jpg", "JPEG", **about)
    yield from _saved(rgb, "jpg", "JPEG", progressive=True, dpi=(300, 300))
    yield from _saved(rgb, "jpg", "MPO", save_all=True, append_images=frames)
    for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"):
        yield from _saved(rgb.convert("I;16" if mode == "I;16" else mode), "png", "PNG", pnginfo=text, **about)
    yield from _saved(frames[0], "png", "PNG", save_all=True, append_images=frames[1:], duration=40)
    for mode in ("RGB", "RGBA", "L", "P", "1", "CMYK", "LAB", "I;16", "F"):
        with suppress(ValueError):
            yield from _saved((rgb.convert("L") if mode in ("I;16", "F") else rgb).convert(mode), "tif", "TIFF")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        yield from _saved(rgb, "tif", "TIFF", compression=compression, **about)
    yield from _saved(frames[0], "tif", "TIFF", save_all=True, append_images=frames[1:])
    yield from _saved(frames[0], "gif", "GIF", save_all=True, append_images=frames[1:], duration=40, loop=0)
    for options in ({"lossless": True}, {"quality": 60}, {"save_all": True, "append_images": frames}):
        yield from _saved(rgb.convert("RGBA"), "webp", "WEBP", **options, **about)
    images.measure(b"P6 1 1 255\n\0\0\0")  # registers HEIF
    for suffix, kind in OTHERS.items():
        yield from _saved(rgb, suffix, kind)
    yield "jpg", b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", 30000, 30000) + b"\3\1\x22\0\2\x11\1\3\x11\1"
    with suppress(ImportError):
        yield from _deep(np.asarray(rgb))


def _deep(pixels: Any) -> Iterator[tuple[str, bytes]]:
    """TIFF and PNG as scientists and scanners write them."""
    import imagecodecs
    import tifffile

    deep = pixels.astype(np.uint16) * 257
    yield "png", bytes(imagecodecs.png_encode(deep))
    for options in TIFFS:
        for data in (deep, (pixels / np.float32(255)).astype(np.float32)):
            buffer = io.BytesIO()
            shaped = np.moveaxis(data, 2, 0) if "planarconfig" in options else data
            with suppress(ValueError):
                tifffile.imwrite(buffer, shaped, **{"photometric": "rgb", **options})
                yield "tif", buffer.getvalue()


def _saved(image: Image.Image, suffix: str, kind: str, **options: Any) -> Iterator[tuple[str, bytes]]:
    buffer = io.BytesIO()
    with suppress(Exception):  # what this version of Pillow cannot write is left out
        image.save(buffer, kind, **options)
        yield suffix, buffer.getvalue()
