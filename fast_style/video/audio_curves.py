"""Turn the features of a sound track into curves of strength, style and stroke scale, and these into key frames.

    loudness          -> strength, from a floor in silence to `SUSTAINED` of the way up in loud passages
    onsets            -> pulses of strength, up to full strength
    spectral balance  -> stroke scale: dark sound has large strokes, bright sound fine ones;
                         and, where the style is a blend, from its first style (dark) to its second (bright)

What is slow is smoothed symmetrically, so that it neither lags nor trembles. A pulse rises before its onset, which is
known ahead, is highest at it and falls slowly: dense onsets melt together instead of flickering.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..inference.style_weights import shares
from ..options import StylizeOptions
from .audio_features import SILENT_DB, STEP_S, AudioFeatures, Curve
from .keyframes import LARGEST_SCALE, Key

# Loudness below the loud passages (their percentile) at which the style is at its floor, in dB.
LOUD_PERCENTILE, RANGE_DB = 95, 30.0
# How far towards full strength loudness alone goes; the rest belongs to the pulses.
SUSTAINED = 0.5
# A pulse rises for so long, and then falls to a half in so long.
ATTACK_S, HALF_LIFE_S = 0.12, 0.2
# Spectral flux, in dB over what is usual around it, of an onset whose pulse is full; below the least there is none.
FULL_ONSET_DB, LEAST_ONSET_DB, AROUND_S = 8.0, 1.0, 1.0
# The pulse of an onset is as high as the sound just after it is loud.
AFTER_S = 0.1
# Widths of the windows (Hann) over which loudness and spectral balance are smoothed.
LOUDNESS_S, BALANCE_S = 0.6, 2.0
# Mean loudness, over the same time, of what counts as more than a sound here and there.
HEARD = 0.05
# Brightness below which strokes are larger: two sizes at once are soft, and take longer to paint.
BOLD_BELOW = 0.5
# Octaves between dark and bright, at least: what differs by less is not told apart.
LEAST_SPAN = 1.0
# Curves may be off by so much where keys are left out: of strength and shares, 1/100 is not seen.
TOLERANCE = 0.01


@dataclass(frozen=True)
class AudioCurves:
    """Hold the curves of a sound track, a value every `STEP_S`, the first at 0."""

    loudness: Curve
    """0 in silence to 1 in loud passages, slow."""
    pulse: Curve
    """0 between onsets to 1 at strong ones, quick up and slow down."""
    brightness: Curve
    """0 dark to 1 bright, slow."""
    boldness: Curve
    """1 dark to 0 from the middle on, slow, with less time in between; 0 in silence."""

    def strength(self, floor: float, full: float) -> Curve:
        """Return the strength, from `floor` in silence to `full` at strong onsets."""
        sustained = SUSTAINED * self.loudness
        return (floor + (full - floor) * (sustained + (1 - sustained) * self.pulse)).astype(np.float32)

    def scale(self) -> Curve:
        """Return the scale of the strokes: 1, fine, to `LARGEST_SCALE` in dark sound; 1 in silence."""
        return 1 + np.float32(LARGEST_SCALE - 1) * self.boldness


def curves_of(features: AudioFeatures) -> AudioCurves:
    """Return the curves of a sound track. What is silent throughout has flat ones."""
    level = features.loudness_db
    sounding = level[level > SILENT_DB]
    loud_db = max(SILENT_DB + RANGE_DB, float(np.percentile(sounding, LOUD_PERCENTILE)) if len(sounding) else 0.0)
    loudness = ((level - loud_db) / RANGE_DB + 1).clip(0, 1)
    brightness = _brightness(features.centroid, loudness)
    heard = np.minimum(1, _smoothed(loudness, BALANCE_S) / HEARD)
    dark = np.maximum(0, 1 - brightness / BOLD_BELOW)
    boldness = heard * dark * dark * (3 - 2 * dark)
    return AudioCurves(_smoothed(loudness, LOUDNESS_S), _pulses(features, loudness), brightness, boldness)


def _pulses(features: AudioFeatures, loudness: Curve) -> Curve:
    """The highest of all pulses at each time."""
    flux, curve = features.onset_strength, np.zeros_like(loudness)
    rise, after = round(ATTACK_S / STEP_S), round(AFTER_S / STEP_S)
    fall = round(8 * HALF_LIFE_S / STEP_S)
    attack = np.arange(rise) / rise
    shape = np.concatenate([attack, 0.5 ** (np.arange(fall) * STEP_S / HALF_LIFE_S)])
    around = round(AROUND_S / STEP_S)
    for place in features.onsets:
        usual = float(np.median(flux[max(0, place - around) : place + around]))
        height = (float(flux[place]) - usual - LEAST_ONSET_DB) / (FULL_ONSET_DB - LEAST_ONSET_DB)
        height = min(1.0, max(0.0, height)) * float(loudness[place : place + after].max())
        first = max(0, place - rise)
        part = curve[first : place + fall]
        np.maximum(part, height * shape[first - place + rise :][: len(part)], out=part)
    return curve


def _brightness(centroid: Curve, loudness: Curve) -> Curve:
    """Where the spectrum lies between the dark and the bright parts of the track; half-way where nothing is heard."""
    heard = loudness > 0
    if not heard.any():
        return np.full_like(loudness, 0.5)
    low, middle, high = np.percentile(centroid[heard], (10, 50, 90))
    low, high = min(low, middle - LEAST_SPAN / 2), max(high, middle + LEAST_SPAN / 2)
    share = ((centroid - low) / (high - low)).clip(0, 1)
    # What is loud counts for more; where nothing is heard it goes on to what is heard next.
    weight = _smoothed(loudness, BALANCE_S)
    clear = np.flatnonzero(weight > HEARD / 2)
    if not len(clear):
        return np.full_like(loudness, 0.5)
    balance = _smoothed(share * loudness, BALANCE_S)[clear] / weight[clear]
    return np.interp(np.arange(len(loudness)), clear, balance.clip(0, 1)).astype(np.float32)


def _smoothed(curve: Curve, width_s: float) -> Curve:
    """The curve under a moving Hann window of that width, mirrored at its begin and end."""
    half = round(width_s / 2 / STEP_S)
    window = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(curve, half, mode="reflect")
    return np.convolve(padded, window / window.sum(), "valid").astype(np.float32)


def keys_of(curves: AudioCurves, options: StylizeOptions, floor: float, styles: Sequence[str]) -> list[Key]:
    """Return the key frames of the curves, as few as follow them.

    options: their strength is the highest; a blend in them goes between its first two styles. floor: strength in
    silence. styles: the names of the model's styles. Raises FastStyleError for unknown styles.
    """
    blend = shares(options.style, styles) if options.style else {}
    strength, scale = curves.strength(min(floor, options.strength), options.strength), curves.scale()
    values = np.stack([strength, scale, curves.brightness if len(blend) > 1 else np.zeros_like(scale)], 1)
    places = thinned(values, TOLERANCE)
    return [
        Key(
            round(place * STEP_S, 3),
            _between(blend, float(values[place, 2])) if len(blend) > 1 else {},
            round(float(values[place, 0]), 3),
            round(float(values[place, 1]), 2),
        )
        for place in places
    ]


def _between(blend: Mapping[str, float], share: float) -> Mapping[str, float]:
    """The blend with the parts of its first two styles divided anew."""
    (first, one), (second, two), *others = blend.items()
    total = sum(blend.values())
    parts = {first: (one + two) * (1 - share), second: (one + two) * share, **dict(others)}
    return {name: round(part / total, 3) for name, part in parts.items()}


def thinned(values: NDArray[np.float32], tolerance: float) -> list[int]:
    """Return the places of curves (T, C) that lines between them miss by at most `tolerance` (Douglas, Peucker)."""
    kept, spans = {0, len(values) - 1}, [(0, len(values) - 1)]
    while spans:
        start, end = spans.pop()
        if end - start < 2:
            continue
        share = np.arange(1, end - start)[:, None] / (end - start)
        line = values[start] + share * (values[end] - values[start])
        off = np.abs(values[start + 1 : end] - line).max(1)
        worst = start + 1 + int(off.argmax())
        if off.max() > tolerance:
            kept.add(worst)
            spans += [(start, worst), (worst, end)]
    return sorted(kept)
