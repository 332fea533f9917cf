"""Short clips with known motion: real ones with estimated flow, a camera over a large picture with exact flow."""

import math
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from .. import images, scenes
from ..options import VideoOptions
from ..video import Frame, open_source
from ..video.flow import Array, FlowEstimator, Mask, boundaries, consistent, inside, opencv

# The camera path: sway in shares of the short side, zoom and turn, over so many frames a swing.
SWAY, ZOOM, TURN_RADIANS, SWING_FRAMES = 0.35, 0.12, 0.10, 90
# Two frames of which less than this share can be followed belong to different scenes: no motion leads over a cut.
SAME_SCENE = 0.1
# Of the picture that the camera moves over, in short sides of the clip: room for all of the path.
SCENE = 2.4


@dataclass(frozen=True)
class Footage:
    """Frames and the motion between them."""

    name: str
    frames: list[Array]
    """RGB (1, 3, H, W) float32 in [0, 1] each."""
    flows: list[Array]
    """From each frame to the next: (H, W, 2) px."""
    visible: list[Mask]
    """(H, W): which pixels of each frame are seen in the next and have trustworthy flow."""


def real(path: Path, count: int, size_px: int, start_s: float = 0.0) -> Footage:
    """The first `count` frames of a film from `start_s` on, at that short side, with DIS flow.

    Left out are what is occluded in the next frame and motion boundaries, as Ruder et al. 2016 and Lai et al. 2018 do,
    and cuts.
    """
    frames = _frames(path, count, size_px, start_s)
    estimate = FlowEstimator()
    flows, visible = [], []
    for now, after in pairwise(frames):
        there, back = estimate(now, after), estimate(after, now)
        seen = consistent(there, back) & ~boundaries(there)
        flows.append(there)
        visible.append(seen & (seen.mean() >= SAME_SCENE))
    return Footage(path.stem, frames, flows, visible)


def apart(path: Path, size_px: int, count: int) -> list[Array]:
    """`count` frames of a film, evenly apart, at that short side. Raises FastStyleError for what is no film."""
    source = open_source(path, VideoOptions())
    source.close()
    seconds = float((source.info.frames or 1) / source.info.rate)
    return [_frames(path, 1, size_px, seconds * (i + 0.5) / count)[0] for i in range(count)]


def _frames(path: Path, count: int, size_px: int, start_s: float) -> list[Array]:
    source = open_source(path, VideoOptions(start=start_s), size_px)
    try:
        return [_at_size(item.image, size_px) for item in islice((i for i in source if isinstance(i, Frame)), count)]
    finally:
        source.close()


def _at_size(image: Array, size_px: int) -> Array:
    """A frame at that short side: animations and numbered pictures are read whole."""
    if min(image.shape[2:]) == size_px:
        return image
    return images.to_array(images.resize_short_side(images.from_array(image), size_px))


def camera_path(count: int, size_px: int, seed: int = 0) -> Footage:
    """`count` frames, 16:9, of a camera that sways, zooms and turns over a rendered landscape: its flow is exact."""
    cv2 = opencv()
    width, height = size_px * 16 // 9, size_px
    scene = scenes.landscape(round(SCENE * width), round(SCENE * height), seed)
    views = [_view(index, width, height) for index in range(count)]
    frames = []
    for view in views:
        where = cv2.WARP_INVERSE_MAP | cv2.INTER_CUBIC
        pixels = cv2.warpAffine(scene, view[:2], (width, height), flags=where, borderMode=cv2.BORDER_REFLECT)
        frames.append(images.to_array(Image.fromarray(pixels)))
    flows = [_flow(now, after, width, height) for now, after in pairwise(views)]
    return Footage("camera path, exact flow", frames, flows, [inside(flow) for flow in flows])


def _view(index: int, width: int, height: int) -> Array:
    """(3, 3): from pixels of a frame to those of the scene."""
    phase = 2 * math.pi * index / SWING_FRAMES
    scale = 1 + ZOOM * math.sin(phase)
    turn = TURN_RADIANS * math.sin(0.7 * phase)
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    x = SCENE * width / 2 + SWAY * height * math.sin(phase + 0.5)
    y = SCENE * height / 2 + 0.5 * SWAY * height * math.sin(1.3 * phase)
    middle = np.array([[1, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1]])
    placed: Array = np.array([[cosine, -sine, x], [sine, cosine, y], [0, 0, 1]]) @ middle
    return placed


def _flow(now: Array, after: Array, width: int, height: int) -> Array:
    """Exact flow between two views: (H, W, 2) px."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    here = np.stack([x, y, np.ones_like(x)], -1).astype(np.float64)
    there = here @ (np.linalg.inv(after) @ now).T
    return (there - here)[..., :2].astype(np.float32)
