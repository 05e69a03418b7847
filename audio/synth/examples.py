"""Compute the built-in sounds, without files or network.

Each is this project's own and public domain (CC0). Their names are in locales, section
``examples``, under the id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip
from audio.synth import trumpet
from audio.synth.composer import compose
from errors import KnownError

SAMPLING_RATE = 22_050  # Hz, the tutorial's
SONG_S = 24.0

SINE_HZ = trumpet.FIRST_HZ  # E flat 5, as the first note of the trumpet
# The clarinet an octave below: its odd harmonics lie as far apart as all of the
# trumpet's, so here the spacing of the partials is twice the pitch.
CLARINET_HZ = SINE_HZ / 2
CLARINET_DB = {1: 0.0, 3: -4.0, 5: -11.0, 7: -15.0, 9: -22.0, 11: -29.0, 13: -36.0}


@dataclass(frozen=True)
class Example:
    """A built-in sound.

    Attributes:
        id: its name in the locales and in ``example``.
        make: computes the clip.
        licence: SPDX identifier.
    """

    id: str
    make: Callable[[], Clip]
    licence: str = "CC0-1.0"


def example(id: str) -> Clip:
    """Compute the built-in sound with this id, the same samples every time.

    Raises:
        KnownError: ``unknown_example``.
    """
    for candidate in (*EXAMPLES, *QUIZ):
        if candidate.id == id:
            return candidate.make()
    raise KnownError("unknown_example", id=id, ids=[item.id for item in EXAMPLES])


def _brass() -> Clip:
    return _clip(trumpet.phrase(SAMPLING_RATE), "brass")


def _clarinet() -> Clip:
    """Compute a steady tone of odd harmonics, 3 s, that swells and fades softly."""
    time_s = _time_s(3.0)
    swell = np.clip(np.minimum(time_s / 0.06, (3.0 - time_s) / 0.15), 0, 1)
    tones = [
        10 ** (level_db / 20) * np.sin(2 * np.pi * number * CLARINET_HZ * time_s)
        for number, level_db in CLARINET_DB.items()
    ]
    return _clip(np.sum(tones, axis=0) * np.sin(swell * np.pi / 2) ** 2, "clarinet")


def _sweep() -> Clip:
    """Compute a sweep from 20 Hz to almost Nyquist in 8 s, each octave as long."""
    time_s, duration_s, low_hz, high_hz = _time_s(8.0), 8.0, 20.0, 11_000.0
    rate = np.log(high_hz / low_hz) / duration_s
    turns = low_hz * (np.exp(rate * time_s) - 1) / rate
    return _clip(np.sin(2 * np.pi * turns), "sweep")


def _chord(name: str, *frequencies_hz: float) -> Clip:
    """Add steady tones of equal level, 3 s; one is a plain sine."""
    angles = 2 * np.pi * np.multiply.outer(frequencies_hz, _time_s(3.0))
    return _clip(np.sin(angles).sum(axis=0), name)


def _click() -> Clip:
    """Put a single sample of full scale into the middle of a second of silence."""
    samples = np.zeros(SAMPLING_RATE, np.float32)
    samples[len(samples) // 2] = 1.0
    return Clip(samples, SAMPLING_RATE, "click")


def _time_s(duration_s: float) -> NDArray[np.float64]:
    return np.arange(round(duration_s * SAMPLING_RATE)) / SAMPLING_RATE


def _clip(sound: NDArray[np.float64], name: str) -> Clip:
    """Scale to a peak of -3 dB, and fade 10 ms at both ends."""
    fade = np.minimum(np.arange(len(sound)) / (0.01 * SAMPLING_RATE), 1)
    faded = sound * fade * fade[::-1]
    return Clip(faded * (0.7079 / np.abs(faded).max()), SAMPLING_RATE, name)


def _song(genre: str, seed: int) -> Clip:
    return compose(genre, seed, duration_s=SONG_S, sampling_rate=SAMPLING_RATE)


EXAMPLES = (
    Example("brass", _brass),
    Example("clarinet", _clarinet),
    Example("sine", partial(_chord, "sine", SINE_HZ)),
    Example("sweep", _sweep),
    Example("chord", partial(_chord, "chord", 440.0, 880.0)),
    Example("semitone", partial(_chord, "semitone", 440.0, 466.16)),
    Example("click", _click),
    Example("blues_song", partial(_song, "blues", 1)),
    Example("disco_song", partial(_song, "disco", 1)),
    Example("classical_song", partial(_song, "classical", 1)),
)

# Songs without a genre in their name, to guess: (genre, seed) each.
_QUIZ = (
    ("reggae", 4), ("rock", 2), ("country", 3), ("hiphop", 3), ("jazz", 3), ("metal", 3),
)  # fmt: skip
QUIZ = tuple(
    Example(f"quiz_{number}", partial(_song, *song))
    for number, song in enumerate(_QUIZ, 1)
)
# What the composed songs are, by id.
SONG_GENRES = {
    "blues_song": "blues", "disco_song": "disco", "classical_song": "classical",
    **{each.id: genre for each, (genre, _) in zip(QUIZ, _QUIZ, strict=True)},
}  # fmt: skip
