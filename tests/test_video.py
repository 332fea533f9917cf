"""Films in and out, checked with ffprobe and ffmpeg on short cuts."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from fast_style import Stylizer
from fast_style.models.checkpoint import Checkpoint
from fast_style.models.johnson import TransformerNetwork
from fast_style.options import NetworkOptions, StylizeOptions, VideoOptions
from fast_style.video import FilmProgress, Frame, open_source, partial_path, stylize_film
from fast_style.video.keyframes import Keyframes

from .conftest import picture

pytest.importorskip("av", reason='films need PyAV: pip install "fast_style[video]"')
pytest.importorskip("cv2", reason='flow needs OpenCV: pip install "fast_style[video]"')
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg, which is absent")
PROJECT = Path(__file__).parents[1]
pytestmark = needs_ffmpeg
PHOTO = StylizeOptions(strength=0)


@pytest.fixture(scope="module")
def stylizer(tmp_path_factory: pytest.TempPathFactory) -> Stylizer:
    return Stylizer.load(two_styles(tmp_path_factory.mktemp("model") / "two.pth"), device="cpu", precision="fp32")


def two_styles(path: Path) -> Path:
    """A checkpoint of an untrained narrow network whose second style is much brighter than its first."""
    torch.manual_seed(0)
    network = TransformerNetwork(NetworkOptions(width=4, blocks=1, styles=2))
    weights = network.state_dict()
    weights["out.weight"].abs_().mul_(0.3)
    weights["up2.norm.bias"][0] -= 1
    weights["up2.norm.bias"][1] += 0.1
    Checkpoint(network.options, [{"name": "dark"}, {"name": "light"}], {"steps": 0}, weights).save(path)
    return path


def ffmpeg(*arguments: str) -> bytes:
    return subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, capture_output=True).stdout


def ffprobe(path: Path | str, *arguments: str) -> dict[str, Any]:
    """What ffprobe prints."""
    command = ["ffprobe", "-v", "error", "-of", "json", *arguments, str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def probe(path: Path | str, kind: str = "v", entries: str = "stream", count: bool = False) -> list[dict[str, Any]]:
    """What ffprobe says of the streams (or packets) of a kind."""
    asked = ["-select_streams", kind, f"-show_{entries}s", *(["-count_frames"] if count else [])]
    found: list[dict[str, Any]] = ffprobe(path, *asked)[f"{entries}s"]
    return found


def packets(path: Path) -> bytes:
    """Hash of every packet of sound, as it stands in the file."""
    return ffmpeg("-i", str(path), "-map", "0:a", "-c", "copy", "-f", "streamhash", "-")


def times(path: Path) -> list[float]:
    """Times of the frames in seconds."""
    return [float(frame["pts_time"]) for frame in probe(path, entries="frame")]


def frames(path: Path) -> list[NDArray[np.float32]]:
    source = open_source(path)
    found = [item.image for item in source if isinstance(item, Frame)]
    source.close()
    return found


@pytest.fixture
def clip(tmp_path: Path, once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Two seconds of 96x64 at 20 frames a second with AAC sound."""
    video, sound = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=20:d=2"), ("-f", "lavfi", "-i", "sine=440:d=2")
    coded = (*video, *sound, "-c:a", "aac", "-pix_fmt", "yuv420p", "-f", "mp4")
    return Path(shutil.copy(once("clip.mp4", lambda path: ffmpeg(*coded, str(path))), tmp_path))


