"""Reading a picture: any mode and orientation to upright RGB or RGBA, with what must be kept beside the pixels."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from ..errors import FastStyleError
from . import deep
from .alpha import fill_hidden, flat
from .arrays import Pixels, eight_bit, resized

# What counts as a picture in a folder; a file that is named by the user is tried whatever its extension.
EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".avif", ".heic"})
ORIENTATION = 0x0112
# More pixels than this are refused: a small file may ask for more memory than there is. Pillow's own limit is below
# what stitched panoramas have.
MOST_PX = 1_000_000_000


@dataclass(frozen=True)
class Picture:
    """An upright picture and what has to survive the trip."""

    image: Image.Image
    """Mode RGB or RGBA, orientation applied."""
    format: str
    """Pillow's name of the format it came in: JPEG, PNG, ..."""
    icc_profile: bytes | None
    """Profile of the RGB values; None means sRGB."""
    exif: bytes | None
    """EXIF without the orientation, which is applied."""
    deep: NDArray[np.uint16] | None = None
    """(H, W, 3 or 4), the pixels of `image` where they have 16 bit per channel."""

    @classmethod
    def from_pixels(cls, pixels: Pixels, format: str, icc_profile: bytes | None = None) -> "Picture":
        """Make a picture from pixels (H, W, 3 or 4), uint8 or uint16."""
        image = Image.fromarray(eight_bit(pixels))
        return cls(image, format, icc_profile, None, pixels if pixels.dtype == np.uint16 else None)

    @property
    def pixels(self) -> Pixels:
        """Pixels in the depth of the file: (H, W, 3 or 4), uint8 or uint16."""
        return np.asarray(self.image) if self.deep is None else self.deep

    @property
    def rgb(self) -> Image.Image:
        """The picture in 8 bit as it looks on white, mode RGB."""
        return flat(self.image)

    @property
    def colors(self) -> Pixels:
        """Colours without alpha, (H, W, 3), never mixed with a ground; where alpha is 0 those of neighbours."""
        pixels = self.pixels
        return fill_hidden(pixels) if pixels.shape[2] == 4 else pixels

    def with_colors(self, colors: Pixels) -> "Picture":
        """Return the picture with other colours, (H, W, 3) uint8 or uint16 of any size.

        Alpha is kept, resized where needed, and so is the metadata. The depth of the result is that of `colors`.
        """
        if self.image.mode == "RGBA":
            deep = colors.dtype == np.uint16
            alpha = self.pixels[..., 3] if deep else np.asarray(self.image.getchannel("A"))
            colors = np.dstack([colors, resized(alpha, colors.shape[1::-1])])
        image = Image.fromarray(eight_bit(colors))
        if self.icc_profile:
            image.info["icc_profile"] = self.icc_profile
        return replace(self, image=image, deep=colors if colors.dtype == np.uint16 else None)


def read(source: Path | BinaryIO) -> Picture:
    """Decode a picture from a path or a binary stream. Raises FastStyleError when it is none or is damaged."""
    name = source if isinstance(source, Path) else getattr(source, "name", "input")
    with _plain_errors(str(name)):
        _register_heif()
        Image.MAX_IMAGE_PIXELS = MOST_PX // 2  # Pillow refuses twice as many; it knows one limit for the process
        data = source.read_bytes() if isinstance(source, Path) else _all_of(source)
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            picture = upright(opened)
            if not deep.is_deep(opened, data[:26]):
                return picture
            orientation = opened.getexif().get(ORIENTATION, 1)
    if not deep.available():
        warnings.warn(f"{name}: {deep.MISSING}", stacklevel=2)
        return picture
    with _plain_errors(str(name)):
        return replace(picture, deep=deep.decode(data, picture.format, orientation))


def _all_of(stream: BinaryIO) -> bytes:
    if stream.seekable():
        stream.seek(0)
    return stream.read()


@cache
def _register_heif() -> None:
    """HEIC, as phones write it, through Pillow's plug-in where it is installed."""
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()


def upright(image: Image.Image) -> Picture:
    """A loaded Pillow image of any mode with its orientation applied, as RGB or RGBA."""
    # Phones write MPO, which is a JPEG with another one behind it.
    kind = "JPEG" if image.format == "MPO" else image.format or "PNG"
    image, exif = _turned(image)
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P", "PA") else None
    return Picture(_to_rgb(image), kind, profile, exif)


def _turned(image: Image.Image) -> tuple[Image.Image, bytes | None]:
    """The image with its orientation applied, and its EXIF without it; damaged EXIF is dropped."""
    try:
        turned = ImageOps.exif_transpose(image)
        exif = turned.getexif()
        return turned, exif.tobytes() if exif else None
    except Exception:  # Pillow raises struct, type, key and value errors on damaged EXIF; the pixels are sound
        return image, None


@contextmanager
def _plain_errors(name: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # Twice the warning's size is an error below, which is the limit that counts; odd EXIF is no trouble.
            warnings.simplefilter("ignore")
            yield
    except FileNotFoundError as error:
        raise FastStyleError(f"{name}: no such file") from error
    except Image.DecompressionBombError as error:
        raise FastStyleError(f"{name}: more pixels than the limit of {MOST_PX}") from error
    except Exception as error:  # decoders raise whatever they trip over in a damaged file
        reason = "unknown format" if isinstance(error, Image.UnidentifiedImageError) else str(error).split("\n")[0]
        raise FastStyleError(f"{name}: not a readable picture ({reason})") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        image = _eight_bit(image)
    target = "RGBA" if image.has_transparency_data else "RGB"
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("CMYK", "L", "LAB"):
        # A profile for another mode than the pixels', which cameras and scanners do write, is passed over.
        with suppress(ImageCms.PyCMSError, OSError):
            return _to_srgb(image, profile)
    return image.convert(target)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Greyscale of 16 or 32 bit or float, which Pillow would clip at 255, to 8 bit by the range that it uses."""
    values = np.asarray(image).astype(np.float64)
    highest = values.max(initial=0)
    scale = 255 if image.mode == "F" and highest <= 1 else 1 / 257 if highest > 255 else 1
    return Image.fromarray((values * scale).clip(0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # None only when converting in place
    return converted
