"""Live sources: a fake camera that is faster than the network, and real pipes."""

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from fast_style import FastStyleError, Stylizer
from fast_style.commands import run, stylize
from fast_style.options import StylizeOptions, VideoOptions
from fast_style.system import threads
from fast_style.video.live import Controls, LatestFrame, OpenCVWindow, Pixels, run_live
from fast_style.video.raw import parse_size, stylize_raw

from .conftest import picture
from .test_video import ffmpeg, stylizer

__all__ = ["stylizer"]  # a fixture
PROJECT = Path(__file__).parents[1]


class FakeCamera:
    """Numbered frames, one every `interval_s`: the number is the level of grey."""

    def __init__(self, count: int, interval_s: float, error: Exception | None = None) -> None:
        self.count, self.interval_s, self.error = count, interval_s, error
        self.read_frames = 0

    def read(self) -> Pixels | None:
        if self.read_frames == self.count:
            if self.error:
                raise self.error
            return None
        time.sleep(self.interval_s)
        self.read_frames += 1
        return np.full((24, 32, 3), self.read_frames, np.uint8)


class FakeWindow:
    """Takes its time to show a frame; presses keys at given frames."""

    def __init__(self, show_s: float, keys: dict[int, str] | None = None) -> None:
        self.show_s, self.keys = show_s, keys or {}
        self.shown: list[Pixels] = []
        self.lines: list[str] = []

    def show(self, image: Pixels, status: str) -> str:
        self.shown.append(image)
        self.lines.append(status)
        time.sleep(self.show_s)
        return self.keys.get(len(self.shown), "")


def test_frames_are_dropped_when_the_camera_is_faster(stylizer: Stylizer) -> None:
    camera, window = FakeCamera(120, 0.004), FakeWindow(0.04)
    shown, dropped = run_live(stylizer, camera, window, StylizeOptions(strength=0))
    numbers = [int(image[0, 0, 0]) for image in window.shown]
    assert shown == len(numbers) < 40
    assert shown + dropped == 120
    assert numbers == sorted(set(numbers))
    # Each shown frame is the newest: about as many are passed over as came meanwhile, with none left in a queue.
    assert numbers[-1] >= 110
    assert max(np.diff(numbers)) < 60
    assert window.shown[0].shape == (24, 32, 3)


def test_every_frame_is_shown_when_the_network_is_faster(stylizer: Stylizer) -> None:
    window = FakeWindow(0)

    class SlowCamera(FakeCamera):
        def read(self) -> Pixels | None:
            while len(window.shown) < self.read_frames:  # slower than the network on a busy machine too
                time.sleep(0.001)
            return super().read()

    assert run_live(stylizer, SlowCamera(8, 0.001), window) == (8, 0)


def test_keys_change_style_and_strength_and_end_it(stylizer: Stylizer) -> None:
    window = FakeWindow(0, {1: "n", 2: "-", 3: "-", 4: "p", 6: "q"})
    run_live(stylizer, FakeCamera(50, 0.02), window)
    assert len(window.shown) == 6
    assert window.lines[0].startswith("dark  1.0")
    assert window.lines[1].startswith("light  1.0")
    assert window.lines[3].startswith("light  0.8")
    assert window.lines[4].startswith("dark  0.8")
    assert "frames/s" in window.lines[4]
    assert window.shown[1].mean() > window.shown[0].mean() + 20


def test_strength_stays_in_its_range() -> None:
    controls = Controls(StylizeOptions(strength=1.45), ["wave"])
    assert controls.press("+")
    assert controls.options.strength == 1.5
    controls.press("n")
    assert controls.options.style == "wave"
    assert not controls.press("?")


def test_an_error_of_the_camera_is_raised_where_frames_are_taken() -> None:
    latest = LatestFrame(FakeCamera(0, 0, FastStyleError("unplugged")))
    with pytest.raises(FastStyleError, match="unplugged"):
        latest.take()
    latest.close()
    assert threading.active_count() < 10


