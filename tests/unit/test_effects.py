"""Each change of a clip changes what it says, on sounds whose answer is known."""

import numpy as np
import pytest

from audio import effects
from audio.clip import Clip
from support.signals import tone

RATE = 16000


def level_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20)


def strongest_hz(clip):
    spectrum = np.abs(np.fft.rfft(clip.samples * np.hanning(clip.n_samples)))
    return np.argmax(spectrum) * clip.sampling_rate / clip.n_samples


def two_tones():
    low, high = (tone(hz, 2.0, RATE, 0.3).samples for hz in (300.0, 3000.0))
    return Clip(low + high, RATE)


def clicks_and_tone():
    samples = np.array(tone(440.0, 2.0, RATE, 0.2).samples)
    samples[1600::4000] += 0.7
    return Clip(samples, RATE)


@pytest.mark.parametrize(("name", "hz"), [("low", 300.0), ("high", 3000.0)])
def test_filters_keep_one_of_two_tones(name, hz):
    found = effects.changed(two_tones(), name)
    assert strongest_hz(found) == pytest.approx(hz, abs=1)
    other = np.abs(np.fft.rfft(found.samples))[round({300: 3000, 3000: 300}[hz] * 2)]
    assert other < 1e-3 * np.abs(np.fft.rfft(found.samples)).max()


@pytest.mark.parametrize(("name", "n"), [("up", 3), ("down", -3)])
def test_transposition_moves_the_pitch_and_keeps_the_length(name, n):
    song = tone(440.0, 2.0, RATE)
    found = effects.changed(song, name)
    assert strongest_hz(found) == pytest.approx(440 * 2 ** (n / 12), rel=0.003)
    assert found.n_samples == song.n_samples


@pytest.mark.parametrize(("name", "ratio"), [("faster", 1.25), ("slower", 0.8)])
def test_tempo_changes_the_length_and_keeps_the_pitch(name, ratio):
    song = tone(440.0, 2.0, RATE)
    found = effects.changed(song, name)
    assert found.n_samples == pytest.approx(song.n_samples / ratio, abs=1)
    assert strongest_hz(found) == pytest.approx(440.0, rel=0.003)


def test_separation_parts_clicks_from_a_tone():
    song = clicks_and_tone()
    harmonic, percussive = (
        effects.changed(song, name) for name in ("harmonic", "percussive")
    )
    crest = [
        np.abs(c.samples).max() / 10 ** (level_db(c.samples) / 20)
        for c in (harmonic, percussive)
    ]
    assert crest[0] < 3 < 10 < crest[1]
    assert strongest_hz(harmonic) == pytest.approx(440.0, rel=0.003)


def test_only_quieter_changes_the_level():
    song = two_tones()
    for name in effects.names():
        found = effects.changed(song, name).samples
        fall = level_db(song.samples) - level_db(found)
        if np.abs(found).max() > 0.999:  # louder would clip
            continue
        assert fall == pytest.approx(20.0 if name == "quieter" else 0.0, abs=0.1), name


def test_noise_lies_ten_decibels_below():
    song = two_tones()
    found = effects.changed(song, "noise").samples
    gain = np.dot(found, song.samples) / np.dot(song.samples, song.samples)
    noise_db = level_db(found - gain * song.samples)
    assert level_db(gain * song.samples) - noise_db == pytest.approx(10.0, abs=0.1)


def test_order_alone_changes_when_reversed_or_shuffled():
    song = Clip(np.linspace(-0.5, 0.5, 5 * RATE, dtype=np.float32), RATE)
    for name in ("reversed", "shuffled"):
        found = effects.changed(song, name).samples
        assert not np.array_equal(found, song.samples)
        assert np.allclose(np.sort(found), song.samples, atol=1e-6)
    assert np.allclose(effects.changed(song, "reversed").samples, song.samples[::-1])


def test_same_call_gives_the_same_sound_and_silence_stays_silent():
    song = two_tones()
    silence = Clip(np.zeros(2 * RATE, np.float32), RATE)
    for name in effects.names():
        first, second = (effects.changed(song, name).samples for _ in range(2))
        assert np.array_equal(first, second)
        assert not effects.changed(silence, name).samples.any()
