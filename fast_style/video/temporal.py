"""Steady films: what was painted before is carried along the optical flow where that can be trusted."""

from dataclasses import dataclass

import numpy as np

from . import flow
from .types import Array

# Mean absolute difference of a pixel's surroundings (sigma in px) to where it came from, at which trust is a half, and
# the share of it over which trust falls.
DIFFERENT, FALL, SURROUNDINGS_PX = 0.12, 0.5, 2.0
# Below this share of trusted pixels the frame begins another scene.
CUT = 0.15
# Squared change along the flow that is left, beside that of frames painted one by one. Averaging strokes
# any further costs more of the style than it gives in calm.
LEFT = 0.45
WEIGHT, LEAST, MOST = 0.45, 0.2, 0.7
# Bands of strokes (sigma in px) whose contrast, which averaging takes, is given back; over which surroundings it is
# measured, and how far it may be raised.
BANDS_PX, ENERGY_PX, RAISE = (1.0, 2.0, 4.0, 8.0), 20.0, 2.0


@dataclass
class _Before:
    """What is remembered of the frame before."""

    photo: Array
    painted: Array
    """As it came from the network."""
    calm: Array
    """The average along the flow, before its contrast is given back."""
    shown: Array


class FlowFilter:
    """Averages each painted frame with those before it, carried along DIS flow (after Ruder et al. 2016).

    Trusted is where the flow is consistent forwards and backwards (Sundaram et al. 2010) and the film looks like where
    it came from; elsewhere, as at occlusions and cuts, the frame stays as it was painted. An average of strokes that do
    not quite coincide is dull, so that each band of detail gets the local contrast of the painted frame again. The
    weight of the past follows what it achieves: as little as brings the change along the flow down to `LEFT`.
    """

    def __init__(self) -> None:
        self._estimate = flow.FlowEstimator("medium")
        self._before: _Before | None = None
        self._weight = WEIGHT
        self.trusted = 0.0
        """Share of the last frame in which the past was trusted; 0 after a cut."""

    def __call__(self, photo: Array, painted: Array) -> Array:
        """The frame of the film and what was painted of it, RGB (1, 3, H, W) in [0, 1]; returns the frame to show."""
        before = self._before
        if before is None or before.photo.shape != photo.shape:
            return self._start(photo, painted)
        there, back = self._estimate(photo, before.photo), self._estimate(before.photo, photo)
        seen = flow.consistent(there, back)
        trust = _trust(photo, before.photo, there, seen)
        self.trusted = float(trust.mean())
        if self.trusted < CUT:
            return self._start(photo, painted)
        calm = painted + self._weight * trust * (flow.warp(before.calm, there, "lanczos") - painted)
        shown = _with_contrast(calm, painted).clip(0, 1)
        self._adjust(before, painted, shown, there, seen)
        self._before = _Before(photo, painted, calm, shown)
        return shown

    def _start(self, photo: Array, painted: Array) -> Array:
        self._before = _Before(photo, painted, painted, painted)
        self.trusted = 0.0
        return painted

    def _adjust(self, before: _Before, painted: Array, shown: Array, there: Array, seen: flow.Mask) -> None:
        """Move the weight towards where the change that is left, against that of the painted frames, is `LEFT`."""
        changes = [
            float((seen * np.square(flow.warp(old, there, "linear") - new)).mean())
            for old, new in ((before.painted, painted), (before.shown, shown))
        ]
        if changes[0] > 0:
            step = np.clip((changes[1] / (LEFT * changes[0])) ** 0.3, 0.9, 1.1)
            self._weight = float(np.clip(self._weight * step, LEAST, MOST))


def _trust(photo: Array, before: Array, there: Array, seen: flow.Mask) -> Array:
    """(1, 1, H, W) in [0, 1]: how far the frame before, carried along, stands for this one."""
    difference = np.abs(_blur(flow.warp(before, there, "linear") - photo, SURROUNDINGS_PX)).mean(1)[0]
    alike = np.clip((DIFFERENT * (1 + FALL) - difference) / (2 * FALL * DIFFERENT), 0, 1)
    trusted = seen * alike
    cv2 = flow.opencv()
    # Flow is off by a pixel around what moves; and a hard edge would show.
    inner = cv2.GaussianBlur(cv2.erode(trusted.astype(np.float32), np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    result: Array = inner[None, None]
    return result


def _with_contrast(calm: Array, painted: Array) -> Array:
    """`calm` with the local contrast of `painted` in each band, where it has less."""
    result = np.zeros_like(calm)
    for sigma_px in BANDS_PX:
        below, below_painted = _blur(calm, sigma_px), _blur(painted, sigma_px)
        detail = calm - below
        energy = [
            _blur(np.square(part).mean(1, keepdims=True), ENERGY_PX) for part in (detail, painted - below_painted)
        ]
        result += detail * np.sqrt((energy[1] + 1e-6) / (energy[0] + 1e-6)).clip(1, RAISE)
        calm, painted = below, below_painted
    whole: Array = result + calm
    return whole


def _blur(image: Array, sigma_px: float) -> Array:
    """(N, C, H, W) under a Gaussian."""
    cv2 = flow.opencv()
    planes = [cv2.GaussianBlur(plane, (0, 0), sigma_px) for plane in image.reshape(-1, *image.shape[2:])]
    return np.stack(planes).reshape(image.shape)
