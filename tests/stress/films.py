"""Damaged films and animations, and files that ask libav for others: stylized to their end."""

import io
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import av
import numpy as np

from fast_style import Stylizer
from fast_style.options import StylizeOptions, VideoOptions
from fast_style.video import stylize_film

from ..conftest import picture, untrained
from .mutations import damaged, damaged_png
from .parts import StressError

# Suffix, muxer, encoder of the picture, its pixels, encoder of the sound.
FILMS = (
    ("mp4", "mp4", "libx264", "yuv420p", "aac"),
    ("mov", "mov", "mpeg4", "yuv420p", "pcm_s16le"),
    ("webm", "webm", "libvpx-vp9", "yuv420p", "libopus"),
    ("mkv", "matroska", "ffv1", "yuv420p", "flac"),
    ("avi", "avi", "mjpeg", "yuvj420p", "mp2"),
    ("ts", "mpegts", "mpeg2video", "yuv420p", "mp2"),
)
ANIMATIONS = {"gif": "GIF", "png": "PNG", "webp": "WEBP", "avif": "AVIF"}
# Playlists and the like, which name a stranger's file; suffixes by which libav would know them.
PLAYLISTS = (
    ("m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"),
    ("ffconcat", "ffconcat version 1.0\nfile '{}'\n"),
    ("mp4", "#EXTM3U\n#EXTINF:1,\nfile://{}\n"),
    ("mkv", "ffconcat version 1.0\nfile 'subfile,,start,0,end,9,,:{}'\n"),
    ("sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"),
    ("mpd", "<MPD><Period><AdaptationSet><BaseURL>{}</BaseURL></AdaptationSet></Period></MPD>"),
    ("avi", "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/{}\n"),
)  # fmt: skip


class Stress:
    """See the package."""

    def __init__(self, folder: Path) -> None:
        self._secret = folder.parent / "secret.txt"
        self._seeds = list(seeds())
        self._stylizer = Stylizer.load(untrained(folder / "tiny.pth", "a"), "cpu", "torch", "fp32")

    def make(self, rng: Random) -> tuple[str, bytes]:
        if rng.random() < 0.05:
            suffix, text = rng.choice(PLAYLISTS)
            return f"playlist.{suffix}", text.format(self._secret.absolute()).encode()
        suffix, data = rng.choice(self._seeds)
        if suffix == "png" and rng.random() < 0.6:
            return suffix, damaged_png(data, rng)
        return suffix, damaged(data, rng, [other for _, other in self._seeds])

    def run(self, path: Path) -> str:
        target = path.with_name(f"result.{'gif' if path.suffix == '.gif' else 'mp4'}")
        try:
            count = stylize_film(self._stylizer, path, target, StylizeOptions(), VideoOptions(duration=0.4))
            if "playlist" in path.name:
                raise StressError("a list of other files was taken for a film")
            if not target.exists():
                raise StressError(f"{count} frames and no result")
        finally:
            for left in path.parent.glob("result*"):
                left.unlink()
        return "stylized"

    def close(self) -> None:
        pass


def seeds() -> Iterator[tuple[str, bytes]]:
    """Whole films of each container and animations of each format that this machine can write, by suffix."""
    for suffix, *how in FILMS:
        with suppress(Exception):  # an encoder that is not built in
            yield suffix, film(*how)
    frames = [picture(20, 14, seed) for seed in range(4)]
    for suffix, kind in ANIMATIONS.items():
        buffer = io.BytesIO()
        with suppress(Exception):
            frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=50, loop=2)
            yield suffix, buffer.getvalue()


def film(muxer: str, encoder: str, pixels: str, sound: str) -> bytes:
    """Six frames of 48x32 with a little sound."""
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as output:
        stream: Any = output.add_stream(encoder, rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, pixels
        heard: Any = output.add_stream(sound, rate=48000)
        for seed in range(6):
            frame = av.VideoFrame.from_ndarray(np.asarray(picture(48, 32, seed)), format="rgb24")
            frame.pts, frame.time_base = seed, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        wave = (8000 * np.sin(np.arange(9600) / 20)).astype(np.int16)[None]
        piece = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        piece.sample_rate, piece.pts = 48000, 0
        for fitting in av.AudioResampler(heard.format, heard.layout, 48000).resample(piece):
            output.mux(heard.encode(fitting))
        output.mux(heard.encode(None))
    return file.getvalue()
