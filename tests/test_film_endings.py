"""How films end: killed, interrupted, with errors; and what they cost while they run."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fast_style import FastStyleError, Stylizer
from fast_style.commands import run, stylize
from fast_style.options import StylizeOptions, VideoOptions
from fast_style.video import FilmProgress, Frame, open_source, partial_path, stylize_film
from fast_style.video.writing import FilmWriter

from .conftest import picture
from .test_video import PHOTO, clip, ffmpeg, probe, stylizer, times, two_styles

__all__ = ["clip", "stylizer"]  # fixtures
pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg, which is absent")
PROJECT = Path(__file__).parents[1]


def slow(values: tuple[str, int]) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


def film(path: Path, seconds: int, size: str = "64x48", rate: int = 25) -> Path:
    sound = ("-f", "lavfi", "-i", f"sine=440:d={seconds}", "-c:a", "aac")
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}", *sound, "-pix_fmt", "yuv420p", str(path))
    return path


# A child process that paints slowly enough to be killed in the middle, and says how far it is.
CHILD = """
import sys, time
from pathlib import Path
from fast_style import Stylizer
from fast_style.video import stylize_film
from fast_style.options import StylizeOptions
def report(progress):
    print(progress.frames, flush=True)
    time.sleep(0.004)
stylize_film(Stylizer.load(sys.argv[1], device="cpu"), Path(sys.argv[2]), Path(sys.argv[3]),
             StylizeOptions(strength=0), report=report)
