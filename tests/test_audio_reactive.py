"""Films that follow sound: their own, a file's, of a picture, in a pipe; and the curves, kept and used again."""

import io
import logging
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason='films need PyAV: pip install "fast_style[video]"')

import fast_style
from fast_style import FastStyleError, Stylizer
from fast_style.commands import run, stylize
from fast_style.options import AudioOptions, StylizeOptions, VideoOptions
from fast_style.video import stylize_film
from fast_style.video.audio_reactive import with_curves
from fast_style.video.keyframes import Keyframes
from fast_style.video.live import run_live
from fast_style.video.raw import stylize_raw

from .conftest import picture
from .sounds import clicks, noise, save
from .test_soundtrack import read, starts
from .test_video import clip, ffmpeg, frames, needs_ffmpeg, packets, probe, stylizer

__all__ = ["clip", "stylizer"]  # fixtures
pytestmark = needs_ffmpeg
STYLES = ["dark", "light"]
TIMES_S = np.array([0.5, 1.3])


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return save(tmp_path / "song.wav", clicks(TIMES_S, seconds=2))


@pytest.fixture
def sounding(clip: Path, song: Path, tmp_path: Path) -> Path:
    """The clip, 2 s at 20 frames a second, with clicks in the place of its sound, as AAC."""
    path = tmp_path / "sounding.mp4"
    ffmpeg("-i", str(clip), "-i", str(song), "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", str(path))
    return path


def changes(film: Path, source: Path) -> np.ndarray:
    """How far each frame is from the film's own."""
    return np.array([np.abs(a - b).mean() for a, b in zip(frames(film), frames(source), strict=True)])


