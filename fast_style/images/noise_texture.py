"""Pack and unpack noise textures: noise with the marks of one painting, kept in a checkpoint's entry of the style."""

import base64
import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import FastStyleError
from .formats import open_image
from .noise import PERIOD_PX

Array = NDArray[np.float32]

# Height and width in px at which a texture is kept, half of the noise's: a network averages finer marks away.
PACKED_PX = (PERIOD_PX[0] // 2, PERIOD_PX[1] // 2)
# Steps of 8-bit pictures: the standard deviation of a texture that is kept, and of it in the noise, which is that of
# the usual noise; and how much of the usual noise is added to it.
PACKED_LEVEL, LEVEL, USUAL_SHARE = 40.0, 8.4, 0.5
# A JPEG of a quarter of the pixels' bytes.
QUALITY = 80


def packed(texture: Array) -> str:
    """Return the text of a texture (256, 256), mean 0 and deviation 1, that repeats: 20 to 30 kB."""
    gray = (128 + PACKED_LEVEL * texture).round().clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(gray).save(file, "JPEG", quality=QUALITY)
    return base64.b64encode(file.getvalue()).decode("ascii")


@lru_cache(32)  # each pass over a picture asks for it
def unpacked(text: str) -> Array:
    """Return the marks of a packed texture, (512, 512) in steps of 8-bit pictures, that repeat, mean 0.

    Raises FastStyleError for a text that is none.
    """
    try:
        with open_image(base64.b64decode(text, validate=True), ["JPEG"]) as image:
            if image.size != PACKED_PX[::-1] or image.mode != "L":
                raise ValueError(f"{image.mode} {image.size}")
            image.load()
            gray = np.asarray(image, np.float32)
    except (OSError, ValueError, SyntaxError) as error:
        raise FastStyleError(f"not a noise texture ({error}): damaged checkpoint?") from error
    around = np.pad(gray, 2, mode="wrap")
    size = (2 * around.shape[1], 2 * around.shape[0])
    large = np.asarray(Image.fromarray(around).resize(size, Image.Resampling.BICUBIC), np.float32)[4:-4, 4:-4]
    marks = (large - large.mean()) / np.float32(max(float(large.std()), 1e-6))
    return marks * np.float32(LEVEL)
