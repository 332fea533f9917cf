"""Pictures in and out: decode, orient, resize, encode; the one place where uint8 becomes float and back."""

from .alpha import fill_hidden, flat
from .arrays import (
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
from .deep import deep_rgb
from .picture import EXTENSIONS, Picture, read, upright
from .sheets import captioned, contact_sheet, side_by_side
from .writing import FORMATS, QUALITY, SUFFIXES, encode, format_for, write

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "QUALITY",
    "SUFFIXES",
    "Picture",
    "Pixels",
    "captioned",
    "contact_sheet",
    "deep_rgb",
    "eight_bit",
    "encode",
    "fill_hidden",
    "flat",
    "format_for",
    "from_array",
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