"""


@pytest.mark.parametrize(("suffix", "rate"), [(".mp4", 25), slow((".mkv", 25)), slow((".mov", 5))])
def test_a_killed_film_plays_up_to_there(tiny: Path, tmp_path: Path, suffix: str, rate: int) -> None:
    source, target = film(tmp_path / "in.mp4", 3000 // rate // 4, rate=rate), tmp_path / f"out{suffix}"
    arguments = [sys.executable, "-c", CHILD, str(tiny), str(source), str(target)]
    done = 0
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as child:
        assert child.stdout
        for line in child.stdout:
            done = int(line)
            if done == 300:
                child.send_signal(signal.SIGKILL)
                break
    assert not target.exists()
    left = times(partial_path(target))
    assert (done - 1) / rate - left[-1] <= 2
    assert left[-1] <= (done + 60) / rate
    assert probe(partial_path(target), "a")[0]["codec_name"] == "aac"


def test_an_interruption_leaves_what_there_is(tmp_path: Path, stylizer: Stylizer) -> None:
    source, target = film(tmp_path / "in.mp4", 4), tmp_path / "out.mp4"

    def stop(progress: FilmProgress) -> None:
        if progress.frames == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stylize_film(stylizer, source, target, PHOTO, report=stop)
    assert not target.exists()
    assert len(times(partial_path(target))) == 60


class Interrupted(Stylizer):
    """Painting its first frame is interrupted."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        time.sleep(0.2)  # packets of sound are written meanwhile
        raise KeyboardInterrupt


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".gif"])
def test_a_film_without_a_frame_leaves_no_file(
    tmp_path: Path, stylizer: Stylizer, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = film(tmp_path / "in.mp4", 1), tmp_path / "out" / f"out{suffix}"
    with pytest.raises(KeyboardInterrupt):
        stylize_film(Interrupted(stylizer.engine), source, target, PHOTO)
    assert not list(target.parent.iterdir())
    finish = FilmWriter._finish

    def complain(self: FilmWriter, empty: bool) -> None:
        finish(self, empty)
        raise ValueError("nothing was written")

    monkeypatch.setattr(FilmWriter, "_finish", complain)
    with pytest.raises(FastStyleError, match="nothing was written"):
        stylize_film(Interrupted(stylizer.engine), source, target, PHOTO)
    assert not list(target.parent.iterdir())


@pytest.mark.slow
def test_ctrl_c_names_the_part_that_plays(tiny: Path, tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", 120)  # of 60 frames the last may be painted before the signal comes
    command = [sys.executable, "stylize.py", "--model", str(tiny), str(source), "--device", "cpu"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=PROJECT) as child:
        partial = tmp_path / "in_tiny.partial.mp4"
        while not (partial.exists() and partial.stat().st_size > 20000):
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        told = child.communicate(timeout=20)[1]
    assert child.returncode == 130
    assert f"plays: {partial}" in told
    assert "Traceback" not in told
    assert len(times(partial)) > 10


def test_an_error_of_the_network_ends_it(tmp_path: Path, stylizer: Stylizer, clip: Path) -> None:
    class Broken(Stylizer):
        calls = 0

        def __call__(self, image: Any, *more: Any, **kinds: Any) -> Any:
            self.calls += 1
            if self.calls > 25:
                raise MemoryError("no room")
            return super().__call__(image, *more, **kinds)

    with pytest.raises(MemoryError):
        stylize_film(Broken(stylizer.engine), clip, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_an_error_of_the_encoder_ends_it(tmp_path: Path, stylizer: Stylizer, clip: Path) -> None:
    with pytest.raises(FastStyleError, match=r"out.mpg: cannot be written with the encoder mpeg1video"):
        stylize_film(stylizer, clip, tmp_path / "out.mpg")  # MPEG-1 has no 20 frames a second
    assert not list(tmp_path.glob("out*"))


def test_damage_in_the_middle_is_passed_over(tmp_path: Path, stylizer: Stylizer) -> None:
    source = film(tmp_path / "in.ts", 4)
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(range(250)) * 12
    source.write_bytes(data)
    assert stylize_film(stylizer, source, tmp_path / "out.mp4", PHOTO) > 50


def test_frames_that_this_libav_does_not_decode_are_told_in_a_line(tmp_path: Path, stylizer: Stylizer) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=32x32:d=0.1", "-c:v", "mjpeg", str(tmp_path / "in.avi"))
    data = (tmp_path / "in.avi").read_bytes()
    (tmp_path / "in.avi").write_bytes(data.replace(b"MJPG", b"ABCD"))
    with pytest.raises(FastStyleError, match=r"in\.avi: its frames are in a format that this libav does not decode"):
        stylize_film(stylizer, tmp_path / "in.avi", tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bad.mp4"], "bad.mp4: cannot be read as a film"),
        (["sound.mp4"], "sound.mp4: there is no film in it"),
        (["absent.mp4"], "absent.mp4: no such file"),
        (["n_%03d.png"], "n_%03d.png: no such file"),
        (["clip.mp4", "-o", "out.jpg"], "out.jpg: no film; name one (out.mp4)"),
        (["clip.mp4", "--codec", "nonesuch"], "--codec nonesuch: this libav has no such encoder"),
        (["clip.mp4", "--codec", "gif", "--crf", "3"], "--crf: the encoder gif has no such setting"),
        (["clip.mp4", "--start", "9"], "no frame in the part of the film that is asked for"),
        (["clip.mp4", "--fps", "0"], "--fps is 0"),
        (["clip.mp4", "--duration", "0"], "--duration is 0"),
        (["clip.mp4", "--keyframes", "wave"], "--keyframes wave: expected SECONDS=BLEND"),
        (["clip.mp4", "--keyframes", "0=wave"], "no style 'wave' in this model"),
        (["clip.mp4", "--keyframes", "0=tiny@7"], "--strength is 7"),
        (["clip.mp4", "--mask", "nope.png"], "nope.png: no such file"),
        (["clip.mp4", "--compare"], "--compare is for pictures"),
        (["clip.mp4", "--tileable"], "are for pictures"),
    ],
)
def test_bad_input_is_one_plain_line(
    clip: Path,
    tiny: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(clip.parent)
    Path("bad.mp4").write_bytes(os.urandom(5000))
    if arguments == ["sound.mp4"]:
        ffmpeg("-i", "clip.mp4", "-vn", "-c", "copy", "sound.mp4")
    assert run(stylize.main, [*arguments, "--model", str(tiny), "--device", "cpu"], "stylize.py") == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("stylize.py: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert not list(clip.parent.glob("*_tiny*"))
    assert not list(clip.parent.glob("*partial*"))


def test_the_command_takes_films_beside_pictures(
    clip: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(clip.parent)
    fixed = ["--model", str(tiny), "--device", "cpu", "--size", "24"]
    picture(30, 20).save("a.png")
    clip.rename("clip")  # by its content
    assert run(stylize.main, ["a.png", "clip", "-o", "out", *fixed], "stylize.py") == 0
    assert {path.name for path in Path("out").iterdir()} == {"a.png", "clip.mp4"}
    Path("clip").rename("clip.mp4")
    assert run(stylize.main, ["clip.mp4", *fixed], "stylize.py") == 0
    assert run(stylize.main, ["clip.mp4", *fixed], "stylize.py") == 1
    assert "clip_tiny.mp4 exists; use --overwrite" in capsys.readouterr().err
    assert run(stylize.main, ["clip.mp4", *fixed, "--format", "gif", "--duration", "0.5"], "stylize.py") == 0
    assert run(stylize.main, ["clip_tiny.gif", *fixed, "-o", "frames/%02d.png"], "stylize.py") == 0
    assert len(list(Path("frames").iterdir())) == 10
    assert run(stylize.main, ["frames/%02d.png", *fixed], "stylize.py") == 0
    assert len(list(Path("frames_tiny").iterdir())) == 10
    assert run(stylize.main, ["frames", *fixed, "-o", "album"], "stylize.py") == 0  # a folder is one of pictures
    assert len(list(Path("album").iterdir())) == 10


def test_frames_are_read_one_by_one(clip: Path) -> None:
    """Opening a film reads its first frame alone."""
    source = open_source(clip)
    first = next(item for item in source if isinstance(item, Frame))
    assert (first.image.shape, first.image.dtype, first.pts) == ((1, 3, 64, 96), np.float32, 0)
    assert source.info.frames == 40
    source.close()


MEMORY = """
import os, sys
from pathlib import Path
from fast_style import Stylizer
from fast_style.options import StylizeOptions
from fast_style.system import malloc
from fast_style.video import stylize_film
malloc.tune()
def peak():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1])
def report(progress):
    if progress.frames in (100, 1000):
        print(peak(), flush=True)
stylizer, small = Stylizer.load(sys.argv[1], device="cpu"), StylizeOptions(size=64)
stylize_film(stylizer, Path(sys.argv[2]), Path(sys.argv[3]), small, report=report)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_flat_over_1000_frames(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", 40, "320x240")
    model = two_styles(tmp_path / "two.pth")
    command = [sys.executable, "-c", MEMORY, str(model), str(source), str(tmp_path / "out.mp4")]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    early, late = (int(line) for line in result.stdout.split())
    assert late <= 1.05 * early


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count", "rate"), [("cockatoo", 280, "20/1"), ("bikes", 250, "25/1")])
def test_the_shared_films_whole(
    shared: Path, tmp_path: Path, stylizer: Stylizer, name: str, count: int, rate: str
) -> None:
    source, target = shared / f"video/{name}.mp4", tmp_path / "out.mp4"
    assert stylize_film(stylizer, source, target, StylizeOptions(size=96), VideoOptions(crf=30)) == count
    (before,), (after,) = probe(source), probe(target, count=True)
    assert (after["nb_read_frames"], after["avg_frame_rate"]) == (str(count), rate)
    assert after["duration"] == before["duration"]
    sound = [ffmpeg("-i", str(path), "-map", "0:a?", "-c", "copy", "-f", "data", "-") if name == "cockatoo" else b""
             for path in (source, target)]  # fmt: skip
    assert sound[0] == sound[1]
