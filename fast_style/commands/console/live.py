"""Stylize live sources on the command line: a camera in a window, raw frames in a pipe."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ...options import StylizeOptions, VideoOptions

if TYPE_CHECKING:
    from ...stylizer import Stylizer

KEYS = "n and p: styles; + and -: strength; q: end"


def stylize_camera(
    stylizer: "Stylizer", index: int, options: StylizeOptions, video: VideoOptions, virtual: bool = False
) -> int:
    """Show a camera, stylized, until a key or Ctrl-C ends it; return the exit code. virtual: as another camera."""
    from ...video.live import OpenCVCamera, OpenCVWindow, run_live
    from ...video.raw import RATE
    from ...video.virtual_camera import VirtualCamera

    if virtual:
        video = replace(video, fps=video.fps or RATE)
    screen = VirtualCamera(video.fps or RATE) if virtual else OpenCVWindow()
    camera = OpenCVCamera(index)
    print("Choose the virtual camera in the other program; Ctrl-C ends it" if virtual else KEYS, flush=True)
    try:
        shown, dropped = run_live(stylizer, camera, screen, options, video)
    finally:
        camera.close()
        screen.close()
    print(f"{shown} frames shown, {dropped} dropped")
    return 0


def stylize_raw(load: Callable[[], "Stylizer"], size: str, options: StylizeOptions, video: VideoOptions) -> int:
    """Stylize raw frames from standard input to standard output; return the exit code."""
    from ...video import raw

    pixels = raw.parse_size(size)
    # Whatever a library prints must not get between the frames. Without buffers, whose locks Ctrl-C would wait for
    # while the other end of a pipe stalls.
    frames = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    source = os.fdopen(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with frames:
        raw.stylize_raw(load(), pixels, source, frames, options, video)
    return 0
