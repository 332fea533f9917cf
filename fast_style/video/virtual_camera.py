"""Show frames as a camera of this machine, which OBS, Zoom and browsers can choose."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError

# How to make the device that frames go to.
DEVICES = {
    "linux": "sudo modprobe v4l2loopback exclusive_caps=1 card_label=fast_style",
    "darwin": "install OBS 30 or later, and start and stop its virtual camera once",
    "win32": "install OBS 26 or later, which brings its virtual camera",
}


class VirtualCamera:
    """Send frames to a virtual camera, through pyvirtualcam; it is opened by the first frame, in that frame's size."""

    def __init__(self, fps: float) -> None:
        """fps: the rate that programs are told, and at which frames are sent at most. Raises FastStyleError without
        pyvirtualcam."""
        try:
            import pyvirtualcam
        except ImportError as error:
            raise FastStyleError("a virtual camera needs the package pyvirtualcam: pip install pyvirtualcam") from error
        self._module: Any = pyvirtualcam
        self._fps = fps
        self._camera: Any = None

    def show(self, image: NDArray[np.uint8], status: str) -> str:
        """Send a frame, RGB uint8 (H, W, 3), and wait until it is time for the next; there are no keys."""
        if self._camera is None:
            self._camera = self._open(image.shape[1], image.shape[0])
        self._camera.send(np.ascontiguousarray(image))
        self._camera.sleep_until_next_frame()
        return ""

    def close(self) -> None:
        """Release the device."""
        if self._camera is not None:
            self._camera.close()

    def _open(self, width: int, height: int) -> Any:
        try:
            return self._module.Camera(width=width, height=height, fps=self._fps, fmt=self._module.PixelFormat.RGB)
        except RuntimeError as error:  # of the library, for devices that are missing or in use
            reason = str(error).strip().partition("\n")[0]
            hint = DEVICES.get(sys.platform, "make one")
            raise FastStyleError(f"no virtual camera can be opened ({reason}); {hint}") from error
