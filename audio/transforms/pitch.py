"""Measure pitch on a scale of semitones: constant-Q transform, chroma, tuning."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip
from audio.levels import FLOOR_DB, decibels
from audio.notes import A4_HZ, Note, note_of
from audio.transforms.spectrum import re_peak
from audio.transforms.windows import Numbers

SAMPLING_RATE = 22_050  # Hz
HOP_LENGTH = 512  # samples from one column to the next, 23 ms
BINS_PER_OCTAVE, N_OCTAVES = 24, 7  # half a semitone a row, from C1 to C8
LOWEST_KEY = -45  # semitones from A4 to C1
SHORTEST_S = 2.0  # a shorter excerpt is followed by silence: low rows need so much
CLASSES = "C C♯ D D♯ E F F♯ G G♯ A A♯ B".split()
HEARD_HZ = 110.0  # the fundamental whose harmonics are heard, where A4 is 440 Hz
HEARD_S, BOTH_S, FADE_S = 1.0, 2.0, 0.02
RESOLUTION = 0.01  # of a semitone, of the tuning


@dataclass(frozen=True, eq=False)
class Pitches:
    """Levels of an excerpt on a scale of semitones.

    Attributes:
        times_s: (n_columns,) from the excerpt's start (s).
        frequencies_hz: (168,) of the rows.
        levels_db: (168, n_columns) the loudest is 0.
        chroma: (12, n_columns) all octaves of a note together, from C; the strongest
            of each column is 1.
        is_silent: nothing sounds.
    """

    times_s: Numbers
    frequencies_hz: Numbers
    levels_db: NDArray[np.float32]
    chroma: NDArray[np.float32]
    is_silent: bool

    def strongest(self, n: int = 3) -> list[str]:
        """Name the pitch classes that are strongest on average, the strongest first."""
        order = np.argsort(-self.chroma.mean(axis=1), kind="stable")
        return [CLASSES[i] for i in order[:n]]


def pitches(clip: Clip, *, start_s: float, stop_s: float, a4_hz: float) -> Pitches:
    """Compute constant-Q levels and chroma of an excerpt, by librosa.

    Args:
        clip: the sound.
        start_s: of the excerpt (s).
        stop_s: of the excerpt (s).
        a4_hz: to which A4 is tuned; rows and pitch classes follow it.
    """
    samples, n_columns = _samples(clip, start_s, stop_s)
    import librosa

    lowest_hz = a4_hz * 2 ** (LOWEST_KEY / 12)
    how: dict[str, Any] = {"bins_per_octave": BINS_PER_OCTAVE, "fmin": lowest_hz}
    amplitudes = np.abs(
        librosa.cqt(
            samples,
            sr=SAMPLING_RATE,
            hop_length=HOP_LENGTH,
            n_bins=BINS_PER_OCTAVE * N_OCTAVES,
            tuning=0.0,  # the lowest frequency is tuned already
            **how,
        )
    )[:, :n_columns]
    # Only the name of the lowest row counts here, C, whatever its frequency.
    how["fmin"] = A4_HZ * 2 ** (LOWEST_KEY / 12)
    chroma = librosa.feature.chroma_cqt(C=amplitudes, n_octaves=N_OCTAVES, **how)
    levels_db = decibels(amplitudes.astype(np.float64) ** 2)
    is_silent = bool(levels_db.max(initial=FLOOR_DB) <= FLOOR_DB)
    return Pitches(
        times_s=np.arange(n_columns) * HOP_LENGTH / SAMPLING_RATE,
        frequencies_hz=lowest_hz * 2 ** (np.arange(len(levels_db)) / BINS_PER_OCTAVE),
        levels_db=re_peak(levels_db).astype(np.float32),
        chroma=np.nan_to_num(chroma) * (0.0 if is_silent else 1.0),
        is_silent=is_silent,
    )


def tuned_hz(clip: Clip, *, start_s: float, stop_s: float) -> float:
    """Estimate to which frequency A4 is tuned (Hz); 440 in silence.

    Source: librosa's ``estimate_tuning``: how far the peaks are from the nearest keys.
    """
    samples, _ = _samples(clip, start_s, stop_s)
    if not samples.any():
        return A4_HZ
    import librosa

    tuning = librosa.estimate_tuning(
        y=samples, sr=SAMPLING_RATE, n_fft=8192, resolution=RESOLUTION
    )
    return float(A4_HZ * 2 ** (tuning / 12))


def cents_off(a4_hz: float) -> float:
    """Compute how far a tuning is above A4 = 440 Hz (cents)."""
    return 1200 * log2(a4_hz / A4_HZ)


def harmonic_note(number: int) -> Note:
    """Return the key nearest to a harmonic of A2, and how far off that is."""
    return note_of(HEARD_HZ * number)


def harmonic_beside_key(number: int, a4_hz: float) -> Clip:
    """Return the nearest key's tone, the harmonic's, then both at once, which beat."""
    harmonic_hz = HEARD_HZ * a4_hz / A4_HZ * number
    key_hz = harmonic_hz / 2 ** (harmonic_note(number).cents / 1200)
    key, harmonic = (_tone(hz, HEARD_S) for hz in (key_hz, harmonic_hz))
    both = (_tone(key_hz, BOTH_S) + _tone(harmonic_hz, BOTH_S)) / 2
    pause = np.zeros(round(0.15 * SAMPLING_RATE))
    parts = [key, pause, harmonic, pause, both]
    sound = 0.5 * np.concatenate(parts)
    return Clip(sound.astype(np.float32), SAMPLING_RATE, "harmonic")


def _tone(hz: float, duration_s: float) -> Numbers:
    times_s = np.arange(round(duration_s * SAMPLING_RATE)) / SAMPLING_RATE
    fade = np.minimum(times_s / FADE_S, 1)
    return np.asarray(np.sin(2 * np.pi * hz * times_s) * fade * fade[::-1])


def _samples(
    clip: Clip, start_s: float, stop_s: float
) -> tuple[NDArray[np.float32], int]:
    """Cut an excerpt at ``SAMPLING_RATE``; return it and how many columns it has."""
    first, stop = (round(at_s * clip.sampling_rate) for at_s in (start_s, stop_s))
    part = Clip(clip.part(first, stop), clip.sampling_rate).resampled(SAMPLING_RATE)
    n_missing = max(round(SHORTEST_S * SAMPLING_RATE) - part.n_samples, 0)
    return np.pad(part.samples, (0, n_missing)), part.n_samples // HOP_LENGTH + 1
