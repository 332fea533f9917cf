"""Curves of sound: on the beat, bounded, flat in silence, and key frames that follow them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fast_style.options import StylizeOptions
from fast_style.video.audio_curves import AudioCurves, curves_of, keys_of, thinned
from fast_style.video.audio_features import STEP_S, TAIL_S
from fast_style.video.keyframes import Keyframes

from .sounds import CLICKS_S, clicks, measured, noise, tone

FRAME_S = 1 / 25


def strength_of(curves: AudioCurves) -> NDArray[np.float32]:
    return curves.strength(0.3, 1)


def peaks(times: NDArray[Any], values: NDArray[np.float32]) -> NDArray[Any]:
    """The times of local maxima that stand out."""
    inner = (values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:]) & (values[1:-1] > 0.6)
    return times[1:-1][inner]


@pytest.mark.parametrize("gain", [1, 0.03])
def test_strength_peaks_at_the_clicks(gain: float) -> None:
    """Within 40 ms, each click once, and nothing else: in the curve, in the key frames, and at 25 frames a second."""
    curves = curves_of(measured(gain * clicks()))
    strength = strength_of(curves)
    found = peaks(np.arange(len(strength)) * STEP_S, strength)
    np.testing.assert_allclose(found, CLICKS_S, atol=0.04)
    options = StylizeOptions()
    keys = Keyframes([str(key) for key in keys_of(curves, options, 0.3, ["wave"])], options, ["wave"])
    times = np.arange(0, 11, 0.005)
    followed = np.array([keys.at(time).strength for time in times], np.float32)
    np.testing.assert_allclose(peaks(times, followed), CLICKS_S, atol=0.04)
    frames = np.arange(0, 11, FRAME_S)
    shown = np.array([keys.at(time).strength for time in frames], np.float32)
    np.testing.assert_allclose(peaks(frames, shown), CLICKS_S, atol=0.04)
    assert shown.max() <= 1 and (shown[np.round(CLICKS_S / FRAME_S).astype(int)] > 0.7).all()


def test_a_pulse_rises_in_a_moment_and_falls_slowly() -> None:
    strength = strength_of(curves_of(measured(clicks())))
    place = round(CLICKS_S[-1] / STEP_S)
    top = place - 4 + int(strength[place - 4 : place + 4].argmax())
    above = np.flatnonzero(strength > (strength[top] + 0.3) / 2)
    before, after = top - above[above > top - 60][0], above[-1] - top
    assert before * STEP_S < 0.1 < 1.5 * before * STEP_S + after * STEP_S
    assert after > 1.5 * before


@pytest.mark.parametrize("name", ["clicks", "dense", "noise", "tone", "stops"])
def test_changes_from_frame_to_frame_are_bounded(name: str) -> None:
    sounds = {
        "clicks": clicks(),
        "dense": clicks(np.arange(0.5, 9, 1 / 9)) + 0.01 * noise(10),
        "noise": noise(8),
        "tone": tone(440, 8),
        "stops": np.concatenate([noise(4), np.zeros((2, 22050 * 4), np.float32)], 1),
    }
    curves = curves_of(measured(sounds[name]))
    for curve, most in ((strength_of(curves), 0.28), (curves.brightness, 0.06), (curves.scale(), 0.12)):
        assert np.isfinite(curve).all()
        step = round(FRAME_S / STEP_S)
        assert np.abs(curve[step:] - curve[:-step]).max() < most * step * STEP_S / FRAME_S
    assert strength_of(curves).min() >= 0.3 - 1e-6 and strength_of(curves).max() <= 1 + 1e-6


def test_dense_onsets_do_not_flicker() -> None:
    """At nine clicks a second the strength swings by less than at one."""
    sparse, dense = (
        strength_of(curves_of(measured(clicks(np.arange(0.5, 9, 1 / rate)))))[round(2 / STEP_S) : round(8 / STEP_S)]
        for rate in (1, 9)
    )
    assert np.ptp(dense) < 0.5 * np.ptp(sparse)
    turns = np.diff(np.sign(np.diff(dense)))
    swings = np.abs(np.diff(dense[1:-1][turns != 0]))
    assert swings.max() < 0.35


def test_steady_sound_has_no_pulses() -> None:
    for sound in (noise(8), tone(220, 8)):
        pulse = curves_of(measured(sound)).pulse
        assert pulse[round(0.7 / STEP_S) :].max() < 0.25


@pytest.mark.parametrize("gain", [0, 1e-4])
def test_silence_is_flat(gain: float) -> None:
    """Digital silence, and what is below the last bit of 16."""
    curves = curves_of(measured((gain * noise(2)).astype(np.float32)))
    assert not curves.loudness.any() and not curves.pulse.any()
    first, last = keys_of(curves, StylizeOptions(strength=0.2), 0.3, ["wave"])
    assert (first.strength, first.scale, last.strength) == (0.2, 1, 0.2)  # the floor is not above --strength


def test_loudness_raises_the_strength_whatever_the_level_of_the_recording() -> None:
    swell = np.concatenate([gain * noise(4) for gain in (0.03, 0.3)], 1)
    found = [strength_of(curves_of(measured((gain * swell).astype(np.float32)))) for gain in (1, 0.1)]
    np.testing.assert_allclose(found[0], found[1], atol=0.02)
    quiet, loud = found[0][round(2 / STEP_S)], found[0][round(6 / STEP_S)]
    assert 0.3 < quiet < loud - 0.2
    assert found[0][-round(0.5 * TAIL_S / STEP_S)] == pytest.approx(0.3, abs=0.05)  # after the end


def test_dark_sound_has_bold_strokes_and_the_first_style() -> None:
    curves = curves_of(measured(np.concatenate([tone(110, 5), tone(3520, 5)], 1)))
    options = StylizeOptions(style="a=1,b=2,c=3")
    styles = ["c", "b", "a"]
    keys = Keyframes([str(key) for key in keys_of(curves, options, 0.3, styles)], options, styles)
    assert keys.scale_at(2) > 1.9 and keys.scale_at(8) == 1
    dark, bright = keys.at(2).style, keys.at(8).style
    assert all('"c"=0.5' in text for text in (dark, bright))  # the third keeps its share
    assert '"a"=0.49' in dark and '"b"=0.49' in bright
    assert not any(key.blend for key in keys_of(curves, StylizeOptions(style="a"), 0.3, styles))


def test_thinned_curves_stay_within_the_tolerance() -> None:
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(0, 0.01, (2000, 2)), 0).astype(np.float32)
    places = thinned(values, 0.02)
    between = np.stack([np.interp(np.arange(2000), places, values[places, c]) for c in range(2)], 1)
    assert np.abs(between - values).max() <= 0.02 + 1e-6
    assert len(places) < 700
    assert thinned(np.zeros((500, 3), np.float32), 0.01) == [0, 499]
