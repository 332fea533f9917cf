"""Hold a picture in memory: its pixels, upright, and what has to be written beside them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .alpha import fill_hidden, flat
from .arrays import Pixels, eight_bit, resized


@dataclass(frozen=True)
class Picture:
    """Hold an upright picture with its metadata."""

    image: Image.Image
    """Mode RGB or RGBA (straight alpha), 8 bit per channel, orientation applied."""
    format: str
    """Pillow's name of the format it was read from and is written in: JPEG, PNG, ..."""
    icc_profile: bytes | None
    """Profile of the RGB values; None means sRGB."""
    exif: bytes | None
    """EXIF block that begins with `Exif\\0\\0`, without the orientation, which is applied."""
    deep: NDArray[np.uint16] | None = None
    """(H, W, 3 or 4), the pixels of `image` in 16 bit, where the file has more than 8 bit per channel."""
    dpi: tuple[float, float] | None = None
    """Horizontal and vertical resolution, dots per inch."""
    png_colors: tuple[tuple[bytes, bytes], ...] = ()
    """Names and contents of the PNG chunks that say what the RGB values mean: cICP, gAMA, cHRM, sRGB."""

    @classmethod
    def from_pixels(cls, pixels: Pixels, format: str, icc_profile: bytes | None = None) -> "Picture":
        """Make a picture from pixels (H, W, 3 or 4), uint8 or uint16."""
        image = Image.fromarray(eight_bit(pixels))
        return cls(image, format, icc_profile, None, pixels if pixels.dtype == np.uint16 else None)

    @property
    def pixels(self) -> Pixels:
        """Return the pixels in the depth of the file: (H, W, 3 or 4), uint8 or uint16."""
        return np.asarray(self.image) if self.deep is None else self.deep

    @property
    def rgb(self) -> Image.Image:
        """Return the picture in 8 bit as it looks on white, mode RGB."""
        return flat(self.image)

    @property
    def colors(self) -> Pixels:
        """Return colours without alpha, (H, W, 3), never mixed with a ground; where alpha is 0 those of neighbours."""
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