def test_a_film_keeps_frames_times_and_sound(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    told: list[FilmProgress] = []
    target = tmp_path / "out/film.mp4"
    assert stylize_film(stylizer, clip, target, report=told.append) == 40
    (stream,) = probe(target, count=True)
    (source,) = probe(clip, count=True)
    for what in ("nb_read_frames", "avg_frame_rate", "duration", "start_time", "width", "height"):
        assert stream[what] == source[what], what
    assert stream["pix_fmt"] == "yuv420p"
    assert packets(target) == packets(clip)
    assert [progress.frames for progress in told] == list(range(1, 41))
    assert told[-1].expected == 40
    assert not partial_path(target).exists()


@pytest.mark.parametrize(
    ("name", "codec", "sound"),
    [("a.mkv", "h264", "aac"), ("a.mov", "h264", "aac"), ("a.webm", "vp9", "opus"), ("a.avi", "h264", "aac")],
)
def test_other_containers(clip: Path, tmp_path: Path, stylizer: Stylizer, name: str, codec: str, sound: str) -> None:
    stylize_film(stylizer, clip, tmp_path / name, PHOTO)
    (stream,) = probe(tmp_path / name, count=True)
    assert (stream["codec_name"], stream["nb_read_frames"], stream["avg_frame_rate"]) == (codec, "40", "20/1")
    assert probe(tmp_path / name, "a")[0]["codec_name"] == sound
    if sound == "aac":
        assert packets(tmp_path / name).split(b"=")[-1] == packets(clip).split(b"=")[-1]
    else:
        length = float(probe(tmp_path / name, "a", "packet")[-1]["pts_time"])
        assert length == pytest.approx(2, abs=0.1)


def test_a_transport_stream_starts_at_zero(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    """Its times begin at 1.4 s, with no duration of frames; its AAC has headers that MP4 does without."""
    ffmpeg("-i", str(clip), "-c", "copy", str(tmp_path / "in.ts"))
    stylize_film(stylizer, tmp_path / "in.ts", tmp_path / "out.mp4", PHOTO)
    assert times(tmp_path / "out.mp4")[0] < 0.1
    assert np.diff(times(tmp_path / "out.mp4")).tolist() == pytest.approx([0.05] * 39, abs=1e-3)
    assert probe(tmp_path / "out.mp4", "a")[0]["codec_name"] == "aac"


def test_a_rotated_film_comes_out_upright(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    ffmpeg("-i", str(clip), "-c", "copy", "-metadata:s:v", "rotate=90", str(tmp_path / "turned.mp4"))
    stylize_film(stylizer, tmp_path / "turned.mp4", tmp_path / "out.mp4", PHOTO)
    (stream,) = probe(tmp_path / "out.mp4")
    assert (stream["width"], stream["height"]) == (64, 96)
    assert not stream.get("side_data_list")
    raw = ffmpeg("-i", str(tmp_path / "turned.mp4"), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    players = np.frombuffer(raw, np.uint8).reshape(96, 64, 3) / 255
    ours = frames(tmp_path / "out.mp4")[0][0].transpose(1, 2, 0)
    assert np.abs(ours - players).mean() < 0.05
    assert np.abs(ours[::-1, ::-1] - players).mean() > 0.2


def test_a_variable_rate_keeps_its_times(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    uneven = "setpts='if(lt(N,10),N,10+(N-10)*3.5)/20/TB'"
    ffmpeg("-i", str(clip), "-vf", uneven, "-fps_mode", "vfr", "-c:a", "copy", str(tmp_path / "uneven.mp4"))
    stylize_film(stylizer, tmp_path / "uneven.mp4", tmp_path / "out.mp4", PHOTO)
    before = times(tmp_path / "uneven.mp4")
    assert len(set(np.round(np.diff(before), 3))) > 1
    assert times(tmp_path / "out.mp4") == before


@pytest.mark.parametrize("size", ["97x65", "1x1", "3x50"])
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_odd_sizes_stay(tmp_path: Path, stylizer: Stylizer, size: str, suffix: str) -> None:
    width, height = (int(part) for part in size.split("x"))
    for number in range(3):
        picture(width, height, number).save(tmp_path / f"{number}.png")
    stylize_film(stylizer, tmp_path / "%d.png", tmp_path / f"out{suffix}", PHOTO)
    (stream,) = probe(tmp_path / f"out{suffix}", count=True)
    assert (stream["width"], stream["height"], stream["nb_read_frames"]) == (width, height, "3")


@pytest.mark.parametrize("matrix", ["bt709", "bt601"])
@pytest.mark.parametrize("extent", ["tv", pytest.param("pc", marks=pytest.mark.slow)])
def test_a_constant_colour_comes_back_within_two_levels(
    tmp_path: Path, stylizer: Stylizer, matrix: str, extent: str
) -> None:
    """Read by ffmpeg, which is told nothing but what the files say."""
    code = "smpte170m" if matrix == "bt601" else matrix
    for color in ((230, 30, 60), (12, 200, 90), (255, 255, 255), (20, 40, 250)):
        raw = bytes(color) * (64 * 48)
        (tmp_path / "raw").write_bytes(raw * 3)
        scale = f"scale=out_color_matrix={matrix}:out_range={extent}:flags=accurate_rnd,format=yuv420p"
        form = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "64x48", "-i", str(tmp_path / "raw"))
        tags = ("-colorspace", code, "-color_range", extent)
        ffmpeg(*form, "-vf", scale, *tags, "-qp", "0", str(tmp_path / "in.mp4"))
        stylize_film(stylizer, tmp_path / "in.mp4", tmp_path / "out.mp4", PHOTO)
        (stream,) = probe(tmp_path / "out.mp4")
        assert (stream["color_range"], stream["color_space"]) == ("tv", code)
        exact = ("-vf", "scale=flags=accurate_rnd+full_chroma_int", "-pix_fmt", "rgb24", "-f", "rawvideo")
        back = ffmpeg("-i", str(tmp_path / "out.mp4"), *exact, "-")
        found = np.frombuffer(back, np.uint8).reshape(-1, 3).astype(int)
        assert np.abs(found - color).max() <= 2, color


def test_a_film_without_tags_is_taken_as_players_do(tmp_path: Path, stylizer: Stylizer) -> None:
    """HD as BT.709, else BT.601; and the result says so."""
    for size, code in (("1280x720", "bt709"), ("640x480", "smpte170m")):
        ffmpeg("-f", "lavfi", "-i", f"color=red:s={size}:r=5:d=0.4", "-pix_fmt", "yuv420p", str(tmp_path / "in.mp4"))
        stylize_film(stylizer, tmp_path / "in.mp4", tmp_path / "out.mp4", PHOTO)
        assert probe(tmp_path / "out.mp4")[0]["color_space"] == code


def test_ten_bits_stay_ten(tmp_path: Path, stylizer: Stylizer) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=5:d=1", "-pix_fmt", "yuv420p10le", str(tmp_path / "in.mkv"))
    stylize_film(stylizer, tmp_path / "in.mkv", tmp_path / "out.mkv", PHOTO)
    assert probe(tmp_path / "out.mkv")[0]["pix_fmt"] == "yuv420p10le"


def test_a_part_of_a_film_at_another_rate_and_codec(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    video = VideoOptions(codec="libx265", crf=30, start=0.52, duration=1, fps=10)
    stylize_film(stylizer, clip, tmp_path / "out.mp4", PHOTO, video)
    (stream,) = probe(tmp_path / "out.mp4", count=True)
    assert (stream["codec_name"], stream["nb_read_frames"], stream["avg_frame_rate"]) == ("hevc", "10", "10/1")
    assert float(stream["start_time"]) == 0
    assert float(probe(tmp_path / "out.mp4", "a")[0]["duration"]) == pytest.approx(1, abs=0.06)
    first = frames(clip)[11]  # the first at 0.52 s or later
    assert np.abs(frames(tmp_path / "out.mp4")[0] - first).mean() < 0.04


@pytest.mark.parametrize(("model", "asked", "is_quick"), [("nano_wave", "auto", True), ("nano_wave", "small", False)])
def test_quick_networks_are_not_held_up_by_the_encoder(
    clip: Path, tmp_path: Path, model: str, asked: Literal["auto", "small"], is_quick: bool
) -> None:
    stylize_film(Stylizer.load(model, device="cpu"), clip, tmp_path / "out.mp4", video=VideoOptions(encoding=asked))
    assert (b"cabac=0" in (tmp_path / "out.mp4").read_bytes()) == is_quick  # x264 notes its settings


@pytest.mark.parametrize("name", ["libx264", "libx265", "libvpx-vp9", "libsvtav1"])
def test_every_encoder_has_a_quick_way(clip: Path, tmp_path: Path, stylizer: Stylizer, name: str) -> None:
    video = VideoOptions(codec=name, encoding="quick", duration=0.5)
    assert stylize_film(stylizer, clip, tmp_path / "out.mkv", PHOTO, video) == 10
    shown = frames(tmp_path / "out.mkv")
    assert len(shown) == 10 and np.abs(shown[4] - frames(clip)[4]).mean() < 0.04


def test_sizes_change_work_and_result(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    sizes = []

    class Spy(Stylizer):
        def __call__(self, image: Any, *more: Any, **kinds: Any) -> Any:
            sizes.append(image.shape[:2])
            return super().__call__(image, *more, **kinds)

    stylize_film(Spy(stylizer.engine), clip, tmp_path / "a.mp4", StylizeOptions(size=32, output_size=128))
    assert set(sizes) == {(32, 48)}
    (stream,) = probe(tmp_path / "a.mp4")
    assert (stream["width"], stream["height"]) == (192, 128)


def test_sequences_and_animations_in_and_out(tmp_path: Path, stylizer: Stylizer) -> None:
    for number in range(7, 12):  # numbers begin anywhere
        picture(48, 32, number).save(tmp_path / f"in_{number:03}.png")
    assert stylize_film(stylizer, tmp_path / "in_%03d.png", tmp_path / "a.gif", PHOTO, VideoOptions(fps=10)) == 5
    assert stylize_film(stylizer, tmp_path / "a.gif", tmp_path / "b.webp", PHOTO) == 5
    assert stylize_film(stylizer, tmp_path / "b.webp", tmp_path / "out/%04d.png", PHOTO) == 5
    for name in ("a.gif", "b.webp"):
        with Image.open(tmp_path / name) as image:
            assert (image.size, getattr(image, "n_frames", 1), image.info["loop"]) == ((48, 32), 5, 0)
            durations = []
            for index in range(5):
                image.seek(index)
                image.load()
                durations.append(image.info["duration"])
        assert durations == [100] * 5
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{n:04}.png" for n in range(1, 6)]
    with Image.open(tmp_path / "out/0003.png") as last, Image.open(tmp_path / "in_009.png") as first:
        difference = np.asarray(last.convert("RGB"), float) - np.asarray(first, float)
    assert np.abs(difference).mean() < 20  # 256 colours, then WebP


def brightness(path: Path) -> list[float]:
    return [float(frame.mean()) for frame in frames(path)]


def test_blends_follow_the_keyframes(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    for name, how in (("dark", StylizeOptions()), ("light", StylizeOptions(style="light"))):
        stylize_film(stylizer, clip, tmp_path / f"{name}.mp4", how)
    dark, light = brightness(tmp_path / "dark.mp4"), brightness(tmp_path / "light.mp4")
    assert min(light) > max(dark) + 0.1
    keys = ("0.5=dark", "1.5=light")
    stylize_film(stylizer, clip, tmp_path / "keys.mp4", video=VideoOptions(keyframes=keys))
    found = brightness(tmp_path / "keys.mp4")
    assert found[:10] == pytest.approx(dark[:10], abs=0.01)
    assert found[30:] == pytest.approx(light[30:], abs=0.01)
    assert dark[20] + 0.03 < found[20] < light[20] - 0.03
    assert all(after > before - 0.01 for before, after in pairwise(found[10:31]))


def test_strength_follows_the_keyframes(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    video = VideoOptions(keyframes=("0=light@0", "1=@1"))
    stylize_film(stylizer, clip, tmp_path / "keys.mp4", video=video)
    distance = [np.abs(a - b).mean() for a, b in zip(frames(tmp_path / "keys.mp4"), frames(clip), strict=True)]
    assert distance[0] < 0.03
    assert distance[0] < distance[8] < distance[16]
    assert distance[16] > 0.1


def test_a_key_without_a_strength_has_that_of_the_command(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    how = StylizeOptions(strength=0.8)
    keys = Keyframes(("0=dark@0", "1=light", "3=@0.2"), how, ("dark", "light"))
    assert [keys.at(time).strength for time in (0, 0.5, 1, 2, 9)] == pytest.approx([0, 0.4, 0.8, 0.5, 0.2])
    assert keys.at(2).style == '"light"=1.0'
    assert replace(keys.at(1), style="") == how


def test_a_still_mask_leaves_its_black_half_alone(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    mask = Image.new("L", (96, 64))
    mask.paste(255, (48, 0, 96, 64))
    mask.save(tmp_path / "mask.png")
    how = StylizeOptions(mask=(f"{tmp_path / 'mask.png'}=light=0.7,dark=0.3",), feather=0)
    stylize_film(stylizer, clip, tmp_path / "out.mp4", how)
    for before, after in zip(frames(clip), frames(tmp_path / "out.mp4"), strict=True):
        change = np.abs(after - before).mean((0, 1, 2))
        assert change[:46].mean() < 0.03
        assert change[50:].mean() > 0.1


def test_a_mask_that_is_a_film_moves(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    for number, side in enumerate((0, 48)):
        mask = Image.new("L", (96, 64))
        mask.paste(255, (side, 0, side + 48, 64))
        mask.save(tmp_path / f"m{number}.png")
    ffmpeg("-framerate", "1", "-i", str(tmp_path / "m%d.png"), "-pix_fmt", "yuv420p", str(tmp_path / "mask.mkv"))
    how = StylizeOptions(mask=(f"{tmp_path / 'mask.mkv'}=light",), feather=0)
    stylize_film(stylizer, clip, tmp_path / "out.mp4", how)
    change = [np.abs(a - b).mean((0, 1, 2)) for a, b in zip(frames(clip), frames(tmp_path / "out.mp4"), strict=True)]
    for index in (5, 15):
        assert change[index][:44].mean() > 3 * change[index][52:].mean()
    for index in (25, 35):
        assert change[index][52:].mean() > 3 * change[index][:44].mean()


def test_colours_are_kept(clip: Path, tmp_path: Path, stylizer: Stylizer) -> None:
    """With luminance alone from the style, chroma is that of the film."""
    stylize_film(stylizer, clip, tmp_path / "out.mp4", StylizeOptions(preserve_color="luminance"))
    stylize_film(stylizer, clip, tmp_path / "styled.mp4")

    def chroma(frame: NDArray[np.float32]) -> NDArray[np.float32]:
        return frame - frame.mean(1, keepdims=True)

    film, kept, styled = (chroma(frames(path)[20]) for path in (clip, tmp_path / "out.mp4", tmp_path / "styled.mp4"))
    correlation = [np.corrcoef(film.ravel(), other.ravel())[0, 1] for other in (kept, styled)]
    assert correlation[0] > 0.75
    assert correlation[1] < 0.5


def test_two_lanes_give_the_same_film(
    clip: Path, tmp_path: Path, stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = VideoOptions(keyframes=("0=dark", "1=light"))
    for lanes in (1, 2):
        monkeypatch.setattr(stylizer.engine, "concurrency", lanes)
        stylize_film(stylizer, clip, tmp_path / f"{lanes}" / "%03d.png", video=options)
    one, two = (frames(tmp_path / f"{lanes}" / "%03d.png") for lanes in (1, 2))
    assert len(one) == len(two) == 40
    # Arithmetic may be ordered otherwise in another thread.
    np.testing.assert_allclose(np.concatenate(one), np.concatenate(two), atol=1.01 / 255)
