"""Sound for the tests, made on the spot: clicks at known times, noise, tones, WAV files."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fast_style.video.audio_features import AudioFeatures, measure
from fast_style.video.soundtrack import RATE

Sound = NDArray[np.float32]
CLICKS_S = np.array([0.5, 1.13, 2.0, 2.77, 3.5, 4.2, 5.55, 6.1, 7.03, 8.8])


def clicks(times_s: NDArray[np.float64] = CLICKS_S, rate: int = RATE, seconds: float = 10) -> Sound:
    """Short bursts of noise, (2, N), that begin at those times."""
    rng, sound = np.random.default_rng(0), np.zeros((2, round(rate * seconds)), np.float32)
    length = rate // 50
    for time in times_s:
        burst = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 5)) * 0.25
        sound[:, round(time * rate) :][:, :length] += burst.astype(np.float32)
    return sound


def noise(seconds: float) -> Sound:
    return (0.1 * np.random.default_rng(1).standard_normal((2, round(RATE * seconds)))).astype(np.float32)


def tone(frequency: float, seconds: float) -> Sound:
    one = 0.3 * np.sin(2 * np.pi * frequency * np.arange(round(RATE * seconds)) / RATE)
    return np.stack([one, one]).astype(np.float32)


def measured(sound: Sound) -> AudioFeatures:
    return measure([sound])


def save(path: Path, sound: Sound, rate: int = RATE) -> Path:
    """Write a 16-bit WAV file, (channels, N)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(sound))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound.T.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return path
