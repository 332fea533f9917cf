"""Measure a sound track over time: loudness, spectral balance and onsets, by librosa."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from .soundtrack import RATE, Samples

Curve = NDArray[np.float32]

# Samples of a window of the Fourier transform (46 ms), between two of them (12 ms), and windows transformed at once.
WINDOW, HOP, BLOCK = 1024, 256, 2048
STEP_S = HOP / RATE
MEL_BANDS = 64
# Silence after the end, in which what the sound did dies away.
TAIL_S = 2.0
# Mean square of the window, which is to cost no loudness.
HANN_POWER = 3 / 8
# Of 16-bit sound the last bit lies there; what is below is silence.
SILENT_DB = -90.0


@dataclass(frozen=True)
class AudioFeatures:
    """Hold the features of a sound track, a value every `STEP_S`, the first at 0."""

    loudness_db: Curve
    """RMS in dB of full scale, at least `SILENT_DB`."""
    centroid: Curve
    """Centre of gravity of the spectrum, log2 of Hz."""
    onset_strength: Curve
    """Spectral flux: mean rise over the mel bands in dB, from 0."""
    onsets: NDArray[np.intp]
    """Places of the onsets."""


def measure(pieces: Iterable[Samples]) -> AudioFeatures:
    """Return the features of a sound track that comes in pieces, (2, N) float32 at `RATE` each.

    A minute of sound takes about 0.2 s and 8 MB. Raises FastStyleError where librosa is not installed.
    """
    librosa = _librosa()
    loudness, centroid, bands = [], [], []
    for samples in _blocks(pieces):
        spectrum = librosa.stft(samples, n_fft=WINDOW, hop_length=HOP, center=False)
        # Of both channels together: their sum would lose what is in opposite phase.
        power = np.square(np.abs(spectrum)).mean(0) / HANN_POWER
        magnitude = np.sqrt(power)
        loudness.append(librosa.feature.rms(S=magnitude, frame_length=WINDOW)[0])
        centroid.append(librosa.feature.spectral_centroid(S=magnitude, sr=RATE)[0])
        bands.append(librosa.feature.melspectrogram(S=power, sr=RATE, n_mels=MEL_BANDS))
    mel = librosa.power_to_db(np.concatenate(bands, 1))
    flux = librosa.onset.onset_strength(S=mel, sr=RATE, hop_length=HOP, n_fft=WINDOW)
    flux = flux.astype(np.float32)
    found = librosa.onset.onset_detect(onset_envelope=flux, sr=RATE, hop_length=HOP) if flux.any() else ()
    onsets = np.asarray(found, np.intp)
    end = len(flux) - round((TAIL_S + WINDOW / RATE) / STEP_S)  # where a sound is cut off, the cut is no onset
    return AudioFeatures(
        np.maximum(librosa.amplitude_to_db(np.concatenate(loudness), top_db=None), SILENT_DB).astype(np.float32),
        np.log2(np.maximum(np.concatenate(centroid), 20)).astype(np.float32),
        flux,
        onsets[onsets < end],
    )


def _blocks(pieces: Iterable[Samples]) -> Iterator[Samples]:
    """The sound in blocks that overlap, so that their windows are those of the whole; the first is centred on 0."""
    length, tail = (BLOCK - 1) * HOP + WINDOW, np.zeros((2, round(TAIL_S * RATE)), np.float32)
    held, count = [np.zeros((2, WINDOW // 2), np.float32)], WINDOW // 2
    for piece in chain(pieces, [tail]):
        held.append(piece)
        count += piece.shape[1]
        if count >= length:
            joined = np.concatenate(held, 1)
            while joined.shape[1] >= length:
                yield joined[:, :length]
                joined = joined[:, BLOCK * HOP :]
            held, count = [joined], joined.shape[1]
    yield np.concatenate(held, 1)


def _librosa() -> Any:
    try:
        import librosa
    except ImportError as error:
        raise FastStyleError('following sound needs librosa: pip install "fast_style[video,audio]"') from error
    return librosa
