"""Films of every kind: what is in the source is in the result, as ffmpeg and ffprobe see it."""

import json
import logging
import shutil
import subprocess
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fast_style import FastStyleError, Stylizer, images
from fast_style.images import Picture
from fast_style.options import StylizeOptions, VideoOptions
from fast_style.video import Frame, open_source, partial_path, sources, stylize_film
from fast_style.video.containers import CONTAINERS, container_of
from fast_style.video.sequences import numbered

from .conftest import picture
from .test_video import PHOTO, ffmpeg, frames, probe, stylizer, times

__all__ = ["stylizer"]  # a fixture
pytest.importorskip("av", reason='films need PyAV: pip install "fast_style[video]"')
pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg, which is absent")

# Matrices as cameras and editors write them: a b u, c d v, x y w, in 16.16 and (u, v, w) 2.30.
ONE = 1 << 16
MATRICES = {
    "horizontal flip": (-ONE, 0, 0, ONE),
    "vertical flip": (ONE, 0, 0, -ONE),
    "half turn": (-ONE, 0, 0, -ONE),
    "quarter turn": (0, ONE, -ONE, 0),
    "three quarters": (0, -ONE, ONE, 0),
    "transpose": (0, ONE, ONE, 0),
    "transverse": (0, -ONE, -ONE, 0),
}


def film(path: Path, *more: str, size: str = "64x48", rate: int = 25, seconds: float = 0.4) -> Path:
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}", "-pix_fmt", "yuv420p", *more, str(path))
    return path


