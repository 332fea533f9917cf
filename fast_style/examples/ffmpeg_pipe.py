"""Paint a film between two ffmpegs: python -m fast_style.examples.ffmpeg_pipe in.mp4 out.mp4 640x360.

`stylize.py in.mp4` does more (sound, times, colours); this is the way into a pipeline of one's own.
"""

import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import numpy as np

from fast_style import Stylizer


def frames(pipe: IO[bytes], width: int, height: int) -> Iterator[np.ndarray]:
    """Yield raw RGB frames, uint8 (H, W, 3)."""
    while len(data := pipe.read(width * height * 3)) == width * height * 3:
        yield np.frombuffer(data, np.uint8).reshape(height, width, 3)


def main(source: str, target: str, size: str, model: str = "lite_wave") -> None:
    """Decode, paint and encode at the same time."""
    width, height = map(int, size.split("x"))
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size]
    reading = ["ffmpeg", "-v", "error", "-i", source, *raw, "-"]
    writing = ["ffmpeg", "-v", "error", "-y", *raw, "-r", "25", "-i", "-", "-pix_fmt", "yuv420p", target]
    with (
        subprocess.Popen(reading, stdout=subprocess.PIPE) as decoder,
        subprocess.Popen(writing, stdin=subprocess.PIPE) as encoder,
    ):
        assert decoder.stdout and encoder.stdin  # pipes were asked for
        for painted in Stylizer.load(model).stream(frames(decoder.stdout, width, height)):
            encoder.stdin.write(painted.tobytes())
        encoder.stdin.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