def test_a_film_follows_its_own_sound(sounding: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    video = VideoOptions(sound=AudioOptions(audio_reactive=True))
    assert stylize_film(stylizer, sounding, tmp_path / "out.mp4", StylizeOptions(style="dark"), video) == 40
    found = changes(tmp_path / "out.mp4", sounding)
    for time in TIMES_S:  # each frame is 50 ms
        nearby = slice(round(time * 20) - 4, round(time * 20) + 5)
        assert abs(int(found[nearby].argmax()) - 4) <= 1
        assert found[nearby].max() > 1.5 * found[nearby].min()
    assert np.abs(np.diff(found)).max() < 0.6 * found.max()
    assert packets(tmp_path / "out.mp4") == packets(sounding)


def test_kept_curves_make_the_same_film(sounding: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    curves, how = tmp_path / "curves.yaml", StylizeOptions(style="dark,light", strength=0.9)
    made = VideoOptions(sound=AudioOptions(audio_reactive=True, curves=curves, audio_floor=0.2))
    stylize_film(stylizer, sounding, tmp_path / "made" / "%03d.png", how, made)
    read_back = VideoOptions(keyframes=(str(curves),))
    stylize_film(stylizer, sounding, tmp_path / "read" / "%03d.png", how, read_back)
    for one in sorted((tmp_path / "made").iterdir()):
        assert one.read_bytes() == (tmp_path / "read" / one.name).read_bytes()
    assert len(list((tmp_path / "read").iterdir())) == 40
    found = Keyframes(read_back.keyframes, how, STYLES)
    assert 0.2 <= min(found.strengths) < 0.3 < 0.7 < max(found.strengths) <= 0.9


def test_a_part_of_a_film_follows_that_part_of_its_sound(sounding: Path) -> None:
    video = VideoOptions(start=1, duration=0.8, sound=AudioOptions(audio_reactive=True))
    steered = with_curves(video, StylizeOptions(), STYLES, sounding)
    keys = Keyframes(steered.keyframes, StylizeOptions(), STYLES)
    times = np.arange(0, 0.8, 0.005)
    strengths = [keys.at(time).strength for time in times]
    assert times[int(np.argmax(strengths))] == pytest.approx(0.3, abs=0.04)
    other = with_curves(
        VideoOptions(start=1, sound=AudioOptions(audio=sounding)), StylizeOptions(), STYLES, sounding
    )  # a file of sound belongs to the film's time
    keys = Keyframes(other.keyframes, StylizeOptions(), STYLES)
    assert times[int(np.argmax([keys.at(time).strength for time in times]))] == pytest.approx(0.3, abs=0.04)


def test_a_picture_and_a_file_of_sound_make_a_film(song: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    picture(48, 32).save(tmp_path / "a.png")
    result = fast_style.stylize_film(tmp_path / "a.png", None, stylizer, audio=song, style="light")
    assert result == tmp_path / "a_dark.mp4"
    (stream,) = probe(result, count=True)
    assert (stream["nb_read_frames"], stream["avg_frame_rate"], stream["width"]) == ("50", "25/1", 48)
    np.testing.assert_allclose(starts(read(result)), TIMES_S, atol=0.02)
    found = [float(frame.mean()) for frame in frames(result)]  # this style is bright
    assert int(np.argmax(found[:22])) == pytest.approx(TIMES_S[0] * 25, abs=1)
    assert 22 + int(np.argmax(found[22:])) == pytest.approx(TIMES_S[1] * 25, abs=1)


def test_a_film_that_is_longer_than_its_sound_goes_on_calmly(clip: Path, tmp_path: Path) -> None:
    short = save(tmp_path / "short.wav", noise(0.5))
    video = with_curves(VideoOptions(sound=AudioOptions(audio=short)), StylizeOptions(), STYLES, clip)
    keys = Keyframes(video.keyframes, StylizeOptions(), STYLES)
    strengths = [keys.at(time).strength for time in np.arange(0, 9, 0.05)]
    assert max(strengths[:10]) > 0.5
    assert max(strengths[40:]) < 0.35


def test_raw_frames_follow_a_file_of_sound(song: Path, stylizer: Stylizer) -> None:
    sink, photo = io.BytesIO(), picture(40, 30)
    video = VideoOptions(fps=20, sound=AudioOptions(audio=song))
    stylize_raw(stylizer, (40, 30), io.BytesIO(photo.tobytes() * 40), sink, StylizeOptions(style="light"), video)
    shown = np.frombuffer(sink.getvalue(), np.uint8).reshape(40, -1).mean(1)
    assert int(shown[:18].argmax()) == pytest.approx(10, abs=1)
    assert 18 + int(shown[18:].argmax()) == pytest.approx(26, abs=1)


def test_what_has_no_sound_is_one_plain_line(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    reactive = VideoOptions(sound=AudioOptions(audio_reactive=True))
    ffmpeg("-i", str(clip), "-an", "-c", "copy", str(tmp_path / "mute.mp4"))
    with pytest.raises(FastStyleError, match=r"mute.mp4: there is no sound in it; name a file of sound with audio"):
        stylize_film(stylizer, tmp_path / "mute.mp4", tmp_path / "out.mp4", video=reactive)
    with pytest.raises(FastStyleError, match=r"mute.mp4: there is no sound in it"):
        fast_style.stylize_film(tmp_path / "mute.mp4", tmp_path / "out.mp4", stylizer, audio_reactive=True)
    added = VideoOptions(sound=AudioOptions(audio=clip))
    with pytest.raises(FastStyleError, match=r"out.gif: animations and numbered pictures hold no sound"):
        stylize_film(stylizer, clip, tmp_path / "out.gif", video=added)
    with pytest.raises(FastStyleError, match="raw frames have no sound"):
        stylize_raw(stylizer, (8, 8), io.BytesIO(), io.BytesIO(), video=reactive)
    with pytest.raises(FastStyleError, match="not for a camera"):
        run_live(stylizer, None, None, video=reactive)  # type: ignore[arg-type]  # never asked
    assert not list(tmp_path.glob("out*"))


def test_silence_is_told(clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    silent = save(tmp_path / "silent.wav", np.zeros((1, 9000), np.float32))
    with caplog.at_level(logging.WARNING):
        video = with_curves(VideoOptions(sound=AudioOptions(audio=silent)), StylizeOptions(), STYLES, clip)
    assert "nothing is heard in it; the strength stays at 0.3" in caplog.text
    assert set(Keyframes(video.keyframes, StylizeOptions(), STYLES).strengths) == {0.3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keyframes": ("0=a",), "sound": AudioOptions(audio_reactive=True)}, "would both steer"),
        ({"sound": AudioOptions(curves=Path("a.yaml"))}, "curves keeps what sound steers"),
        ({"keyframes": ("0=a",), "sound": AudioOptions(audio=Path("a"), curves=Path("b.yaml"))}, "and no keyframes"),
    ],
)
def test_options_that_contradict_each_other(options: dict, message: str) -> None:
    with pytest.raises(FastStyleError, match=message):
        VideoOptions(**options)
    with pytest.raises(FastStyleError, match=r"audio_floor is 2; it takes 0 to 1.5"):
        AudioOptions(audio_floor=2)


def test_the_command_makes_films_of_pictures_with_sound(
    song: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.gif"):
        picture(24, 16).save(name)
    fixed = ["--model", str(tiny), "--device", "cpu", "--audio", "song.wav", "--duration", "0.4"]
    assert run(stylize.main, ["a.jpg", "b.gif", *fixed, "-o", "out"], "stylize.py") == 0
    assert {path.name for path in Path("out").iterdir()} == {"a.mp4", "b.mp4"}
    assert run(stylize.main, ["a.jpg", *fixed, "--curves", "a.yaml"], "stylize.py") == 0
    assert Path("a_tiny.mp4").is_file() and Path("a.yaml").is_file()
    capsys.readouterr()
    for arguments, message in (
        (["a.jpg", "-o", "c.mp4", "--curves", "a.yaml"], "a.yaml exists; use --overwrite, or --keyframes a.yaml"),
        (["a.jpg", "b.gif", "-o", "d", "--curves", "b.yaml"], "--curves is one file, and there are 2 inputs"),
        (["-"], "--audio makes a film of a picture in a file"),
        (["a.jpg", "-o", "e.gif"], "e.gif: animations and numbered pictures hold no sound"),
        (["a.jpg", "-o", "e/%03d.png"], "%03d.png: animations and numbered pictures hold no sound"),
        (["a.jpg", "--format", "webp"], "a_tiny.webp: animations and numbered pictures hold no sound"),
        (["a.jpg", "--curves", "e.mp4"], "--curves is e.mp4; key frames are written as YAML"),
    ):
        assert run(stylize.main, [*arguments, *fixed], "stylize.py") == 1
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1 and message in lines[0]
