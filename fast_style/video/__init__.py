"""Stylize films: streams of frames in, streams of stylized frames out, with their sound and their times."""

from .film import FilmProgress, stylize_film
from .sources import is_film, is_film_name, open_sink, open_source
from .temporal import FlowFilter
from .types import ClipInfo, Frame
from .writing import partial_path

__all__ = [
    "ClipInfo",
    "FilmProgress",
    "FlowFilter",
    "Frame",
    "is_film",
    "is_film_name",
    "open_sink",
    "open_source",
    "partial_path",
    "stylize_film",
]
