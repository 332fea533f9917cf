"""Show a camera in a style; q ends it. It needs OpenCV with windows: pip install opencv-python."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from fast_style import Stylizer


def frames(camera: Any) -> Iterator[np.ndarray]:
    """Yield what the camera sees, RGB uint8 (H, W, 3)."""
    while (read := camera.read())[0]:
        yield np.ascontiguousarray(read[1][..., ::-1])


def main(camera: Any = None, model: str = "lite_wave") -> None:
    """Show each frame; the next ones are read and painted meanwhile."""
    stylizer = Stylizer.load(model)
    camera = camera or cv2.VideoCapture(0)
    for painted in stylizer.stream(frames(camera), length=1):
        cv2.imshow("fast_style", painted[..., ::-1])
        if cv2.waitKey(1) == ord("q"):
            break
    camera.release()


if __name__ == "__main__":
    main()
