"""Show what a style does: a small sample picture in that style."""

import asyncio
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from .. import images
from ..images import Picture
from ..models.bundled import SAMPLE
from ..stylizer import Stylizer

if TYPE_CHECKING:  # the web export makes thumbnails too, without the packages of the service
    from .repository import ServedModel
    from .service import Service

SHORT_SIDE_PX = 240
QUALITY = 85
# Thumbnails that are kept, of some 20 kB each.
CACHED = 512


def thumbnail(stylizer: Stylizer, style: str) -> bytes:
    """Return the sample in that style as a small JPEG. Raises FastStyleError for an unknown style."""
    sample = images.resize_short_side(images.read(SAMPLE).rgb, SHORT_SIDE_PX)
    return images.encode(Picture(stylizer.stylize(sample, style=style), "JPEG", None, None), QUALITY)


class Thumbnails:
    """Make thumbnails of styles when they are first asked for, and keep them until their model changes."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._cached: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def get(self, model: "ServedModel", style: str) -> bytes:
        """Return the thumbnail of a style that the model has."""
        key = (model.name, model.version, style)
        # One at a time leaves the queue to those who stylize, and nothing is made twice.
        async with self._one_at_a_time:
            if key not in self._cached:
                data = await self._service.run(model, partial(thumbnail, style=style), may_be_refused=False)
                self._cached[key] = data
                if len(self._cached) > CACHED:
                    self._cached.popitem(last=False)
            return self._cached[key]
