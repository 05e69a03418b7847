import numpy as np
import pytest
from signals import chord, click, noise, silence, sweep, tone

from audio import speech
from audio.clip import Clip
from audio.speech import is_speech, signs
from audio.synth.composer import STYLES, Shift, compose

RATE = 16_000
VOWELS_HZ = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480))


def resonated(samples, frequency_hz, bandwidth_hz=90.0):
    """A formant: a resonator of two poles."""
    from scipy.signal import lfilter

    radius = np.exp(-np.pi * bandwidth_hz / RATE)
    angle = 2 * np.pi * frequency_hz / RATE
    return lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], samples)


def syllable(rng):
    """A gliding voice through the formants of two vowels, after a hiss now and then."""
    duration_s = rng.uniform(0.12, 0.25)
    t = np.arange(round(duration_s * RATE)) / RATE
    pitch_hz = rng.uniform(90, 150) * (1 + rng.uniform(-1.5, 1.5) * t)
    voice = np.diff(np.floor(np.cumsum(pitch_hz) / RATE), prepend=0)
    first, second = (VOWELS_HZ[at] for at in rng.choice(len(VOWELS_HZ), 2))
    share = t / duration_s
    vowels = [
        sum(resonated(voice, f) for f in formants) for formants in (first, second)
    ]
    sound = (vowels[0] * (1 - share) + vowels[1] * share) * np.hanning(len(t)) ** 0.5
    sound /= np.abs(sound).max() + 1e-9
    hiss = rng.standard_normal(round(rng.uniform(0.04, 0.1) * RATE)) * 0.08
    return np.concatenate([np.diff(hiss), sound]) if rng.random() < 0.5 else sound


def talk(seed, duration_s=12.0):
    """Words of a few syllables with pauses of uneven length between them."""
    rng = np.random.default_rng(seed)
    parts, n_samples = [], 0
    while n_samples < duration_s * RATE:
        word = [syllable(rng) for _ in range(rng.integers(1, 5))]
        gap = np.zeros(round(rng.uniform(0.05, 0.5) * RATE))
        parts += [*word, gap]
        n_samples += sum(map(len, word)) + len(gap)
    samples = 0.3 * np.concatenate(parts)
    room = 0.001 * rng.standard_normal(len(samples))
    return Clip(samples + room, RATE, "talk")


@pytest.mark.parametrize("seed", range(6))
def test_syllables_with_pauses_sound_like_speech(seed):
    assert is_speech(talk(seed)), signs(talk(seed))


@pytest.mark.parametrize("genre", STYLES)
def test_composed_songs_never_sound_like_speech(genre):
    for seed in range(4):
        shift = Shift.drawn(seed) if seed % 2 else Shift()
        found = signs(compose(genre, seed, shift=shift))
        assert not found.is_speech, (seed, found)


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
