"""Pictures that show what a style does: the project's own sample through the network."""

from .. import images
from ..images import Picture
from ..models.bundled import SAMPLE
from ..stylizer import Stylizer

SHORT_SIDE_PX = 240
QUALITY = 85


def preview(stylizer: Stylizer, style: str) -> bytes:
    """A small JPEG of the sample in that style. Raises FastStyleError for an unknown style."""
    sample = images.resize_short_side(images.read(SAMPLE).rgb, SHORT_SIDE_PX)
    return images.encode(Picture(stylizer.stylize(sample, style=style), "JPEG", None, None), QUALITY)
