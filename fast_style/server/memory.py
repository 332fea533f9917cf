"""Bound the memory of pictures in work by their pixels, known before anything is decoded."""

import contextlib
import threading
from collections.abc import Iterable, Iterator

from starlette.exceptions import HTTPException

from ..options import StylizeOptions
from .cancellation import CancellationToken

# How often a thread that waits for memory looks whether its client is still there.
POLL_S = 0.1


class PixelBudget:
    """Bound the pixels that may be in work at a time, however many requests there are."""

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self._free = pixels
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def reserve(self, pixels: int) -> Iterator[None]:
        """Wait until that many pixels are free and keep them; what needs more than there are waits for all of them.

        Raises Cancelled when nobody waits for the picture any more.
        """
        token = CancellationToken.current()
        pixels = min(pixels, self.pixels)
        with self._changed:
            while pixels > self._free:
                token.check()
                self._changed.wait(POLL_S)
            self._free -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()


def largest_size(options: StylizeOptions, width: int, height: int, limit: int) -> int:
    """Return the pixels of the picture at its largest: as it came, at its working size, or as the result.

    Raises HTTPException (413) when `size` or `output_size` asks for more than `limit` pixels.
    """
    largest = width * height
    for name in ("size", "output_size"):
        short_side = getattr(options, name)
        if short_side:
            pixels = short_side * short_side * max(width, height) // min(width, height)
            if pixels > limit:
                raise HTTPException(
                    413, f"{name} makes the picture larger than the limit of {limit / 1e6:g} million pixels"
                )
            largest = max(largest, pixels)
    return largest


def pixels_in_work(picture: int, masks: Iterable[int]) -> int:
    """Return what a picture and its masks take of the budget; each in pixels.

    A mask is decoded at its own size (RGBA) and kept at that of the picture with one byte for a pixel.
    """
    sizes = list(masks)
    return picture + sum(sizes) + len(sizes) * picture // 4
