"""Between libav's frames and the contract: sizes, colour matrix and range by libswscale in a filter graph."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from .libav import pyav
from .types import Array, Colors

# libav's codes of the YCbCr matrices (ITU-T H.273), to the names that libswscale's filter knows.
MATRICES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020"}
UNSPECIFIED, BT709, BT601 = 2, 1, 6
LIMITED, FULL = 1, 2
FLAGS = "lanczos+accurate_rnd+full_chroma_int+full_chroma_inp"


def colors_of(frame: Any) -> Colors:
    """What a decoded frame says of its colours; where it does not, what players take: BT.709 for HD, else BT.601."""
    matrix = int(frame.colorspace)
    if matrix not in MATRICES:
        matrix = BT709 if max(frame.width, frame.height) >= 1280 or min(frame.width, frame.height) > 576 else BT601
    return Colors(matrix, int(getattr(frame, "color_trc", 2)), int(getattr(frame, "color_primaries", 2)))


class Graph:
    """A chain of libav filters that is built anew when the frames change in size or format."""

    def __init__(self, chain: list[tuple[str, str]], time_base: Fraction) -> None:
        """chain: filters and their arguments."""
        self.chain, self.time_base = chain, time_base
        self._graph: Any = None
        self._built_for: tuple[Any, ...] = ()

    def __call__(self, frame: Any | None) -> Iterator[Any]:
        """What comes out when a frame (None: the end) goes in."""
        if frame is not None:
            kind = (frame.width, frame.height, frame.format.name)
            if kind != self._built_for:
                yield from self._pushed(None)
                self._build(frame)
                self._built_for = kind
        yield from self._pushed(frame)

    def _pushed(self, frame: Any | None) -> Iterator[Any]:
        if self._graph is None:
            return
        self._graph.push(frame)
        while True:
            try:
                yield self._graph.pull()
            except (BlockingIOError, pyav().error.EOFError):
                return

    def _build(self, frame: Any) -> None:
        self._graph = graph = pyav().filter.Graph()
        base = f"{self.time_base.numerator}/{self.time_base.denominator}"
        form = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={base}"
        nodes = [graph.add("buffer", f"{form}:pixel_aspect=1/1")]
        nodes += [graph.add(name, arguments or None) for name, arguments in self.chain]
        graph.link_nodes(*nodes, graph.add("buffersink")).configure()


def decoding_chain(width: int, height: int, colors: Colors, full_range: bool, deep: bool) -> list[tuple[str, str]]:
    """Filters from a film's own pixels to RGB of that size."""
    matrix, extent = MATRICES[colors.matrix], "pc" if full_range else "tv"
    scale = f"{width}:{height}:in_color_matrix={matrix}:in_range={extent}:out_range=pc:flags={FLAGS}"
    return [("scale", scale), ("format", "rgb48le" if deep else "rgb24")]


def encoding_chain(width: int, height: int, colors: Colors, pixel_format: str) -> list[tuple[str, str]]:
    """Filters from RGB to the pixels of an encoder, in limited range."""
    scale = f"{width}:{height}:in_range=pc:out_color_matrix={MATRICES[colors.matrix]}:out_range=tv:flags={FLAGS}"
    return [("scale", scale), ("format", pixel_format)]


def to_array(frame: Any, quarter_turns: int = 0) -> Array:
    """An rgb24 or rgb48le frame to (1, 3, H, W) float32 in [0, 1], turned counter-clockwise by so many times 90°."""
    pixels = frame.to_ndarray()
    highest = np.float32(np.iinfo(pixels.dtype).max)
    turned = np.rot90(pixels, quarter_turns) if quarter_turns else pixels
    return np.ascontiguousarray(turned.transpose(2, 0, 1)[None], dtype=np.float32) / highest


def to_frame(image: Array, deep: bool = False) -> Any:
    """(1, 3, H, W) float32 to an rgb24 or rgb48le frame, clamped to [0, 1] and rounded."""
    kind, name = (np.uint16, "rgb48le") if deep else (np.uint8, "rgb24")
    highest = np.float32(np.iinfo(kind).max)
    pixels = np.clip(image[0].transpose(1, 2, 0) * highest + np.float32(0.5), 0, highest)
    return pyav().VideoFrame.from_ndarray(np.ascontiguousarray(pixels.astype(kind)), format=name)
