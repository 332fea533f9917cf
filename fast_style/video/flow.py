"""Estimate optical flow (OpenCV's DIS, no weights to download), warp along it, and find where it can be trusted."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..images.color import luma

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Sundaram, Brox & Keutzer 2010, eq. 5 and 6: flow is consistent where forward and backward flow cancel but for this
# share of the squared lengths, plus a constant in px^2; motion boundaries are where its gradient exceeds the
# others.
CONSISTENT_SHARE, CONSISTENT_PX2 = 0.01, 0.5
BOUNDARY_SHARE, BOUNDARY_PX2 = 0.01, 0.002


class FlowEstimator:
    """Estimate flow by dense inverse search (Kroeger et al. 2016); keeps its buffers between calls of one size."""

    def __init__(self, preset: Literal["ultrafast", "fast", "medium"] = "medium") -> None:
        """preset: speed against accuracy. Raises FastStyleError when OpenCV is not installed."""
        cv2 = opencv()
        self._dis = cv2.DISOpticalFlow_create(getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{preset.upper()}"))

    def __call__(self, start: Array, end: Array) -> Array:
        """Return where the pixels of `start` went in `end`: RGB (1, 3, H, W) in [0, 1] each, to (H, W, 2) px, x then y.

        `warp(end, flow)` then looks like `start`. Pictures below 12 px a side have no flow: zeros.
        """
        first, second = _grey(start), _grey(end)
        if min(first.shape) < 12:
            return np.zeros((*first.shape, 2), np.float32)
        flow: Array = self._dis.calc(first, second, None)
        return flow


def warp(image: Array, flow: Array, kernel: Literal["linear", "cubic", "lanczos"] = "cubic") -> Array:
    """Warp backward: the result at x is `image` at x + flow(x).

    image: (N, C, H, W); flow: (H, W, 2) px. Beyond the border the nearest pixel counts. cubic and lanczos (8 taps) are
    sharper than linear and may overshoot the range of the image.
    """
    cv2 = opencv()
    mode = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}[kernel]
    where = flow + _grid(*flow.shape[:2])
    planes = image.reshape(-1, *image.shape[2:])
    warped = [cv2.remap(plane, where, None, mode, borderMode=cv2.BORDER_REPLICATE) for plane in planes]
    return np.stack(warped).reshape(image.shape)


def inside(flow: Array) -> Mask:
    """Return (H, W): whether x + flow(x) lies in the picture."""
    height, width = flow.shape[:2]
    where = flow + _grid(height, width)
    last = np.array([width - 1, height - 1], np.float32)
    result: Mask = np.logical_and.reduce([where >= 0, where <= last]).all(-1)
    return result


def consistent(forward: Array, backward: Array) -> Mask:
    """Return (H, W): whether the pixel at x, moved forward and backward, returns to x; where not, it was occluded.

    forward: flow from this picture to the other; backward: from the other to this one; (H, W, 2) px each. Sundaram et
    al. 2010, as in Ruder et al. 2016 and Lai et al. 2018; pixels that leave the picture are not consistent.
    """
    returned = warp(backward.transpose(2, 0, 1)[None], forward, "linear")[0].transpose(1, 2, 0)
    gap = np.square(forward + returned).sum(-1)
    length = np.square(forward).sum(-1) + np.square(returned).sum(-1)
    result: Mask = (gap < CONSISTENT_SHARE * length + CONSISTENT_PX2) & inside(forward)
    return result


def boundaries(flow: Array) -> Mask:
    """Return (H, W): whether x lies on a motion boundary, where flow is unreliable; flow: (H, W, 2) px."""
    if min(flow.shape[:2]) < 2:
        return np.zeros(flow.shape[:2], np.bool_)
    gradient = np.sum([np.square(part).sum(-1) for part in np.gradient(flow, axis=(0, 1))], axis=0)
    result: Mask = gradient > BOUNDARY_SHARE * np.square(flow).sum(-1) + BOUNDARY_PX2
    return result


def opencv() -> Any:
    """Return the package OpenCV. Raises FastStyleError when it is not installed."""
    try:
        import cv2
    except ImportError as error:
        raise FastStyleError('this needs OpenCV: pip install "fast_style[video]"') from error
    return cv2


def _grid(height: int, width: int) -> Array:
    """Return (H, W, 2): x and y of every pixel."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)


def _grey(image: Array) -> NDArray[np.uint8]:
    return (luma(image[:1])[0, 0] * 255 + 0.5).clip(0, 255).astype(np.uint8)
