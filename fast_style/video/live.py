"""Stylize a camera in a window: always its newest frame; what comes meanwhile is dropped, never queued."""

import os
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import images
from ..errors import FastStyleError
from ..options import StylizeOptions, VideoOptions
from ..options.controls import STRONGEST
from ..stylizer import Stylizer
from .adaptive_size import AdaptiveSize
from .flow import opencv
from .frames import FrameStylizer

Pixels = NDArray[np.uint8]
STRENGTH_STEP = 0.1
# Over how many frames the shown rate is averaged.
RATE_OVER = 20


class Camera(Protocol):
    """Hand out frames at its own pace."""

    def read(self) -> Pixels | None:
        """Wait for the next frame: RGB uint8 (H, W, 3); None when there will be no more."""


class Window(Protocol):
    """Show frames, and take keys where there are any."""

    def show(self, image: Pixels, status: str) -> str:
        """Show RGB uint8 (H, W, 3) with a line of text; return the key pressed since, or an empty string."""


class LatestFrame:
    """Keep the newest frame of a camera, read in a thread of its own."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._ready = threading.Condition()
        self._frame: Pixels | None = None
        self._ended = False
        self._error: BaseException | None = None
        self.dropped = 0
        """Frames that no one asked for before the next one came."""
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while not self._ended and (frame := self._camera.read()) is not None:
                with self._ready:
                    self.dropped += self._frame is not None
                    self._frame = frame
                    self._ready.notify()
        except BaseException as error:  # raised again where the frame is waited for
            self._error = error
        with self._ready:
            self._ended = True
            self._ready.notify()

    def take(self) -> Pixels | None:
        """Wait for a new frame and return the newest; None at the end. Raises what the camera raised."""
        with self._ready:
            self._ready.wait_for(lambda: self._frame is not None or self._ended)
            frame, self._frame = self._frame, None
        if frame is None and self._error:
            raise self._error
        return frame

    def close(self) -> None:
        """Stop reading, once the frame that is being waited for has come."""
        self._ended = True
        self._thread.join(timeout=2)


@dataclass
class Controls:
    """Change the controls by keys: n and p go through the styles, + and - change the strength, q and Esc end."""

    options: StylizeOptions
    styles: list[str]
    running: bool = True

    def press(self, key: str) -> bool:
        """Act on a key; return whether it changed how frames are stylized."""
        before = self.options
        if key in ("q", "\x1b"):
            self.running = False
        elif key in ("n", "p") and self.styles:
            now = self.styles.index(self.options.style) if self.options.style in self.styles else 0
            self.options = replace(
                self.options, style=self.styles[(now + (1 if key == "n" else -1)) % len(self.styles)]
            )
        elif key in ("+", "=", "-"):
            step = -STRENGTH_STEP if key == "-" else STRENGTH_STEP
            strength = round(min(STRONGEST, max(0.0, self.options.strength + step)), 2)
            self.options = replace(self.options, strength=strength)
        return self.options is not before


def run_live(
    stylizer: Stylizer,
    camera: Camera,
    window: Window,
    options: StylizeOptions = StylizeOptions(),
    video: VideoOptions = VideoOptions(),
) -> tuple[int, int]:
    """Stylize the newest frame again and again until a key or the camera ends it.

    With `fps` of the video's options the working size, at most that of the options, follows what the machine can do at
    that rate. Returns how many frames were shown, and how many were dropped.
    """
    if video.sound.uses_sound:
        raise FastStyleError("`audio_reactive` and `audio` are for films, pictures and `raw`, not for a camera")
    stylized = PacedStylizer(stylizer, options, video)
    controls = Controls(options, stylizer.styles)
    latest = LatestFrame(camera)
    start, times, shown = time.perf_counter(), deque[float](maxlen=RATE_OVER), 0
    try:
        while controls.running and (frame := latest.take()) is not None:
            result = stylized(frame, time.perf_counter() - start)
            times.append(time.perf_counter())
            rate = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0
            style = controls.options.style or stylizer.name
            key = window.show(result, f"{style}  {controls.options.strength:.1f}  {rate:.1f} frames/s")
            shown += 1
            if controls.press(key):
                stylized.change(controls.options)
    finally:
        latest.close()
    return shown, latest.dropped


class PacedStylizer:
    """Stylize frames at the working size, which holds the frame rate where there is one to hold."""

    def __init__(self, stylizer: Stylizer, options: StylizeOptions, video: VideoOptions) -> None:
        self._frames = FrameStylizer(stylizer, options, video)
        self._options, self._fps = options, video.fps
        self._adaptive: AdaptiveSize | None = None

    def change(self, options: StylizeOptions) -> None:
        """Use other controls from the next frame on."""
        self._options = options
        self._frames.change(options)

    def __call__(self, frame: Pixels, time_s: float) -> Pixels:
        """Return a frame, shown at `time_s`, stylized, at its own size."""
        if self._fps is None:
            return self._stylize(frame, time_s)
        if self._adaptive is None:
            self._adaptive = AdaptiveSize(self._fps, self._options.size or min(frame.shape[:2]))
        self._frames.change(replace(self._options, size=self._adaptive.size))
        start = time.perf_counter()
        result = self._stylize(frame, time_s)
        self._adaptive.record(time.perf_counter() - start)
        return result

    def _stylize(self, frame: Pixels, time_s: float) -> Pixels:
        whole, size = Image.fromarray(frame), self._frames.working_size
        result = self._frames.picture(images.resize_short_side(whole, size) if size else whole, time_s)
        return np.asarray(result if result.size == whole.size else result.resize(whole.size))


class OpenCVCamera:
    """Read a camera of this machine."""

    def __init__(self, index: int) -> None:
        """Raises FastStyleError when there is none of that number."""
        cv2 = opencv()
        self._capture: Any = cv2.VideoCapture(index)
        if not self._capture.isOpened():
            raise FastStyleError(f"`camera` {index}: no such camera, or another program uses it")
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the driver is not to queue either

    def read(self) -> Pixels | None:
        """Return the next frame; None when the camera is gone."""
        good, frame = self._capture.read()
        return np.ascontiguousarray(frame[..., ::-1]) if good else None

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()


class OpenCVWindow:
    """Show frames in a window of OpenCV, which the headless package does not have."""

    NAME = "fast_style"

    def __init__(self) -> None:
        """Raises FastStyleError where OpenCV has no windows."""
        self._cv2 = opencv()
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise FastStyleError("there is no display to open a window on; use `raw` in a pipe")
        try:
            self._cv2.namedWindow(self.NAME, self._cv2.WINDOW_NORMAL)
        except self._cv2.error as error:
            raise FastStyleError(
                "windows need the package opencv-python in the place of opencv-python-headless: "
                "pip uninstall opencv-python-headless && pip install opencv-python"
            ) from error

    def show(self, image: Pixels, status: str) -> str:
        """Show a frame; closing the window counts as q."""
        cv2 = self._cv2
        shown = np.ascontiguousarray(image[..., ::-1])
        for color, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(shown, status, (10, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, color, width, cv2.LINE_AA)
        cv2.imshow(self.NAME, shown)
        key = cv2.waitKey(1)
        closed = cv2.getWindowProperty(self.NAME, cv2.WND_PROP_VISIBLE) < 1
        return "q" if closed else chr(key & 0xFF) if key >= 0 else ""

    def close(self) -> None:
        """Close the window."""
        self._cv2.destroyAllWindows()
