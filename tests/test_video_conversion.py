"""Conversion from a film's pixels to RGB, exact and quick."""

from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fast_style import Stylizer
from fast_style.options import StylizeOptions, VideoOptions
from fast_style.video.conversion import MATRICES, Graph, decoding_chain, is_quick, to_frame
from fast_style.video.film import stylize_film
from fast_style.video.reading import FilmReader
from fast_style.video.types import Colors

from .conftest import picture

pyav = pytest.importorskip("av", reason='films need PyAV: pip install "fast_style[video]"')


@pytest.mark.parametrize(
    ("matrix", "full", "pixels"), [*product(MATRICES, (False, True), ["yuv420p"]), (1, False, "yuv422p")]
)
def test_quick_frames_have_the_colours_of_exact_ones(matrix: int, full: bool, pixels: str) -> None:
    """Of every matrix and range, within what repeating halved colours costs."""
    colors, base = Colors(matrix, 2, 2), Fraction(1, 25)
    extent = "pc" if full else "tv"
    there = f"out_color_matrix={MATRICES[matrix]}:out_range={extent}"
    encode = Graph([("scale", f"256:128:in_range=pc:{there}:flags=lanczos"), ("format", pixels)], base)
    frame = to_frame(np.asarray(picture(256, 128)))
    frame.pts = 0
    (film,) = encode(frame)
    read = []
    for quick in (False, True):
        (rgb,) = Graph(decoding_chain(256, 128, colors, full, deep=False, quick=quick), base)(film)
        read.append(rgb.to_ndarray().astype(float))
    error = np.square(read[0] - read[1]).mean()
    # BT.601 in the place of BT.709 gives 31 dB, full range in the place of limited 32.
    assert 10 * np.log10(255**2 / max(error, 1e-9)) > 36
    assert np.abs((read[0] - read[1]).mean((0, 1))).max() < 2  # rounded down


def film_of_one_frame(path: Path) -> Path:
    with pyav.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p")
        film.mux(stream.encode(to_frame(np.asarray(picture(64, 48)))))
        film.mux(stream.encode(None))
    return path


def test_frames_that_keep_their_size_are_converted_quickly_where_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film_of_one_frame(tmp_path / "film.mp4")
    asked: list[object] = []

    def noted(*args: Any) -> Any:
        asked.append(args[6])
        return decoding_chain(*args)

    monkeypatch.setattr("fast_style.video.reading.decoding_chain", noted)
    for size, quick in ((None, True), (None, False), (24, True)):
        FilmReader(path, VideoOptions(), size, quick).close()
    assert asked == [True, False, False]


@pytest.mark.parametrize(("pixels", "height"), [("nv12", 48), ("yuv444p", 48), ("yuv420p10le", 48), ("yuv420p", 47)])
def test_formats_that_it_does_not_help_are_converted_exactly(pixels: str, height: int) -> None:
    assert not is_quick(pyav.VideoFrame(64, height, pixels))
    assert is_quick(pyav.VideoFrame(64, 48, "yuv420p"))


def test_frames_that_one_sees_are_converted_exactly(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Painted in part, or in their own colours; others quickly, where they are encoded so."""
    path, stylizer = film_of_one_frame(tmp_path / "film.mp4"), Stylizer.load(tiny, device="cpu")
    asked: list[object] = []

    def noted(*args: Any) -> FilmReader:
        asked.append(args[3])
        return FilmReader(*args)

    monkeypatch.setattr("fast_style.video.sources.FilmReader", noted)
    ways = [StylizeOptions(), StylizeOptions(strength=0.5), StylizeOptions(preserve_color="luminance")]
    for video in (VideoOptions(encoding="quick"), VideoOptions(encoding="small")):
        for how in ways:
            stylize_film(stylizer, path, tmp_path / f"{len(asked)}.mp4", how, video)
    assert asked == [True, False, False, False, False, False]
