"""Conversion from a film's pixels to RGB, exact and quick."""

from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

pyav = pytest.importorskip("av")

from fast_style.options import VideoOptions  # noqa: E402
from fast_style.video.conversion import MATRICES, Graph, decoding_chain, to_frame  # noqa: E402
from fast_style.video.reading import FilmReader  # noqa: E402
from fast_style.video.types import Colors  # noqa: E402

from .conftest import picture  # noqa: E402


@pytest.mark.parametrize(
    ("matrix", "full", "pixels"), [*product(MATRICES, (False, True), ["yuv420p"]), (1, False, "yuv444p")]
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


def test_films_that_are_encoded_quickly_are_read_quickly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film.mp4"
    with pyav.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p")
        film.mux(stream.encode(to_frame(np.asarray(picture(64, 48)))))
        film.mux(stream.encode(None))
    asked: list[bool] = []

    def noted(*args: object, **named: object) -> object:
        asked.append(bool(args[6]))
        return decoding_chain(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("fast_style.video.reading.decoding_chain", noted)
    for encoding, size in (("quick", None), ("small", None), ("auto", None), ("quick", 24)):
        FilmReader(path, VideoOptions(encoding=encoding), size).close()  # type: ignore[arg-type]
    assert asked == [True, False, False, False]