def test_without_windows_it_says_what_is_missing(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2 = pytest.importorskip("cv2")
    if "headless" not in "".join(path.name for path in Path(cv2.__file__).parents[1].glob("opencv_python*")):
        pytest.skip("this OpenCV has windows")
    monkeypatch.setenv("DISPLAY", ":0")
    with pytest.raises(FastStyleError, match="need the package opencv-python "):
        OpenCVWindow()
    assert run(stylize.main, ["--model", str(tiny), "--camera", "0", "--device", "cpu"], "stylize.py") == 1
    assert "opencv-python" in capsys.readouterr().err


def test_raw_frames_are_answered_in_order(stylizer: Stylizer) -> None:
    """From a pipe that hands out bytes in odd portions."""

    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 1, 1000))

    sent = b"".join(bytes([level]) * (20 * 10 * 3) for level in range(0, 250, 5))
    sink = io.BytesIO()
    assert stylize_raw(stylizer, (20, 10), Trickle(sent), sink, StylizeOptions(strength=0)) == 50
    assert sink.getvalue() == sent


def test_a_frame_that_is_cut_off_is_told(stylizer: Stylizer) -> None:
    sink = io.BytesIO()
    with pytest.raises(FastStyleError, match="ended within frame 2; is its size right"):
        stylize_raw(stylizer, (20, 10), io.BytesIO(bytes(1000)), sink, StylizeOptions(strength=0))
    assert len(sink.getvalue()) == 600


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("stalled", ["source", "sink"])
def test_ctrl_c_ends_a_pipe_whose_other_end_stalls(
    stylizer: Stylizer, stalled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "LEAVE_AFTER_S", 0.1)
    size = (64, 48)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as there, os.fdopen(writing, "wb", 0) as here:
        source = there if stalled == "source" else io.BytesIO(bytes(200 * 64 * 48 * 3))
        sink = here if stalled == "sink" else io.BytesIO()
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            stylize_raw(stylizer, size, source, sink, StylizeOptions(strength=0))


@pytest.mark.parametrize("text", ["1280", "0x7", "axb", "12x34x5", ""])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(FastStyleError, match="expected WIDTHxHEIGHT"):
        parse_size(text)


def test_raw_frames_at_a_working_size_with_keyframes(stylizer: Stylizer) -> None:
    sink = io.BytesIO()
    video = VideoOptions(keyframes=("0=dark", "2=light"), fps=1)
    stylize_raw(stylizer, (40, 30), io.BytesIO(picture(40, 30).tobytes() * 3), sink, StylizeOptions(size=15), video)
    means = np.frombuffer(sink.getvalue(), np.uint8).reshape(3, -1).mean(1)
    assert means[0] < means[1] < means[2]


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg, which is absent")
def test_a_pipe_between_two_ffmpegs(tiny: Path, tmp_path: Path) -> None:
    """50 frames, each of its own level of grey, through ffmpeg | stylize.py --raw | ffmpeg."""
    levels = "geq=lum='16+N*4':cb=128:cr=128,format=gray"
    ffmpeg("-f", "lavfi", "-i", f"color=black:s=64x48:r=25:d=2,{levels}", "-c:v", "ffv1", str(tmp_path / "in.mkv"))
    raw = "-f rawvideo -pix_fmt rgb24"
    python = f"{sys.executable} stylize.py --model {tiny} --device cpu --strength 0 --raw 64x48 -"
    line = (
        f"ffmpeg -v error -i {tmp_path}/in.mkv {raw} - | {python} | "
        f"ffmpeg -v error {raw} -s 64x48 -r 25 -i - -c:v ffv1 {tmp_path}/out.mkv"
    )
    subprocess.run(["bash", "-o", "pipefail", "-c", line], check=True, cwd=PROJECT, capture_output=True)
    both = [
        np.frombuffer(ffmpeg("-i", str(tmp_path / name), *raw.split(), "-"), np.uint8).reshape(-1, 48, 64, 3)
        for name in ("in.mkv", "out.mkv")
    ]
    assert both[0].shape[0] == 50
    assert np.array_equal(both[0], both[1])
    assert len({int(frame[0, 0, 0]) for frame in both[1]}) == 50