def with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write a display matrix into the header of the film's track (tkhd), which ffmpeg 5 cannot do for mirrors."""
    data = bytearray(path.read_bytes())
    a, b, c, d = matrix
    start = data.index(b"tkhd") + 4 + 40
    values = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    data[start : start + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(data)


def rgb(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """The first frame as a player shows it, (H, W, 3)."""
    raw = ffmpeg("-i", str(path), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    return np.frombuffer(raw, np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize("name", MATRICES)
def test_display_matrices_are_applied_as_players_do(tmp_path: Path, name: str) -> None:
    source = film(tmp_path / "in.mp4")
    with_matrix(source, MATRICES[name])
    reader = open_source(source)
    first = next(item for item in reader if isinstance(item, Frame)).image[0].transpose(1, 2, 0)
    reader.close()
    height, width = first.shape[:2]
    assert (width < height) == (MATRICES[name][0] == 0)
    players = rgb(source, width, height) / 255
    assert np.abs(first - players).mean() < 0.05
    for other in (first[::-1], first[:, ::-1], first[::-1, ::-1]):
        assert np.abs(other - players).mean() > 0.15


def test_the_last_frame_stays_where_a_b_frame_is_written_after_it(tmp_path: Path, stylizer: Stylizer) -> None:
    """Three frames in every eleven: the last fragment has B-frames alone."""
    uneven = ("-vf", r"select='lt(mod(n\,11)\,3)'", "-fps_mode", "vfr", "-frames:v", "30")
    source = film(tmp_path / "in.mkv", *uneven, seconds=5)
    for suffix in (".mp4", ".mov"):
        target = tmp_path / f"out{suffix}"
        stylize_film(stylizer, source, target, PHOTO)
        assert times(target) == pytest.approx(times(source), abs=0.001)
        assert len(times(target)) == 30


def test_joined_recordings_go_on(tmp_path: Path, stylizer: Stylizer) -> None:
    """Two pieces whose times both begin at 1.4 s, with sound that is a little longer than the picture."""
    sound = ("-f", "lavfi", "-i", "sine=440:d=1.03", "-c:a", "aac")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", *sound, "-pix_fmt", "yuv420p", str(tmp_path / "a.ts"))
    (tmp_path / "in.ts").write_bytes((tmp_path / "a.ts").read_bytes() * 2)
    for name, codec in (("out.mp4", "aac"), ("out.ts", "aac"), ("out.webm", "opus")):
        stylize_film(stylizer, tmp_path / "in.ts", tmp_path / name, PHOTO)
        found = times(tmp_path / name)
        assert len(found) == 50
        assert np.diff(found).max() < 0.13  # where the pieces meet a frame may wait for the encoder's first
        assert np.diff(found).min() > 0
        (stream,) = probe(tmp_path / name, "a")
        packets = [float(packet["pts_time"]) for packet in probe(tmp_path / name, "a", "packet")]
        assert stream["codec_name"] == codec
        assert packets[-1] - packets[0] == pytest.approx(2, abs=0.15)
        assert np.diff(packets).min() > 0


SOUND: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "pcm_s16le": ("mov", {"mp4": ("pcm_s16le", "aac"), "ts": ("mp2",), "webm": ("opus",), "avi": ("pcm_s16le",)}),
    "flac": ("mkv", {"mp4": ("flac", "aac"), "mov": ("aac",), "avi": ("flac", "mp3"), "ts": ("mp2",)}),
    "libopus": ("mkv", {"mp4": ("opus",), "mov": ("aac",), "avi": ("mp3", "opus"), "webm": ("opus",)}),
    "truehd": ("mkv", {"mp4": ("aac", "truehd"), "mov": ("aac",), "avi": ("mp3",)}),
    "adpcm_ima_wav": ("avi", {"mp4": ("aac",), "mkv": ("adpcm_ima_wav", "ac3"), "mov": ("adpcm_ima_wav", "aac")}),
    "ac3": ("mkv", {"mp4": ("ac3",), "ts": ("ac3",)}),
}


@pytest.mark.parametrize("codec", SOUND)
def test_sound_is_copied_or_encoded_anew_as_the_muxer_has_it(tmp_path: Path, stylizer: Stylizer, codec: str) -> None:
    """Whichever it is, it plays, for as long as the source's."""
    suffix, targets = SOUND[codec]
    sound = ("-f", "lavfi", "-i", "sine=440:d=1:r=48000", "-strict", "-2", "-c:a", codec)
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=1", *sound, "-pix_fmt", "yuv420p", f"{tmp_path}/in.{suffix}")
    for target, expected in targets.items():
        out = tmp_path / f"out.{target}"
        stylize_film(stylizer, tmp_path / f"in.{suffix}", out, PHOTO)
        (stream,) = probe(out, "a")
        assert stream["codec_name"] in expected, target
        samples = np.frombuffer(ffmpeg("-i", str(out), "-f", "s16le", "-ac", "1", "-ar", "48000", "-"), np.int16)
        assert len(samples) / 48000 == pytest.approx(1, abs=0.1), target
        assert np.abs(samples.astype(float)).mean() > 500, target


def test_surround_stays_surround_where_the_encoder_has_it(tmp_path: Path, stylizer: Stylizer) -> None:
    sound = ("-f", "lavfi", "-i", "anoisesrc=d=0.5,aformat=channel_layouts=5.1", "-c:a", "flac")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=0.5", *sound, "-pix_fmt", "yuv420p", str(tmp_path / "in.mkv"))
    for name, channels in (("out.mov", 6), ("out.avi", 2)):  # AAC, MP3
        stylize_film(stylizer, tmp_path / "in.mkv", tmp_path / name, PHOTO)
        assert probe(tmp_path / name, "a")[0]["channels"] in (channels, 6)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_chapters_dispositions_languages_and_cover_art_stay(tmp_path: Path, stylizer: Stylizer, suffix: str) -> None:
    picture(32, 32).save(tmp_path / "cover.png")
    (tmp_path / "chapters.txt").write_text(
        ";FFMETADATA1\n" + "".join(f"[CHAPTER]\nTIMEBASE=1/10\nSTART={s}\nEND={s + 10}\ntitle=C{s}\n" for s in (0, 10))
    )
    inputs: tuple[str, ...] = (
        "-f",
        "lavfi",
        "-i",
        "sine=300:d=2",
        "-f",
        "lavfi",
        "-i",
        "sine=500:d=2",
        "-i",
        f"{tmp_path}/chapters.txt",
    )
    tracks = ("-map", "0:v", "-map", "1:a", "-map", "2:a", "-map_metadata", "3", "-c:a", "aac")
    kinds = ("-disposition:a:0", "0", "-disposition:a:1", "default")
    named = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu")
    source, target = (tmp_path / f"{name}.{suffix}" for name in ("in", "out"))
    video = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=2")
    cover: tuple[str, ...] = (
        "-attach",
        f"{tmp_path}/cover.png",
        "-metadata:s:t",
        "mimetype=image/png",
        "-metadata:s:t",
        "filename=c.png",
    )
    if suffix != "mkv":
        inputs = (*inputs, "-i", f"{tmp_path}/cover.png")
        cover = ("-map", "4:v", "-c:v:1", "png", "-disposition:v:1", "attached_pic")
    ffmpeg(*video, *inputs, *tracks, *cover, *kinds, *named, "-pix_fmt:v:0", "yuv420p", str(source))
    stylize_film(stylizer, source, target, PHOTO)
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_chapters", "-show_streams", str(target)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    chapters = [(float(c["start_time"]), float(c["end_time"]), c["tags"]["title"]) for c in found["chapters"]]
    assert chapters == [(0, 1, "C0"), (1, 2, "C10")]
    sounds = [stream for stream in found["streams"] if stream["codec_type"] == "audio"]
    assert [stream["disposition"]["default"] for stream in sounds] == [0, 1]
    languages = [stream.get("tags", {}).get("language") for stream in probe(source, "a")]  # QuickTime knows few
    assert [stream.get("tags", {}).get("language") for stream in sounds] == languages
    assert suffix == "mov" or languages == ["eng", "deu"]
    covers = [stream for stream in found["streams"] if stream["disposition"]["attached_pic"]]
    # QuickTime's own files have no place for it.
    assert [(stream["codec_name"], stream["width"]) for stream in covers] == [("png", 32)] * (suffix != "mov")
    assert len(frames(target)) == 20


def test_chapters_of_a_part_begin_with_it(tmp_path: Path, stylizer: Stylizer) -> None:
    (tmp_path / "c.txt").write_text(
        ";FFMETADATA1\n" + "".join(f"[CHAPTER]\nTIMEBASE=1/1\nSTART={s}\nEND={s + 1}\n" for s in range(4))
    )
    source = tmp_path / "in.mkv"
    video = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=4")
    ffmpeg(*video, "-i", f"{tmp_path}/c.txt", "-map_metadata", "1", "-pix_fmt", "yuv420p", str(source))
    stylize_film(stylizer, source, tmp_path / "out.mkv", PHOTO, VideoOptions(start=1.5, duration=1))
    found = probe(tmp_path / "out.mkv", entries="chapter")
    assert [(float(c["start_time"]), float(c["end_time"])) for c in found] == [(0, 0.5), (0.5, 1)]


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1"])
def test_hdr10_metadata_is_in_the_result(tmp_path: Path, stylizer: Stylizer, codec: str) -> None:
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    colors = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    hdr = f"log-level=error:hdr10=1:master-display={display}:max-cll=1000,400"
    source = film(tmp_path / "in.mp4", "-c:v", "libx265", *colors, "-x265-params", hdr, "-pix_fmt", "yuv420p10le")
    stylize_film(stylizer, source, tmp_path / "out.mp4", PHOTO, VideoOptions(codec=codec, duration=0.2))
    for path in (source, tmp_path / "out.mp4"):
        reader = open_source(path)
        reader.close()
        assert reader.info.hdr.light_level == (1000, 400)
        expected = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329, 0.0001, 1000)
        assert reader.info.hdr.mastering == pytest.approx(expected, abs=2e-4)
    frame = probe(tmp_path / "out.mp4", entries="frame")[0]
    assert frame["color_transfer"] == "smpte2084"
    if codec == "libx265":  # old ffprobes look for it nowhere else
        kinds = {entry["side_data_type"] for entry in frame["side_data_list"]}
        assert kinds >= {"Content light level metadata", "Mastering display metadata"}


def test_hdr_in_webm_is_av1_of_ten_bits_with_its_metadata(tmp_path: Path, stylizer: Stylizer) -> None:
    """libvpx, as PyAV has it, writes 8 bits and no HDR10 metadata."""
    hdr = "log-level=error:hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    colors = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    source = film(tmp_path / "in.mkv", "-c:v", "libx265", *colors, "-x265-params", hdr, "-pix_fmt", "yuv420p10le")
    stylize_film(stylizer, source, tmp_path / "out.webm", PHOTO, VideoOptions(duration=0.2))
    readers = [open_source(path) for path in (source, tmp_path / "out.webm")]
    for reader in readers:
        reader.close()
    assert readers[0].info.hdr.mastering == pytest.approx(readers[1].info.hdr.mastering, abs=2e-4)
    (stream,) = probe(tmp_path / "out.webm")
    assert (stream["codec_name"], stream["pix_fmt"], stream["color_transfer"]) == ("av1", "yuv420p10le", "smpte2084")


@pytest.mark.parametrize(
    ("aspect", "target", "codec", "kept"),
    [
        ("16/11", "out.mkv", None, True),
        ("16/11", "out.avi", None, True),
        ("16/11", "out.webm", None, False),
        ("8/9", "out.webm", None, False),
        ("4/3", "out.mkv", "libvpx-vp9", False),
        ("4/3", "out.gif", None, False),
        ("4/3", "out.webp", None, False),
    ],
)
def test_pixels_that_are_not_square_keep_their_shape_or_become_square(
    tmp_path: Path, stylizer: Stylizer, aspect: str, target: str, codec: str | None, kept: bool
) -> None:
    source, ratio = film(tmp_path / "in.mp4", "-vf", f"setsar={aspect}"), Fraction(aspect)
    stylize_film(stylizer, source, tmp_path / target, PHOTO, VideoOptions(codec))
    reader = open_source(tmp_path / target)
    first = next(item for item in reader if isinstance(item, Frame))
    reader.close()
    shape = reader.info.pixel_aspect
    assert shape == (ratio if kept else 1)
    height, width = first.image.shape[2:]
    assert width * shape / height == pytest.approx(ratio * 64 / 48, rel=0.02)
    assert width >= 64
    assert height >= 48


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_hevc_has_the_tag_that_apple_plays(tmp_path: Path, stylizer: Stylizer, suffix: str) -> None:
    stylize_film(stylizer, film(tmp_path / "in.mp4"), tmp_path / f"out{suffix}", PHOTO, VideoOptions("libx265"))
    assert probe(tmp_path / f"out{suffix}")[0]["codec_tag_string"] == "hvc1"


def cut_out(path: Path, *coding: str) -> Path:
    """A film of a red square, half transparent at its lower half, on transparent green."""
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[..., 1] = 127
    pixels[8:40, 16:48] = (200, 0, 0, 255)
    pixels[24:40, 16:48, 3] = 128
    shots = [pixels.copy() for _ in range(3)]
    for number, shot in enumerate(shots):
        shot[9:12, 20 + number] = (0, 0, 200, 255)
    (path.parent / "raw").write_bytes(b"".join(shot.tobytes() for shot in shots))
    form = ("-f", "rawvideo", "-pix_fmt", "rgba", "-s", "64x48", "-r", "25", "-i", str(path.parent / "raw"))
    ffmpeg(*form, *coding, str(path))
    return path


ALPHA = {
    "qtrle.mov": ("-c:v", "qtrle"),
    "prores.mov": ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-crf", "10", "-b:v", "0"),
    "png.mkv": ("-c:v", "png"),
}


@pytest.mark.parametrize("target", ["out.mov", "out.webm", "out.mkv", "out.avi", "out.webp", "out%02d.png"])
@pytest.mark.parametrize("name", ALPHA)
def test_alpha_is_kept_where_the_container_can(
    tmp_path: Path, stylizer: Stylizer, name: str, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = cut_out(tmp_path / name, *ALPHA[name])
    stylize_film(stylizer, source, tmp_path / target, PHOTO)
    reader = open_source(tmp_path / target)
    assert reader.info.alpha
    items = [item.content for item in reader if isinstance(item, Frame)]
    reader.close()
    assert len(items) == 3
    found = images.eight_bit(items[1].pixels).astype(int)  # type: ignore[union-attr]
    for row, alpha in ((14, 255), (34, 128), (2, 0)):
        assert found[row, 32, 3] == pytest.approx(alpha, abs=4)
    for row in (14, 34):  # straight: no white in it, no green
        assert np.abs(found[row, 32, :3] - (200, 0, 0)).max() <= 24
    assert found[2, 2, 1] < 60  # hidden green does not come back
    assert not caplog.records


@pytest.mark.parametrize("target", ["out.webm", "out.mkv"])
def test_hidden_colours_do_not_show_where_a_player_ignores_alpha(
    tmp_path: Path, stylizer: Stylizer, target: str
) -> None:
    """ffmpeg's own decoder of VP9 leaves alpha out: the hidden green is replaced by the red that it lies beside."""
    stylize_film(stylizer, cut_out(tmp_path / "in.mov", *ALPHA["qtrle.mov"]), tmp_path / target, PHOTO)
    shown = rgb(tmp_path / target, 64, 48).astype(int)
    for row, column in ((2, 2), (24, 2), (45, 60)):
        assert shown[row, column, 1] < 60
        assert shown[row, column, 0] > 60


@pytest.mark.parametrize("target", ["out.mp4", "out.ts"])
def test_alpha_that_cannot_be_kept_is_on_white_and_said(
    tmp_path: Path, stylizer: Stylizer, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = cut_out(tmp_path / "in.mov", *ALPHA["qtrle.mov"])
    with caplog.at_level(logging.WARNING):
        stylize_film(stylizer, source, tmp_path / target, PHOTO, VideoOptions(crf=4))
    assert "transparent pixels are put on white" in caplog.text
    shown = rgb(tmp_path / target, 64, 48).astype(int)
    for row, column, color in ((2, 2, (255, 255, 255)), (14, 32, (200, 0, 0)), (34, 32, (227, 127, 127))):
        assert np.abs(shown[row, column] - color).max() < 12, (row, column)


def test_styled_alpha_has_no_halo(tmp_path: Path, stylizer: Stylizer) -> None:
    """What is painted of a cut-out is what is painted of its picture."""
    source = cut_out(tmp_path / "in.mov", *ALPHA["qtrle.mov"])
    stylize_film(stylizer, source, tmp_path / "film%d.png", StylizeOptions(size=24))
    pixels = np.frombuffer((tmp_path / "raw").read_bytes(), np.uint8).reshape(3, 48, 64, 4)[0]
    frame = StylizeOptions(size=24, strokes="fine", noise=0)
    alone = stylizer.apply(images.Picture.from_pixels(pixels, "PNG"), frame)
    found = np.asarray(Image.open(tmp_path / "film1.png"))
    np.testing.assert_array_equal(found, alone.pixels)


def test_numbered_pictures_are_pictures(tmp_path: Path, stylizer: Stylizer) -> None:
    """Alpha, 16 bit, profile, EXIF and numbers: a shot that begins at 1001."""
    pytest.importorskip("imagecodecs", reason='16 bit needs: pip install "fast_style[formats]"')
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x013B] = "somebody"
    for number in (1001, 1002, 1004):
        deep = rng.integers(0, 65536, (20, 30, 4), np.uint16)
        deep[..., 3] |= 1  # nothing is hidden
        given = images.Picture.from_pixels(deep, "PNG", b"a profile")
        images.write(given, tmp_path / f"in.{number}.png")
        eight = Image.fromarray(images.eight_bit(deep))
        eight.save(tmp_path / f"e{number}.png", exif=exif, icc_profile=b"a profile")
    stylize_film(stylizer, tmp_path / "in.%04d.png", tmp_path / "out/o.%04d.png", PHOTO, VideoOptions(start=0.03))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["o.1002.png", "o.1004.png"]
    for number in (1002, 1004):
        before, after = (images.read(tmp_path / name) for name in (f"in.{number}.png", f"out/o.{number}.png"))
        assert after.deep is not None
        np.testing.assert_array_equal(before.pixels, after.pixels)
        assert after.icc_profile == b"a profile"
    stylize_film(stylizer, tmp_path / "e%d.png", tmp_path / "x%d.png", PHOTO)
    with Image.open(tmp_path / "x1001.png") as image:
        assert (image.mode, image.info["icc_profile"], image.getexif()[0x013B]) == ("RGBA", b"a profile", "somebody")


def test_a_fade_to_black_of_sixteen_bit_does_not_flash(tmp_path: Path, stylizer: Stylizer) -> None:
    """The darkest frames, none of whose values is above 255, are as dark as they are: depth is told by the format."""
    levels = (40000, 3000, 250, 20, 0)
    for number, level in enumerate(levels):
        Image.fromarray(np.full((20, 30), level, np.uint16)).save(tmp_path / f"in{number}.png")
    stylize_film(stylizer, tmp_path / "in%d.png", tmp_path / "out%d.png", PHOTO)
    stylize_film(stylizer, tmp_path / "in%d.png", tmp_path / "out.mkv", PHOTO, VideoOptions("ffv1"))
    reader = open_source(tmp_path / "out.mkv")
    shots = [item.image for item in reader if isinstance(item, Frame)]
    reader.close()
    for number, level in enumerate(levels):
        picture = images.read(tmp_path / f"out{number}.png")
        assert np.abs(np.asarray(picture.image, float) * 257 - level).max() <= 129
        assert np.abs(shots[number] - level / 65535).max() < 0.01


def test_a_width_is_the_least(tmp_path: Path) -> None:
    for name in ("a01.png", "a99.png", "a100.png", "a001.png", "b7.png", "b1001.png", "b0008.png"):
        (tmp_path / name).touch()
    assert [number for number, _ in numbered(tmp_path / "a%02d.png")] == [1, 99, 100]
    assert [number for number, _ in numbered(tmp_path / "b%d.png")] == [7, 8, 1001]


def test_a_file_with_a_percent_sign_is_that_file(tmp_path: Path, stylizer: Stylizer) -> None:
    source = film(tmp_path / "100%done at 20:15 %d.mp4")
    assert sources.is_film(source)
    assert stylize_film(stylizer, source, tmp_path / "o:%20d.mp4", PHOTO) == 10
    assert (tmp_path / "o:%20d.mp4").is_file()


def test_long_names_are_written(tmp_path: Path, stylizer: Stylizer) -> None:
    target = tmp_path / ("日" * 83 + "xx.mp4")
    assert len(target.name.encode()) == 255
    partial = partial_path(target)
    assert len(partial.name.encode()) <= 255
    assert partial != partial_path(target.with_stem(target.stem[:-1] + "y"))  # two of an album do not share one
    stylize_film(stylizer, film(tmp_path / "in.mp4"), target, PHOTO)
    assert target.is_file()


def animation(path: Path, count: int = 3, size: tuple[int, int] = (32, 24), **options: Any) -> Path:
    shots = [picture(*size, seed) for seed in range(count)]
    shots[0].save(path, save_all=True, append_images=shots[1:], **options)
    return path


def durations(path: Path) -> list[int]:
    with Image.open(path) as image:
        found = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            image.load()
            found.append(round(image.info["duration"]))
        return found


@pytest.mark.parametrize("target", ["gif", "webp", "avif"])
@pytest.mark.parametrize("source", ["gif", "webp", "png", "avif"])
def test_loops_and_durations_are_kept(tmp_path: Path, stylizer: Stylizer, source: str, target: str) -> None:
    given = animation(tmp_path / f"in.{source}", duration=[100, 200, 700], loop=2)
    assert stylize_film(stylizer, given, tmp_path / f"out.{target}", PHOTO) == 3
    assert durations(tmp_path / f"out.{target}") == [100, 200, 700]
    if "avif" not in (source, target):  # Pillow does not tell
        plays = {"gif": 3, "webp": 2, "png": 2}[source]  # a GIF says how often it is repeated
        with Image.open(tmp_path / f"out.{target}") as image:
            assert image.info["loop"] == (plays - 1 if target == "gif" else plays)


@pytest.mark.parametrize("source", ["gif", "webp", "png", "avif"])
def test_a_frame_stays_what_it_is_when_the_next_one_is_decoded(tmp_path: Path, source: str) -> None:
    given = animation(tmp_path / f"in.{source}", duration=100)
    kept = [frame.content for frame in sources.open_source(given) if isinstance(frame, Frame)]
    fresh = [
        np.asarray(frame.content.rgb, int)
        for frame in sources.open_source(given)
        if isinstance(frame, Frame) and isinstance(frame.content, Picture)
    ]
    for one, pixels in zip(kept, fresh, strict=True):
        assert isinstance(one, Picture)
        np.testing.assert_array_equal(np.asarray(one.rgb, int), pixels)


def test_an_animation_that_plays_once_plays_once(tmp_path: Path, stylizer: Stylizer) -> None:
    stylize_film(stylizer, animation(tmp_path / "in.gif", duration=100), tmp_path / "out.gif", PHOTO)
    stylize_film(stylizer, animation(tmp_path / "for_ever.gif", duration=100, loop=0), tmp_path / "o.webp", PHOTO)
    with Image.open(tmp_path / "out.gif") as once, Image.open(tmp_path / "o.webp") as ever:
        assert "loop" not in once.info
        assert ever.info["loop"] == 0


def test_a_hidden_default_image_is_no_frame(tmp_path: Path, stylizer: Stylizer) -> None:
    given = animation(tmp_path / "in.png", 4, default_image=True, duration=100)
    assert stylize_film(stylizer, given, tmp_path / "out%d.png", PHOTO) == 3
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out1.png")), np.asarray(picture(32, 24, 1)))
    still = tmp_path / "still.png"
    animation(still, 2, default_image=True, duration=100)
    assert not sources.is_film(still)


@pytest.mark.parametrize("height", [32, 720])
def test_colours_of_an_animated_webp_are_right_at_any_size(tmp_path: Path, stylizer: Stylizer, height: int) -> None:
    color = (230, 30, 60)
    shots = [
        Image.new("RGB", (height * 16 // 9, height), color),
        Image.new("RGB", (height * 16 // 9, height), (9, 9, 9)),
    ]
    shots[0].save(tmp_path / "in.png", save_all=True, append_images=shots[1:], duration=100)
    stylize_film(stylizer, tmp_path / "in.png", tmp_path / "out.webp", PHOTO)
    found = frames(tmp_path / "out.webp")[0][0].mean((1, 2)) * 255
    assert np.abs(found - color).max() < 4


def test_transparency_of_animations_is_kept(tmp_path: Path, stylizer: Stylizer) -> None:
    shots = []
    for place in (0, 8):
        shot = Image.new("RGBA", (24, 16), (0, 127, 0, 0))
        shot.paste((200, 0, 0, 255), (place, 4, place + 8, 12))
        shots.append(shot)
    for source in ("in.webp", "in.png", "in.gif"):
        shots[0].save(
            tmp_path / source, save_all=True, append_images=shots[1:], duration=100, lossless=True, disposal=2
        )
        for target in ("out.webp", "out.gif", "out.mov"):
            stylize_film(stylizer, tmp_path / source, tmp_path / target, PHOTO)
            reader = open_source(tmp_path / target)
            found = [item.content.pixels for item in reader if isinstance(item, Frame)]  # type: ignore[union-attr]
            reader.close()
            for pixels, place in zip(found, (0, 8), strict=True):
                alpha = images.eight_bit(pixels)[..., 3]
                assert alpha[8, place + 4] > 250, (source, target)
                assert alpha[8, 20] < 5, (source, target)
                assert alpha[8, (place + 12) % 16] < 5, (source, target)


@pytest.mark.parametrize(
    "options",
    [
        StylizeOptions(size=24, strength=0),
        StylizeOptions(size=24, strength=0.5),
        StylizeOptions(size=24, preserve_color="luminance"),
        StylizeOptions(size=24, mask=("mask.png",), feather=0),
        StylizeOptions(size=24, strength=0.5, output_size=60),
    ],
)
def test_a_working_size_is_what_it_is_on_pictures(
    tmp_path: Path, stylizer: Stylizer, options: StylizeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mask = Image.new("L", (64, 48))
    mask.paste(255, (32, 0, 64, 48))
    mask.save("mask.png")
    shot = picture(64, 48, 3)
    shot.save("in.png")
    ffmpeg("-i", "in.png", "-c:v", "ffv1", "-pix_fmt", "bgr0", "in.mkv")
    stylize_film(stylizer, Path("in.mkv"), Path("out%d.png"), options)
    expected = np.asarray(stylizer.stylize(shot, options), int)
    assert np.abs(np.asarray(Image.open("out1.png"), int) - expected).max() <= 1


@pytest.mark.parametrize(
    "options",
    [
        StylizeOptions(strokes="bold", noise=0),
        StylizeOptions(strokes="medium", noise=0, size=256),
        StylizeOptions(strokes="medium", noise=0, size=250, strength=0.5),
        StylizeOptions(strokes="bold", noise=0, output_size=100),
    ],
)
def test_strokes_that_are_asked_for_are_those_of_pictures(
    tmp_path: Path, stylizer: Stylizer, options: StylizeOptions
) -> None:
    shot, source = picture(300, 256, 3), tmp_path / "in.mkv"
    shot.save(tmp_path / "in.png")
    ffmpeg("-i", str(tmp_path / "in.png"), "-c:v", "ffv1", "-pix_fmt", "bgr0", str(source))
    stylize_film(stylizer, source, tmp_path / "out%d.png", options)
    expected, fine = (stylizer.stylize(shot, options, strokes=strokes) for strokes in (options.strokes, "fine"))
    found = np.asarray(Image.open(tmp_path / "out1.png"), int)
    assert np.abs(found - np.asarray(expected, int)).max() <= 1
    assert np.abs(found - np.asarray(fine, int)).max() > 1


def test_each_container_stands_once_in_the_table() -> None:
    suffixes = [suffix for container in CONTAINERS for suffix in container.suffixes]
    assert len(suffixes) == len(set(suffixes))
    row = container_of(Path("A.MKV"))
    assert row and row.alpha_encoder == "libvpx-vp9"


def test_damaged_animations_are_one_plain_line(tmp_path: Path) -> None:
    path = animation(tmp_path / "in.png", 3, duration=100)
    data = bytearray(path.read_bytes())
    place = data.rfind(b"fcTL")
    data[place + 4 : place + 8] = b"\0\0\0\x63"  # Pillow raises SyntaxError for the numbers of frames
    data[place + 30 : place + 34] = zlib.crc32(data[place : place + 30]).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(FastStyleError, match="not a readable picture") as raised:
        list(open_source(path))
    assert "\n" not in str(raised.value)


def test_memory_for_an_animation_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fast_style.images.limits.MOST_PX", 700)
    with pytest.raises(FastStyleError, match="32x24 has more pixels than the limit"):
        open_source(animation(tmp_path / "in.gif", 3, duration=100))
