"""Play a phrase of five seconds on a computed trumpet: additive synthesis, no samples.

What makes it a trumpet, each measured on a real one: the harmonics of a loud note are
much stronger above 2 kHz than those of a soft one, so a note brightens as it speaks and
darkens as it fades; the tongue makes a short noise; slurred notes glide; vibrato comes
late in long notes; a room answers 20 dB softer. Not covered: the player's mute, valves
that click, stereo.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]

DURATION_S = 5.3
SEED = 74

# The first note: E flat 5, and its harmonics (dB beside the first) as a real trumpet
# plays it. The second is the strongest, so its pitch is not its loudest partial.
FIRST_HZ = 622.25
FIRST_DB = (0.0, 1.6, -1.6, -5.6, -10.4, -19.1, -30.7, -34.5, -39.5, -42.0)
LOW_HZ, LOW_DB = (
    (150.0, 311.0, 466.0),
    (-14.0, -9.0, -5.0),
)  # what the bell sends less of
HIGH_HZ, HIGH_DB = (11_025.0,), (-75.0,)
BRIGHT_HZ, BRIGHTER = (1300.0, 2800.0), 1.3  # beyond, 1 dB of loudness is 2.3 dB
USUAL_DB = -4.0  # the loudness that these levels belong to

# The phrase: start (s), end (s), MIDI pitch, loudness (dB), whether the tongue begins it.
NOTES = (
    (0.00, 0.92, 75, 0.0, True),
    (1.00, 1.11, 70, -3.0, True),
    (1.13, 1.26, 72, -5.0, True),
    (1.26, 1.38, 70, -7.0, False),
    (1.42, 1.80, 67, -5.0, True),
    (2.00, 2.12, 70, -4.0, True),
    (2.16, 2.28, 72, -4.0, True),
    (2.31, 2.44, 75, -4.0, True),
    (2.44, 2.56, 78, -4.0, False),  # slides from G flat on to G
    (2.56, 3.06, 79, -2.0, False),
    (3.14, 3.26, 77, -4.0, True),
    (3.26, 3.38, 75, -6.0, False),
    (3.38, 3.50, 72, -7.0, False),
    (3.58, 3.70, 70, -4.0, True),
    (3.72, 4.60, 63, -8.0, True),
)
ATTACK_S = 0.035
RELEASE_S = 0.035
GLIDE_S = 0.045  # within which a slur moves from one pitch to the next
FADES_DB = 7.0  # a note's accent, lost within ACCENT_S; then FALL_DB a second
ACCENT_S = 0.16
FALL_DB = 3.0
VIBRATO_HZ, VIBRATO_CENTS, VIBRATO_DB = 5.3, 22.0, 1.0
STEADY_S = 0.7  # without vibrato; it grows over the next VIBRATO_GROWS_S
VIBRATO_GROWS_S = 0.2
SILENT_DB = -90.0
TONGUE_DB, TONGUE_S = -26.0, 0.012
BREATH_DB = -54.0
ROOM_DB, ROOM_S = -18.0, 0.2  # energy of the room's answer, time constant of its decay


def phrase(sampling_rate: int) -> Array:
    """Compute the phrase, the same samples every time: (n_samples,), unscaled."""
    rng = np.random.default_rng(SEED)
    time_s = np.arange(round(DURATION_S * sampling_rate)) / sampling_rate
    vibrato = _vibrato(time_s)
    level_db = _loudness_db(time_s, rng) + VIBRATO_DB * vibrato
    cents = VIBRATO_CENTS * vibrato + 2.5 * _slow_noise(time_s, 8.0, rng)
    hz = _pitch_hz(time_s, sampling_rate) * 2 ** (cents / 1200)
    sound = _harmonics(hz, level_db, sampling_rate)
    sound += _noise(time_s, level_db, sampling_rate, rng)
    return _in_a_room(sound, sampling_rate, rng)


def _pitch_hz(time_s: Array, sampling_rate: int) -> Array:
    """Glide from note to note; a note with the tongue rises into its pitch."""
    starts = np.array([start_s for start_s, *_ in NOTES])
    pitches = np.array([pitch for _, _, pitch, *_ in NOTES], float)
    steps = pitches[np.searchsorted(starts, time_s, "right") - 1]
    width = round(GLIDE_S * sampling_rate)
    padded = np.pad(steps, (width // 2, width - width // 2 - 1), "edge")
    glide = np.hanning(width + 2)[1:-1]
    smooth = np.convolve(padded, glide / glide.sum(), "valid")
    for start_s, _, _, _, is_tongued in NOTES:
        if is_tongued and start_s:
            since = time_s - start_s
            smooth -= np.where(since >= 0, 0.35 * np.exp(-since / 0.02), 0.0)
    return 440 * 2 ** ((smooth - 69) / 12)


def _loudness_db(time_s: Array, rng: Generator) -> Array:
    """Compute the level of the first harmonics over time; silence is ``SILENT_DB``."""
    gain = np.zeros(len(time_s))
    for start_s, end_s, _, loudness_db, is_tongued in NOTES:
        since, left = time_s - start_s, end_s - time_s
        rises = np.clip(since / (ATTACK_S if is_tongued else GLIDE_S), 0, 1)
        falls = np.clip(1 + left / RELEASE_S, 0, 1)
        accent_db = FADES_DB * (np.exp(-np.maximum(since, 0) / ACCENT_S) - 1)
        level_db = loudness_db + accent_db - FALL_DB * np.maximum(since, 0)
        shape = np.sin(rises * np.pi / 2) ** 2 * np.sin(falls * np.pi / 2) ** 2
        gain = np.maximum(gain, shape * 10 ** (level_db / 20))
    wavering_db = 0.5 * _slow_noise(time_s, 12.0, rng)
    return np.maximum(20 * np.log10(gain + 1e-9), SILENT_DB) + wavering_db


def _vibrato(time_s: Array) -> Array:
    """Compute the vibrato, from -1 to 1, of the notes that last long enough."""
    wave = np.zeros(len(time_s))
    for start_s, end_s, *_ in NOTES:
        steady_s = STEADY_S if not start_s else 0.3
        since = time_s - start_s
        depth = np.clip((since - steady_s) / VIBRATO_GROWS_S, 0, 1) * (time_s < end_s)
        wave += depth * np.sin(2 * np.pi * VIBRATO_HZ * (since - steady_s))
    return wave


def _harmonics(hz: Array, level_db: Array, sampling_rate: int) -> Array:
    """Add harmonics; those far up are there in loud moments only."""
    turns = np.cumsum(hz) / sampling_rate
    first_harmonics = FIRST_HZ * np.arange(1, len(FIRST_DB) + 1)
    known_hz = np.concatenate([LOW_HZ, first_harmonics, HIGH_HZ])
    known_db = np.concatenate([LOW_DB, FIRST_DB, HIGH_DB])
    sound = np.zeros(len(hz))
    for number in range(1, int(0.5 * sampling_rate / hz.min())):
        its_hz = number * hz
        beyond = (its_hz - BRIGHT_HZ[0]) / (BRIGHT_HZ[1] - BRIGHT_HZ[0])
        brighter_db = BRIGHTER * np.clip(beyond, 0, 1) * (level_db - USUAL_DB)
        its_db = np.interp(its_hz, known_hz, known_db) + level_db + brighter_db
        its_db[its_hz > 0.48 * sampling_rate] = -200.0
        sound += 10 ** (its_db / 20) * np.sin(2 * np.pi * number * turns + number**2)
    return sound


def _noise(time_s: Array, level_db: Array, sampling_rate: int, rng: Generator) -> Array:
    """Compute the breath, and the tongue at the beginnings."""
    from scipy.signal import butter, sosfilt

    gain = 10 ** ((BREATH_DB + level_db) / 20)
    for start_s, _, _, loudness_db, is_tongued in NOTES:
        since = time_s - start_s
        if is_tongued:
            burst = np.where(since >= 0, np.exp(-np.maximum(since, 0) / TONGUE_S), 0.0)
            gain += burst * 10 ** ((TONGUE_DB + loudness_db) / 20)
    band = butter(2, (900.0, 5000.0), "bandpass", fs=sampling_rate, output="sos")
    noise: Array = sosfilt(band, rng.standard_normal(len(time_s)))
    return noise * gain


def _in_a_room(sound: Array, sampling_rate: int, rng: Generator) -> Array:
    """Add the answer of a room: noise that decays, duller the later."""
    from scipy.signal import butter, fftconvolve, sosfilt

    time_s = np.arange(round(7 * ROOM_S * sampling_rate)) / sampling_rate
    echoes = rng.standard_normal(len(time_s)) * np.exp(-time_s / ROOM_S)
    echoes[: round(0.008 * sampling_rate)] = 0.0  # the nearest wall is 1.4 m away
    dull = butter(1, 3500.0, "lowpass", fs=sampling_rate, output="sos")
    echoes = sosfilt(dull, echoes)
    echoes *= 10 ** (ROOM_DB / 20) / np.linalg.norm(echoes)
    wet: Array = sound + fftconvolve(sound, echoes)[: len(sound)]
    left_s = (len(sound) - np.arange(len(sound))) / sampling_rate
    return wet * np.clip(left_s / 0.15, 0, 1)


def _slow_noise(time_s: Array, per_second: float, rng: Generator) -> Array:
    """Draw a value of variance 1 so often a second, and connect them."""
    n_values = int(time_s[-1] * per_second) + 2
    return np.interp(
        time_s * per_second, np.arange(n_values), rng.standard_normal(n_values)
    )
