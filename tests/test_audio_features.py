"""Features of sound: the same in pieces of any length, of mono and of channels in opposite phase."""

import numpy as np
import pytest

from fast_style.errors import FastStyleError
from fast_style.video import audio_features
from fast_style.video.audio_features import SILENT_DB, STEP_S, measure

from .sounds import CLICKS_S, clicks, noise, tone


def test_features_do_not_depend_on_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = clicks() + 0.1 * noise(10)
    whole = measure([sound])
    monkeypatch.setattr(audio_features, "BLOCK", 37)
    for size in (700, 30_000):
        parts = measure(sound[:, start : start + size] for start in range(0, sound.shape[1], size))
        for name in ("loudness_db", "centroid", "onset_strength"):
            np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=0.02, err_msg=name)
        assert list(parts.onsets) == list(whole.onsets)


def test_onsets_are_where_they_are_heard() -> None:
    np.testing.assert_allclose(measure([clicks()]).onsets * STEP_S, CLICKS_S, atol=0.02)


def test_channels_in_opposite_phase_are_heard() -> None:
    one = clicks()[:1]
    same, opposite = (measure([np.concatenate([one, sign * one])]) for sign in (1, -1))
    np.testing.assert_allclose(opposite.loudness_db, same.loudness_db, atol=0.01)
    assert list(opposite.onsets) == list(same.onsets)


def test_loudness_and_balance_have_their_units() -> None:
    found = measure([tone(1000, 3)])
    middle = len(found.loudness_db) // 3
    assert found.loudness_db[middle] == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.5)
    assert found.centroid[middle] == pytest.approx(np.log2(1000), abs=0.1)
    assert found.loudness_db[-1] == SILENT_DB


@pytest.mark.parametrize("length", [0, 1, 700, 1024])
def test_short_sound(length: int) -> None:
    found = measure([noise(1)[:, :length]] if length else [])
    assert len(found.loudness_db) == len(found.centroid) == len(found.onset_strength) > 100
    assert np.isfinite(found.onset_strength).all()


def test_where_a_sound_is_cut_off_is_no_onset() -> None:
    assert all(measure([tone(440, 4)]).onsets * STEP_S < 0.1)


def test_without_librosa_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "librosa", None)
    with pytest.raises(FastStyleError, match=r'librosa: pip install "fast_style\[video,audio\]"'):
        measure([noise(1)])
