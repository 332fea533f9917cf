"""Sixty films over codecs, containers, rates, turns, pixel shapes, ranges, depths and sound, as ffprobe sees them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fast_style import Stylizer
from fast_style.video import stylize_film

from .test_film_formats import MATRICES, with_matrix
from .test_video import PHOTO, ffmpeg, ffprobe, probe, stylizer

__all__ = ["stylizer"]  # a fixture
pytest.importorskip("av", reason='films need PyAV: pip install "fast_style[video]"')
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg, which is absent"),
]

# Extension, encoder, its pixel formats, encoders of sound.
KINDS: list[tuple[str, str, list[str], list[str]]] = [
    ("mp4", "libx264", ["yuv420p", "yuvj420p", "yuv444p", "yuv420p10le"], ["aac", "", "ac3", "libmp3lame", "alac"]),
    ("mov", "prores_ks", ["yuv422p10le"], ["pcm_s16le", "pcm_s24be", "aac"]),
    ("mkv", "libx265", ["yuv420p", "yuv420p10le", "yuv422p"], ["flac", "libopus", "dca", "libvorbis"]),
    ("webm", "libvpx-vp9", ["yuv420p", "yuv444p"], ["libopus", "libvorbis", ""]),
    ("avi", "mpeg4", ["yuv420p"], ["libmp3lame", "pcm_s16le", "adpcm_ms"]),
    ("ts", "libx264", ["yuv420p", "yuv422p"], ["aac", "mp2", "ac3"]),
    ("mpg", "mpeg2video", ["yuv420p"], ["mp2", "ac3"]),
    ("mov", "mjpeg", ["yuvj422p", "yuvj444p"], ["pcm_u8", "adpcm_ima_qt"]),
    ("mkv", "ffv1", ["yuv444p", "gray", "bgr0", "yuv420p12le"], ["pcm_f32le", "eac3"]),
    ("flv", "flv", ["yuv420p"], ["libmp3lame", "aac"]),
    ("wmv", "wmv2", ["yuv420p"], ["wmav2"]),
    ("nut", "libx264", ["yuv420p"], ["libvorbis", "pcm_s16le"]),
]
RATES = ["25", "30000/1001", "24", "50", "24000/1001", "60"]
TURNS, ASPECTS = ["", *MATRICES], ["1", "4/3", "8/9"]
RESULTS = ["mp4", "mkv", "mov", "webm", "avi", "ts"]


def films() -> Iterator[Any]:
    for number in range(60):
        suffix, codec, formats, sounds = KINDS[number % len(KINDS)]
        turn = number // len(KINDS)
        form, sound = formats[turn % len(formats)], sounds[turn % len(sounds)]
        rate = RATES[(number + turn) % len(RATES)]
        rate = "25" if codec in ("mpeg2video", "flv") and rate not in ("24", "25", "50", "60") else rate
        orientation = TURNS[number % len(TURNS)] if suffix in ("mp4", "mov") else ""
        aspect = ASPECTS[(number + turn) % 3] if suffix in ("mp4", "mov", "mkv") and codec != "mjpeg" else "1"
        target = RESULTS[(number + 5 * turn) % len(RESULTS)]
        yield pytest.param(
            suffix, codec, form, sound, rate, orientation, aspect, target, id=f"{number}-{codec}.{suffix}-{target}"
        )


def make(path: Path, codec: str, form: str, sound: str, rate: str, orientation: str, aspect: str) -> None:
    inputs = ["-f", "lavfi", "-i", f"testsrc2=s=96x64:r={rate}:d=1,setsar={aspect}"]
    inputs += ["-f", "lavfi", "-i", "sine=440:r=48000:d=1"] if sound else []
    quiet = ["-x265-params", "log-level=error"] if codec == "libx265" else []
    coding = ["-c:v", codec, "-pix_fmt", form, "-b:v", "2M", *quiet, *(["-c:a", sound, "-ac", "2"] if sound else [])]
    ffmpeg(*inputs, *coding, "-strict", "-2", str(path))
    if orientation:
        with_matrix(path, MATRICES[orientation])


@dataclass
class Shown:
    """What players show of a film: times from the first frame on, the upright middle frame, its shape, the sound."""

    times: list[float]
    middle: np.ndarray
    display_aspect: float
    sound: np.ndarray


def shown(path: Path, sound: bool) -> Shown:
    """One look by ffprobe and one by ffmpeg."""
    found = ffprobe(path, "-select_streams", "v:0", "-show_streams", "-show_frames")
    (stream,) = found["streams"]
    # H.264 in AVI has none for frames that are written in another order: their number counts.
    times = [float(f.get("pts_time", f.get("best_effort_timestamp_time", "nan"))) for f in found["frames"]]
    turned = any(abs(int(data.get("rotation", 0))) in (90, 270) for data in stream.get("side_data_list", []))
    width, height = (stream["height"], stream["width"]) if turned else (stream["width"], stream["height"])
    across, down = map(int, stream.get("sample_aspect_ratio", "1:1").replace("0:1", "1:1").split(":"))
    heard = path.with_suffix(".sound")
    audio = ["-map", "0:a:0", "-f", "s16le", "-ac", "1", "-ar", "48000", str(heard)] if sound else []
    video = ["-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-fps_mode", "passthrough", "-"]
    pixels = np.frombuffer(ffmpeg("-i", str(path), *video, *audio), np.uint8).reshape(-1, height, width, 3)
    return Shown(
        [time - times[0] for time in times],
        pixels[len(pixels) // 2],
        width / height * (down / across if turned else across / down),
        np.frombuffer(heard.read_bytes() if sound else b"", np.int16),
    )


@pytest.mark.parametrize(("suffix", "codec", "form", "sound", "rate", "orientation", "aspect", "target"), list(films()))
def test_a_film_of_any_kind(
    tmp_path: Path,
    stylizer: Stylizer,
    suffix: str,
    codec: str,
    form: str,
    sound: str,
    rate: str,
    orientation: str,
    aspect: str,
    target: str,
) -> None:
    source, result = tmp_path / f"in.{suffix}", tmp_path / f"out.{target}"
    make(source, codec, form, sound, rate, orientation, aspect)
    stylize_film(stylizer, source, result, PHOTO)
    before, after = shown(source, bool(sound)), shown(result, bool(sound))
    assert len(after.times) == len(before.times)
    if target != "avi":
        assert after.times == pytest.approx(before.times, abs=0.0021)  # thousandths of a second on either side
    assert after.display_aspect == pytest.approx(before.display_aspect, rel=0.01)
    if aspect == "1" or target != "webm":
        assert after.middle.shape == before.middle.shape
    height, width = before.middle.shape[:2]
    still = np.asarray(Image.fromarray(after.middle).resize((width, height), Image.Resampling.LANCZOS))
    assert np.abs(still.astype(float) - before.middle).mean() < 8
    if sound:
        for film in (before, after):
            assert np.abs(film.sound.astype(float)).mean() > 300
        assert len(after.sound) / 48000 == pytest.approx(len(before.sound) / 48000, abs=0.1)
    else:
        assert not probe(result, "a")
