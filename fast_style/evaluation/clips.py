"""Make short clips with known motion: films with estimated optical flow, and a camera path with exact flow."""

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

# Amplitudes of the camera path: sway in short sides of the frame, zoom as a factor, rotation; and its period.
SWAY, ZOOM, ROTATION_RADIANS, PERIOD_FRAMES = 0.35, 0.12, 0.10, 90
# Two frames of which a smaller share can be followed belong to different scenes: there is no flow across a cut.
SAME_SCENE = 0.1
# Size of the picture that the camera moves over, relative to the frame: it holds the whole path.
SCENE_SCALE = 2.4


@dataclass(frozen=True)
class Clip:
    """Hold frames, and the optical flow between them."""

    name: str
    frames: list[Array]
    """RGB (1, 3, H, W) float32 in [0, 1] each."""
    flows: list[Array]
    """Flow from each frame to the next: (H, W, 2) in px."""
    visible: list[Mask]
    """(H, W): the pixels of each frame that are visible in the next one and have reliable flow."""


def film_clip(path: Path, count: int, size_px: int, start_s: float = 0.0) -> Clip:
    """Read the first `count` frames of a film from `start_s` on, at that short side, with DIS optical flow.

    Pixels that are occluded in the next frame and motion boundaries do not count as visible (Ruder et al. 2016, Lai et
    al. 2018), nor does any pixel across a cut. Raises FastStyleError for files that are not films.
    """
    frames = _read_frames(path, count, size_px, start_s)
    estimate = FlowEstimator()
    flows, visible = [], []
    for now, after in pairwise(frames):
        forward, backward = estimate(now, after), estimate(after, now)
        seen = consistent(forward, backward) & ~boundaries(forward)
        flows.append(forward)
        visible.append(seen & (seen.mean() >= SAME_SCENE))
    return Clip(path.stem, frames, flows, visible)


def sample_frames(path: Path, size_px: int, count: int) -> list[Array]:
    """Read `count` frames spread evenly over a film, at that short side: (1, 3, H, W) in [0, 1] each.

    Raises FastStyleError for files that are not films.
    """
    source = open_source(path, VideoOptions())
    source.close()
    seconds = float((source.info.frames or 1) / source.info.rate)
    return [_read_frames(path, 1, size_px, seconds * (i + 0.5) / count)[0] for i in range(count)]


def _read_frames(path: Path, count: int, size_px: int, start_s: float) -> list[Array]:
    source = open_source(path, VideoOptions(start=start_s), size_px)
    try:
        frames = islice((item.image for item in source if isinstance(item, Frame)), count)
        return [_at_size(image, size_px) for image in frames]
    finally:
        source.close()


def _at_size(image: Array, size_px: int) -> Array:
    """A frame at that short side: animations and numbered pictures are read whole."""
    if min(image.shape[2:]) == size_px:
        return image
    return images.to_array(images.resize_short_side(images.from_array(image), size_px))


def camera_path_clip(count: int, size_px: int, seed: int = 0) -> Clip:
    """Render `count` frames, 16:9, of a camera that sways, zooms and rotates over a landscape; the flow is exact."""
    cv2 = opencv()
    width, height = size_px * 16 // 9, size_px
    scene = scenes.landscape(round(SCENE_SCALE * width), round(SCENE_SCALE * height), seed)
    poses = [_pose(index, width, height) for index in range(count)]
    frames = []
    for pose in poses:
        flags = cv2.WARP_INVERSE_MAP | cv2.INTER_CUBIC
        pixels = cv2.warpAffine(scene, pose[:2], (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
        frames.append(images.to_array(Image.fromarray(pixels)))
    flows = [_exact_flow(now, after, width, height) for now, after in pairwise(poses)]
    return Clip("camera path, exact flow", frames, flows, [inside(flow) for flow in flows])


def _pose(index: int, width: int, height: int) -> Array:
    """Return the affine map from pixels of a frame to those of the scene: (3, 3)."""
    phase = 2 * math.pi * index / PERIOD_FRAMES
    scale = 1 + ZOOM * math.sin(phase)
    angle = ROTATION_RADIANS * math.sin(0.7 * phase)
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    x = SCENE_SCALE * width / 2 + SWAY * height * math.sin(phase + 0.5)
    y = SCENE_SCALE * height / 2 + 0.5 * SWAY * height * math.sin(1.3 * phase)
    centred = np.array([[1, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1]])
    pose: Array = np.array([[cosine, -sine, x], [sine, cosine, y], [0, 0, 1]]) @ centred
    return pose


def _exact_flow(now: Array, after: Array, width: int, height: int) -> Array:
    """Return the optical flow between two poses of the camera: (H, W, 2) in px."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    source = np.stack([x, y, np.ones_like(x)], -1).astype(np.float64)
    target = source @ (np.linalg.inv(after) @ now).T
    return (target - source)[..., :2].astype(np.float32)
