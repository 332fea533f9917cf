"""Sound in and out: any rate and layout, from any time on, in the place of a film's own."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason='films need PyAV: pip install "fast_style[video]"')

from fast_style.errors import FastStyleError
from fast_style.options import AudioOptions, VideoOptions
from fast_style.video import Frame
from fast_style.video.libav import pyav
from fast_style.video.soundtrack import RATE, begin_of, length_of, samples_of
from fast_style.video.sources import open_audible

from .conftest import picture
from .sounds import CLICKS_S, Sound, clicks, noise, save
from .test_video import clip, ffmpeg, needs_ffmpeg, packets

__all__ = ["clip"]  # a fixture


def read(path: Path, start_s: float | None = None, duration_s: float | None = None) -> Sound:
    start = None if start_s is None else Fraction(start_s)
    return np.concatenate(list(samples_of(path, start, duration_s)), 1)


def starts(sound: Sound) -> list[float]:
    """Where clicks begin, in seconds."""
    loud = np.flatnonzero(np.abs(sound[0]) > 0.03)
    return [float(place) / RATE for place in loud[np.diff(loud, prepend=-RATE) > RATE // 5]]


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (8000, 1), (96_000, 2)])
def test_any_rate_and_layout_keeps_its_times(tmp_path: Path, rate: int, channels: int) -> None:
    path = save(tmp_path / "a.wav", clicks(rate=rate)[:channels], rate)
    sound = read(path)
    assert sound.shape == (2, pytest.approx(10 * RATE, abs=50))
    assert sound.dtype == np.float32
    np.testing.assert_allclose(starts(sound), CLICKS_S, atol=0.004)
    assert float(length_of(path)) == pytest.approx(10, abs=0.01)


def test_a_part_begins_and_ends_where_it_is_asked_to(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", clicks())
    part = read(path, 4.5, 3)
    assert part.shape == (2, 3 * RATE)
    np.testing.assert_allclose(starts(part), [1.05, 1.6, 2.53], atol=0.004)
    early = read(path, -1.5, 3)  # as in a film whose sound begins late
    assert not early[:, : RATE // 2].any()
    np.testing.assert_allclose(starts(early), [2.0, 2.63], atol=0.004)
    assert list(samples_of(path, Fraction(20))) == []


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.ogg", "a.flac", "a.mkv", "a.ts", "a.aac"])
def test_compressed_sound_keeps_its_times(tmp_path: Path, name: str) -> None:
    ffmpeg("-i", str(save(tmp_path / "in.wav", clicks())), "-ar", "44100", str(tmp_path / name))
    begin = begin_of(tmp_path / name)
    np.testing.assert_allclose(starts(read(tmp_path / name, float(begin))), CLICKS_S, atol=0.03)
    assert float(length_of(tmp_path / name)) == pytest.approx(10, abs=0.1)


@needs_ffmpeg
def test_a_gap_in_the_sound_is_silence(tmp_path: Path) -> None:
    save(tmp_path / "in.wav", noise(4))
    gap = "asetpts='PTS+if(gt(T,2),1.5/TB,0)'"
    ffmpeg("-i", str(tmp_path / "in.wav"), "-af", gap, "-c:a", "pcm_s16le", str(tmp_path / "gap.mkv"))
    sound = read(tmp_path / "gap.mkv")
    assert sound.shape[1] / RATE == pytest.approx(5.5, abs=0.1)
    assert not sound[:, round(2.2 * RATE) : round(3.4 * RATE)].any()
    assert np.abs(sound[:, round(3.7 * RATE) :]).mean() > 0.02
    later = read(tmp_path / "gap.mkv", 3)  # decoding begins before the gap
    assert np.flatnonzero(np.abs(later[0]) > 0.01)[0] / RATE == pytest.approx(0.5, abs=0.1)


def two_packets(path: Path, apart_s: int) -> Path:
    """A file of two packets of sound."""
    av = pyav()
    with av.open(str(path), "w", "matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        for time_s in (0, apart_s):
            frame = av.AudioFrame.from_ndarray(np.full((1, 800), 9999, np.int16), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 8000, time_s * 8000, Fraction(1, 8000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_few_bytes_do_not_stand_for_any_length(tmp_path: Path) -> None:
    path = two_packets(tmp_path / "long.mka", 1_000_000)
    for use in (length_of, lambda path: sum(piece.shape[1] for piece in samples_of(path))):
        with pytest.raises(FastStyleError, match=r"long.mka: by its time stamps more than an hour of its sound is"):
            use(path)
    assert read(path, 0, 30).shape == (2, 30 * RATE)  # a film says how long it is
    assert float(length_of(two_packets(tmp_path / "late.mka", 1800))) == pytest.approx(1800.1, abs=0.01)


@needs_ffmpeg
def test_damaged_sound_is_passed_over(tmp_path: Path) -> None:
    ffmpeg("-i", str(save(tmp_path / "in.wav", noise(6))), str(tmp_path / "a.mp3"))
    data = bytearray((tmp_path / "a.mp3").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(range(250)) * 8
    (tmp_path / "a.mp3").write_bytes(data)
    sound = read(tmp_path / "a.mp3")
    assert sound.shape[1] / RATE == pytest.approx(6, abs=0.5)
    assert np.isfinite(sound).all()


@needs_ffmpeg
def test_files_without_sound_are_one_plain_line(clip: Path, tmp_path: Path) -> None:
    ffmpeg("-i", str(clip), "-an", "-c", "copy", str(tmp_path / "mute.mp4"))
    picture(8, 8).save(tmp_path / "a.png")
    (tmp_path / "bad.wav").write_bytes(b"nothing" * 99)
    for name, message in (
        ("mute.mp4", "there is no sound in it"),
        ("a.png", "there is no sound in it"),
        ("bad.wav", "cannot be read as sound"),
        ("absent.wav", "no such file"),
    ):
        for call in (lambda path: list(samples_of(path)), length_of, begin_of):
            with pytest.raises(FastStyleError, match=f"{name}: {message}"):
                call(tmp_path / name)


@needs_ffmpeg
@pytest.mark.parametrize(("start", "expected"), [(0.0, CLICKS_S[:2]), (1.0, CLICKS_S[1:2] - 1)])
def test_a_film_gets_the_sound_of_a_file(clip: Path, tmp_path: Path, start: float, expected: Sound) -> None:
    """Its own is left out, the frames stay; a sound that is longer ends with the film."""
    from fast_style.video.sources import open_sink

    song = save(tmp_path / "song.wav", clicks())
    options = VideoOptions(start=start, sound=AudioOptions(audio=song))
    source = open_audible(clip, options, None)
    sink = open_sink(tmp_path / "out.mkv", source.info, options, source.info.full_size)
    count = 0
    for item in source:
        sink.write(item)
        count += isinstance(item, Frame)
    sink.close()
    source.close()
    assert count == 40 - 20 * start
    found = starts(read(tmp_path / "out.mkv"))
    np.testing.assert_allclose(found[: len(expected)], expected, atol=0.01)
    assert float(length_of(tmp_path / "out.mkv")) == pytest.approx(2 - start, abs=0.15)


@needs_ffmpeg
def test_sound_that_a_container_takes_is_copied(clip: Path, tmp_path: Path) -> None:
    from fast_style.video.sources import open_sink

    source = open_audible(clip, VideoOptions(sound=AudioOptions(audio=clip)), None)
    sink = open_sink(tmp_path / "out.mp4", source.info, VideoOptions(), source.info.full_size)
    for item in source:
        sink.write(item)
    sink.close()
    source.close()
    assert packets(tmp_path / "out.mp4") == packets(clip)
