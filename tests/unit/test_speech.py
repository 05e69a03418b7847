import numpy as np
import pytest

from audio import speech
from audio.clip import Clip
from audio.speech import is_speech, signs
from audio.synth.composer import STYLES, Shift, compose
from support.signals import chord, click, noise, silence, sweep, tone
from support.speech import RATE, talk


@pytest.mark.parametrize("seed", range(6))
def test_syllables_with_pauses_sound_like_speech(seed):
    assert is_speech(talk(seed)), signs(talk(seed))


@pytest.mark.parametrize("genre", STYLES)
def test_composed_songs_never_sound_like_speech(genre):
    for seed in range(4):
        shift = Shift.drawn(seed) if seed % 2 else Shift()
        found = signs(compose(genre, seed, shift=shift))
        assert not found.is_speech, (seed, found)


@pytest.mark.parametrize("genre", ["blues", "disco", "metal"])
def test_speech_over_a_bed_of_music_is_still_speech(genre):
    """A podcast: the song 12 dB below the voice."""
    voice, bed = talk(1), compose(genre, 1, sampling_rate=RATE)
    samples = voice.samples[: bed.n_samples]
    power = np.mean(samples**2) / np.mean(bed.samples**2)
    mixed = samples + bed.samples * np.sqrt(power) * 10 ** (-12 / 20)
    assert is_speech(Clip(mixed / np.abs(mixed).max(), RATE, "podcast"))


@pytest.mark.parametrize("make", [tone, chord, sweep, noise, click, silence])
def test_plain_signals_do_not_sound_like_speech(make):
    assert not is_speech(make(duration_s=5.0))


def test_a_clip_too_short_to_tell_is_not_called_speech():
    clip = talk(0)
    assert is_speech(clip.slice(0, 6)) or is_speech(clip.slice(6, 12))
    assert not is_speech(clip.slice(0, 2.9))


def test_steadiness_of_a_tone_is_one_and_of_noise_is_not():
    assert signs(tone(duration_s=4.0)).steadiness == pytest.approx(1.0, abs=0.01)
    assert signs(noise(duration_s=4.0)).steadiness < 0.9


def test_pulse_of_a_beat_is_high_and_of_chance_is_low():
    rng = np.random.default_rng(1)
    even = np.arange(0.1, 9.5, 0.5)
    uneven = np.sort(rng.uniform(0.1, 9.5, len(even)))
    high, low = (
        signs(Clip(beats(at_s) + 1e-4 * rng.standard_normal(10 * RATE), RATE)).pulse
        for at_s in (even, uneven)
    )
    assert high > 0.6 > 0.4 > low


def beats(at_s):
    samples = np.zeros(10 * RATE)
    decay = 0.5 * np.exp(-np.arange(RATE // 10) / 400)
    for start in (np.asarray(at_s) * RATE).astype(int):
        samples[start : start + len(decay)] += decay
    return np.clip(samples, -1, 1)


def test_pauses_are_the_share_of_quiet_frames():
    half_a_second = RATE // 2
    on = tone(duration_s=0.5, sampling_rate=RATE).samples
    samples = np.tile(np.concatenate([on, np.zeros(half_a_second)]), 8)
    assert signs(Clip(samples, RATE)).pauses == pytest.approx(0.5, abs=0.03)


def test_level_and_rate_do_not_matter():
    clip = talk(3)
    quiet = Clip(clip.samples / 8, RATE)
    assert signs(quiet).pauses == pytest.approx(signs(clip).pauses, abs=0.02)
    assert is_speech(clip.resampled(44_100)) == is_speech(clip)


def test_of_a_long_clip_only_the_middle_is_measured(monkeypatch):
    monkeypatch.setattr(speech, "MAX_DURATION_S", 4.0)
    hum = tone(200.0, 8.0, RATE).samples
    clip = Clip(np.concatenate([hum, talk(1, 6.0).samples, hum]), RATE)
    assert signs(clip).steadiness < 0.7
