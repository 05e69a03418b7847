"""Synthetic speech: syllables with pauses."""

import numpy as np

from audio.clip import Clip

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
