"""A camera as another camera: a stand-in for the library, and for the camera."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from fast_style import FastStyleError, Stylizer
from fast_style.commands import run, stylize
from fast_style.options import StylizeOptions, VideoOptions
from fast_style.video import live
from fast_style.video.frames import FrameStylizer
from fast_style.video.live import Pixels, run_live
from fast_style.video.virtual_camera import VirtualCamera

from .test_live import FakeCamera
from .test_video import stylizer

__all__ = ["stylizer"]  # a fixture


class Device:
    """What pyvirtualcam.Camera is to us."""

    made: ClassVar["list[Device]"] = []
    device = "/dev/video10"

    def __init__(self, width: int, height: int, fps: float, fmt: str) -> None:
        self.size, self.fps, self.fmt = (width, height), fps, fmt
        self.frames: list[Pixels] = []
        self.closed = False
        Device.made.append(self)

    def send(self, frame: Pixels) -> None:
        assert frame.shape == (self.size[1], self.size[0], 3)
        assert frame.dtype == np.uint8
        self.frames.append(frame.copy())

    def sleep_until_next_frame(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The stand-in in the library's place."""
    module = SimpleNamespace(Camera=Device, PixelFormat=SimpleNamespace(RGB="rgb"))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", module)
    monkeypatch.setattr(Device, "made", [])
    return module


def test_the_stand_in_takes_what_the_library_takes() -> None:
    pyvirtualcam = pytest.importorskip("pyvirtualcam")
    import inspect

    parameters = inspect.signature(pyvirtualcam.Camera.__init__).parameters
    assert {"width", "height", "fps", "fmt"} <= set(parameters)
    assert pyvirtualcam.PixelFormat.RGB
    assert {"send", "sleep_until_next_frame", "close", "device"} <= set(dir(pyvirtualcam.Camera))


def test_frames_go_to_the_device_in_the_cameras_size(stylizer: Stylizer, library: Any) -> None:
    screen = VirtualCamera(25)
    shown, _ = run_live(stylizer, FakeCamera(6, 0.02), screen, StylizeOptions(strength=0))
    (device,) = Device.made
    assert (device.size, device.fps, device.fmt) == ((32, 24), 25, "rgb")
    numbers = [int(frame[0, 0, 0]) for frame in device.frames]
    assert len(numbers) == shown > 0
    assert numbers == sorted(set(numbers))
    screen.close()
    assert device.closed


def test_the_working_size_adapts_to_the_rate(stylizer: Stylizer, library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that paints a million pixels a second: 240x320 takes 77 ms, and the rate leaves 50."""
    sizes: list[int] = []

    def picture(self: FrameStylizer, image: Image.Image, time_s: float) -> Image.Image:
        sizes.append(min(image.size))
        time.sleep(image.width * image.height * 1e-6)
        return image

    class Large(FakeCamera):
        def read(self) -> Pixels | None:
            frame = super().read()
            return None if frame is None else np.resize(frame, (240, 320, 3))

    monkeypatch.setattr(FrameStylizer, "picture", picture)
    run_live(stylizer, Large(100, 0.012), VirtualCamera(20), StylizeOptions(), VideoOptions(fps=20))
    assert sizes[0] == 240
    painting_s = [size * size * 4 / 3 * 1e-6 for size in sizes]
    assert painting_s[0] > 1 / 20 >= max(painting_s[-5:])  # the rate holds
    assert sizes[-1] >= 96
    assert {frame.shape for frame in Device.made[0].frames} == {(240, 320, 3)}


def test_keys_and_size_go_together(stylizer: Stylizer) -> None:
    paced = live.PacedStylizer(stylizer, StylizeOptions(size=16), VideoOptions(fps=10))
    frame = np.full((24, 32, 3), 90, np.uint8)
    dark = paced(frame, 0.0)
    paced.change(StylizeOptions(size=16, style="light"))
    assert paced(frame, 0.1).mean() > dark.mean() + 20
    assert paced(frame, 0.2).shape == frame.shape


def test_a_missing_device_is_told(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError("v4l2 backend: no device")

    monkeypatch.setattr(library, "Camera", refuse)
    with pytest.raises(FastStyleError, match=r"no virtual camera can be opened \(v4l2 backend: no device\); "):
        VirtualCamera(25).show(np.zeros((4, 4, 3), np.uint8), "")


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(FastStyleError, match="pip install pyvirtualcam"):
        VirtualCamera(25)


def test_the_command(
    tiny: Path, library: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Camera(FakeCamera):
        def __init__(self, index: int) -> None:
            assert index == 1
            super().__init__(5, 0.01)

        def close(self) -> None:
            pass

    monkeypatch.setattr(live, "OpenCVCamera", Camera)
    flags = ["--model", str(tiny), "--device", "cpu", "--engine", "torch"]
    assert run(stylize.main, [*flags, "--camera", "1", "--virtual-camera"], "stylize.py") == 0
    assert "frames shown" in capsys.readouterr().out
    assert Device.made[0].fps == 25
    assert Device.made[0].closed
    assert run(stylize.main, [*flags, "--virtual-camera"], "stylize.py") == 1
    assert "--camera 0" in capsys.readouterr().err
