"""Convert between libav's frames and arrays: sizes, colour matrix and range by libswscale in a filter graph."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from .. import images
from ..images import Picture, Pixels
from .libav import pyav
from .types import Colors, Content

# libav's codes of the YCbCr matrices (ITU-T H.273), to the names that libswscale's filter knows.
MATRICES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020"}
UNSPECIFIED, BT709, BT601 = 2, 1, 6
LIMITED, FULL = 1, 2
# Of arrays, by whether there are more than 8 bits and whether there is alpha.
PIXEL_FORMATS = {
    (False, False): "rgb24",
    (True, False): "rgb48le",
    (False, True): "rgba",
    (True, True): "rgba64le",
}
FLAGS = "lanczos+accurate_rnd+full_chroma_int+full_chroma_inp"
# A twentieth of the time where the size stays, for QUICK_FORMATS of even height: colours, which films halve, are
# repeated instead of interpolated, and rounded down. There and back that is 43 dB instead of 50 on a photograph, which
# the strokes of a network hide.
QUICK_FLAGS = "bicubic"
QUICK_FORMATS = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p"})


def colors_of(frame: Any) -> Colors:
    """Return what a decoded frame says of its colours, or what players assume: BT.709 for HD, else BT.601."""
    matrix = int(frame.colorspace)
    if matrix not in MATRICES:
        matrix = BT709 if max(frame.width, frame.height) >= 1280 or min(frame.width, frame.height) > 576 else BT601
    return Colors(matrix, int(getattr(frame, "color_trc", 2)), int(getattr(frame, "color_primaries", 2)))


def has_alpha(pixel_format: Any) -> bool:
    """Return whether a pixel format (PyAV) has an alpha channel."""
    return any(component.is_alpha for component in pixel_format.components)


def is_quick(frame: Any) -> bool:
    """Return whether QUICK_FLAGS make the conversion of such a decoded frame quicker."""
    return frame.format.name in QUICK_FORMATS and frame.height % 2 == 0


class Graph:
    """Build a chain of libav filters, anew when the frames change in size or format."""

    def __init__(self, chain: list[tuple[str, str]], time_base: Fraction) -> None:
        """chain: filters and their arguments."""
        self.chain, self.time_base = chain, time_base
        self._graph: Any = None
        self._built_for: tuple[Any, ...] = ()

    def __call__(self, frame: Any | None) -> Iterator[Any]:
        """Yield what comes out when a frame (None: the end) goes in."""
        if frame is not None:
            kind = (frame.width, frame.height, frame.format.name)
            if kind != self._built_for:
                yield from self._pushed(None)
                self._graph = pyav().filter.Graph()
                self._connect(self._graph, self._source(frame), self._graph.add("buffersink"))
                self._graph.configure()
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

    def _source(self, frame: Any) -> Any:
        base = f"{self.time_base.numerator}/{self.time_base.denominator}"
        form = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={base}"
        return self._graph.add("buffer", f"{form}:pixel_aspect=1/1")

    def _connect(self, graph: Any, source: Any, sink: Any) -> None:
        graph.link_nodes(source, *(graph.add(name, arguments or None) for name, arguments in self.chain), sink)


class PaletteGraph(Graph):
    """Convert RGB frames to GIF's 256 colours, a palette for every frame, at the size of the chain's scale filter."""

    def _connect(self, graph: Any, source: Any, sink: Any) -> None:
        scale, split = graph.add(*self.chain[0]), graph.add("split")
        choose, use = graph.add("palettegen", "stats_mode=single"), graph.add("paletteuse", "new=1:dither=sierra2_4a")
        source.link_to(scale)
        scale.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(choose, 1, 0)
        choose.link_to(use, 0, 1)
        use.link_to(sink)


def decoding_chain(
    width: int, height: int, colors: Colors, full_range: bool, deep: bool, alpha: bool = False, quick: bool = False
) -> list[tuple[str, str]]:
    """Return the filters from a film's own pixels to RGB, or RGB and alpha, of that size. quick: by QUICK_FLAGS."""
    matrix, extent = MATRICES[colors.matrix], "pc" if full_range else "tv"
    flags = QUICK_FLAGS if quick else FLAGS
    scale = f"{width}:{height}:in_color_matrix={matrix}:in_range={extent}:out_range=pc:flags={flags}"
    return [("scale", scale), ("format", PIXEL_FORMATS[deep, alpha])]


def encoding_chain(width: int, height: int, colors: Colors, pixel_format: str) -> list[tuple[str, str]]:
    """Return the filters from RGB to the pixels of an encoder, in limited range."""
    scale = f"{width}:{height}:in_range=pc:out_color_matrix={MATRICES[colors.matrix]}:out_range=tv:flags={FLAGS}"
    return [("scale", scale), ("format", pixel_format)]


def to_frame(content: Content, deep: bool = False, alpha: bool = False) -> Any:
    """Return a libav frame of RGB, or RGB and alpha, of 8 or 16 bits; without alpha transparent pixels are on white."""
    pixels = _pixels(content, alpha) if isinstance(content, Picture) else content
    if alpha and pixels.shape[2] == 3:
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], np.iinfo(pixels.dtype).max, pixels.dtype)])
    at_depth = _sixteen_bit(pixels) if deep else images.eight_bit(pixels)
    return pyav().VideoFrame.from_ndarray(np.ascontiguousarray(at_depth), format=PIXEL_FORMATS[deep, alpha])


def _pixels(picture: Picture, alpha: bool) -> Pixels:
    """(H, W, 3 or 4): with alpha, hidden colours replaced by their neighbours', or as it looks on white."""
    pixels = picture.pixels
    if pixels.shape[2] == 3:
        return pixels
    if alpha:
        return np.dstack([picture.colors, pixels[..., 3]])
    if pixels.dtype == np.uint8:
        return np.asarray(picture.rgb)
    most = np.float32(np.iinfo(pixels.dtype).max)
    share = pixels[..., 3:] / most
    return (pixels[..., :3] * share + most * (1 - share) + np.float32(0.5)).astype(pixels.dtype)


def _sixteen_bit(pixels: Pixels) -> Pixels:
    return pixels if pixels.dtype == np.uint16 else pixels.astype(np.uint16) * np.uint16(257)
