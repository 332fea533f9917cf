"""Reduce flicker: average each stylized frame with those before it, warped along the optical flow."""

from dataclasses import dataclass

import numpy as np

from . import flow
from .types import Array

# Mean absolute difference of a pixel's surroundings (sigma in px) to where it came from, at which trust is a half, and
# the share of it over which trust falls.
DIFFERENT, FALL, SURROUNDINGS_PX = 0.12, 0.5, 2.0
# Below this share of trusted pixels the frame begins another scene.
LEAST_TRUSTED = 0.15
# Squared change along the flow that is to be left, as a share of that of frames stylized one by one. Averaging strokes
# any further costs more of the style than it takes away flicker.
TARGET_CHANGE = 0.45
WEIGHT, LEAST, MOST = 0.45, 0.2, 0.7
# Bands of strokes (sigma in px) whose contrast, which averaging takes, is restored; over which surroundings it is
# measured, and how far it may be raised.
BANDS_PX, ENERGY_PX, RAISE = (1.0, 2.0, 4.0, 8.0), 20.0, 2.0


@dataclass
class _Previous:
    """What is kept of the previous frame."""

    frame: Array
    stylized: Array
    """As it came from the network."""
    average: Array
    """The average along the flow, before its contrast is restored."""
    shown: Array


class FlowFilter:
    """Average each stylized frame with those before it, warped along DIS flow (after Ruder et al. 2016).

    Trusted is where the flow is consistent forwards and backwards (Sundaram et al. 2010) and the film looks like where
    it came from; elsewhere, as at occlusions and cuts, the frame stays as it was stylized. An average of strokes that
    do not quite coincide is dull, so that each band of detail gets the local contrast of the stylized frame again. The
    weight of the past follows what it achieves: as little as brings the change along the flow down to `TARGET_CHANGE`.
    """

    def __init__(self) -> None:
        self._estimate = flow.FlowEstimator("medium")
        self._previous: _Previous | None = None
        self._weight = WEIGHT
        self.trusted = 0.0
        """Share of the last frame in which the past was trusted; 0 after a cut."""

    def __call__(self, frame: Array, stylized: Array) -> Array:
        """Return the frame to show, from the film's frame and the stylized one; all RGB (1, 3, H, W) in [0, 1]."""
        before = self._previous
        if before is None or before.frame.shape != frame.shape:
            return self._start(frame, stylized)
        forward, backward = self._estimate(frame, before.frame), self._estimate(before.frame, frame)
        consistent = flow.consistent(forward, backward)
        trust = _trust(frame, before.frame, forward, consistent)
        self.trusted = float(trust.mean())
        if self.trusted < LEAST_TRUSTED:
            return self._start(frame, stylized)
        average = stylized + self._weight * trust * (flow.warp(before.average, forward, "lanczos") - stylized)
        shown = _with_contrast(average, stylized).clip(0, 1)
        self._adjust(before, stylized, shown, forward, consistent)
        self._previous = _Previous(frame, stylized, average, shown)
        return shown

    def _start(self, frame: Array, stylized: Array) -> Array:
        self._previous = _Previous(frame, stylized, stylized, stylized)
        self.trusted = 0.0
        return stylized

    def _adjust(self, before: _Previous, stylized: Array, shown: Array, forward: Array, consistent: flow.Mask) -> None:
        """Move the weight of the past so that the change that is left comes nearer to `TARGET_CHANGE`."""
        changes = [
            float((consistent * np.square(flow.warp(old, forward, "linear") - new)).mean())
            for old, new in ((before.stylized, stylized), (before.shown, shown))
        ]
        if changes[0] > 0:
            step = np.clip((changes[1] / (TARGET_CHANGE * changes[0])) ** 0.3, 0.9, 1.1)
            self._weight = float(np.clip(self._weight * step, LEAST, MOST))


def _trust(frame: Array, before: Array, forward: Array, consistent: flow.Mask) -> Array:
    """Return (1, 1, H, W) in [0, 1]: how far the previous frame, warped, stands for this one."""
    difference = np.abs(_blur(flow.warp(before, forward, "linear") - frame, SURROUNDINGS_PX)).mean(1)[0]
    alike = np.clip((DIFFERENT * (1 + FALL) - difference) / (2 * FALL * DIFFERENT), 0, 1)
    trusted = consistent * alike
    cv2 = flow.opencv()
    # Flow is off by a pixel around what moves; and a hard edge would show.
    inner = cv2.GaussianBlur(cv2.erode(trusted.astype(np.float32), np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    result: Array = inner[None, None]
    return result


def _with_contrast(average: Array, stylized: Array) -> Array:
    """Return the average with the local contrast of the stylized frame in each band, where it has less."""
    result = np.zeros_like(average)
    for sigma_px in BANDS_PX:
        below, below_painted = _blur(average, sigma_px), _blur(stylized, sigma_px)
        detail = average - below
        energy = [
            _blur(np.square(part).mean(1, keepdims=True), ENERGY_PX) for part in (detail, stylized - below_painted)
        ]
        result += detail * np.sqrt((energy[1] + 1e-6) / (energy[0] + 1e-6)).clip(1, RAISE)
        average, stylized = below, below_painted
    whole: Array = result + average
    return whole


def _blur(image: Array, sigma_px: float) -> Array:
    """Return (N, C, H, W) blurred by a Gaussian."""
    cv2 = flow.opencv()
    planes = [cv2.GaussianBlur(plane, (0, 0), sigma_px) for plane in image.reshape(-1, *image.shape[2:])]
    return np.stack(planes).reshape(image.shape)
