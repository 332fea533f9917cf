"""Read, convert, resize and write pictures; the one place where bytes become float images and back."""

from .alpha import fill_hidden, flat
from .arrays import (
    FloatImage,
    Pixels,
    eight_bit,
    from_array,
    quantized,
    resize_short_side,
    resized,
    to_array,
    unit,
    with_short_side,
)
from .formats import EXTENSIONS, FORMATS, READABLE, SUFFIXES, format_for, is_picture_file, open_image
from .limits import check_size
from .picture import Picture
from .reading import measure, read, upright
from .sheets import captioned, contact_sheet, side_by_side
from .writing import QUALITY, encode, write

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "QUALITY",
    "READABLE",
    "SUFFIXES",
    "FloatImage",
    "Picture",
    "Pixels",
    "captioned",
    "check_size",
    "contact_sheet",
    "eight_bit",
    "encode",
    "fill_hidden",
    "flat",
    "format_for",
    "from_array",
    "is_picture_file",
    "measure",
    "open_image",
    "quantized",
    "read",
    "resize_short_side",
    "resized",
    "side_by_side",
    "to_array",
    "unit",
    "upright",
    "with_short_side",
    "write",
]
