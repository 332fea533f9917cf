"""Films of pictures: as long as their sound, painted once, at every strength what a picture would be."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av", reason='films need PyAV: pip install "fast_style[video]"')

from fast_style import FastStyleError, Stylizer, images, stylize_film
from fast_style.options import StylizeOptions, VideoOptions
from fast_style.video.stills import LARGEST_PX, StillReader, StillStylizer, as_still

from .conftest import picture
from .test_video import stylizer

__all__ = ["stylizer"]  # a fixture


@pytest.mark.parametrize(
    ("options", "count", "rate"),
    [
        (VideoOptions(), 75, 25),
        (VideoOptions(fps=10), 30, 10),
        (VideoOptions(start=1, duration=1), 25, 25),
    ],
)
def test_a_picture_is_shown_for_a_time(tmp_path: Path, options: VideoOptions, count: int, rate: int) -> None:
    picture(20, 14).save(tmp_path / "a.png")
    reader = StillReader(tmp_path / "a.png", Fraction(3), options)
    frames = list(reader)
    assert [frame.pts for frame in frames] == list(range(count))
    assert (reader.info.rate, reader.info.frames, reader.info.full_size) == (rate, count, (20, 14))
    assert len({id(frame.content) for frame in frames}) == 1


@pytest.mark.parametrize("deep", [False, True])
def test_strengths_are_those_of_pictures_painted_once(
    stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch, deep: bool
) -> None:
    pixels = np.asarray(picture(40, 30))
    photo = images.Picture.from_pixels(pixels.astype(np.uint16) * 257 if deep else pixels, "PNG")
    still = StillStylizer(stylizer)
    passes: list[int] = []
    engine = stylizer.engine
    monkeypatch.setattr(type(engine), "__call__", _counted(type(engine).__call__, passes))
    for strength in (0, 0.2, 0.7, 1):
        how = StylizeOptions(strength=strength, strokes="fine", noise=0.0, output_size=24)
        found, count = still.apply(photo, how).pixels, len(passes)
        wanted = stylizer.apply(photo, how).pixels
        np.testing.assert_allclose(found.astype(int), wanted.astype(int), atol=771 if deep else 3)
        assert found.dtype == wanted.dtype
        del passes[count:]
    assert len(passes) <= 1
    still.apply(photo, StylizeOptions(style="light", strength=0.5, strokes="fine", noise=0.0))
    assert len(passes) == 2


def test_a_painting_that_was_looked_at_is_a_style_of_films_too(any_style: Path) -> None:
    painted = Stylizer.load(any_style, "cpu", "torch", "fp32").with_style(picture(64, 64), "mine")
    still = StillStylizer(painted)
    assert still.styles == ["mine"]
    how = StylizeOptions(strokes="fine", noise=0.0)
    photo = images.Picture.from_pixels(np.asarray(picture(40, 30)), "PNG")
    np.testing.assert_array_equal(still.apply(photo, how).pixels, painted.apply(photo, how).pixels)


def test_a_model_that_looked_at_no_painting_is_told_plainly(any_style: Path, tmp_path: Path) -> None:
    stylizer = Stylizer.load(any_style, "cpu", "torch", "fp32")
    with pytest.raises(FastStyleError, match=r"say like which: stylizer\.with_style"):
        stylize_film(tmp_path / "a.png", model=stylizer, audio=tmp_path / "a.wav")


def _counted(call, passes):  # type: ignore[no-untyped-def]
    def counted(self, *arguments, **named):  # type: ignore[no-untyped-def]
        passes.append(1)
        return call(self, *arguments, **named)

    return counted


def test_a_large_picture_becomes_a_film_that_plays(tmp_path: Path) -> None:
    Image.new("RGB", (1400, 1200)).save(tmp_path / "large.png")
    Image.new("RGB", (1400, 200)).save(tmp_path / "small.png")
    for name, given, size, output_size in (
        ("large", StylizeOptions(), LARGEST_PX, LARGEST_PX),
        ("large", StylizeOptions(output_size=1150, size=300), 300, 1150),
        ("large", StylizeOptions(output_size=1200), None, None),
        ("small", StylizeOptions(), None, None),
        ("small", StylizeOptions(output_size=400), None, 400),
    ):
        how = as_still(tmp_path / f"{name}.png", given)
        assert (how.size, how.output_size) == (size, output_size)
        assert (how.strokes, how.noise) == ("medium", 1)  # what pictures have
    assert as_still(tmp_path / "small.png", StylizeOptions(strokes="fine", noise=0.0)).strokes == "fine"
