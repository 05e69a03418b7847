"""Compute one note on four instruments, at the same pitch and level; read their partials.

Nothing is recorded: each is a list of harmonics and an envelope, so that both can be
changed one at a time. A stiff string's partials are above the multiples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audio import transforms
from audio.clip import Clip
from audio.synth.harmonics import TRUMPET_DB
from audio.transforms.spectrum import Spectrum, maxima
from audio.transforms.windows import Numbers

SAMPLING_RATE = 22_050  # Hz
NOTE_S, FADE_S = 2.0, 0.1
LEVEL_DBFS = -18.0  # RMS of the first second; a full-scale sine reads 0
PITCHES_HZ = (110.0, 220.0, 311.13, 440.0)  # A2, A3, E flat 4, A4
STIFFNESSES = (0.0, 1e-4, 4e-4, 1e-3)  # B of a string; a piano's A3 has about 4e-4
N_PARTIALS = 16
PLUCKED_AT = 0.13  # of the string's length, from its end
ANALYSED_S, N_ANALYSED = 0.15, 16_384  # where spectra are computed, and of how much
RANGE_DB = 70.0  # of the partials that are read
ENVELOPE_S = 0.01  # about so much of the sound for one value of its envelope

# Levels of the harmonics beside the first (dB); a clarinet's low notes have hardly any
# even ones, because its tube is a cylinder closed at one end.
CLARINET_DB = (0.0, -42.0, -5.0, -38.0, -10.0, -33.0, -17.0, -32.0, -22.0, -35.0, -28.0)


@dataclass(frozen=True)
class Instrument:
    """What makes an instrument's note.

    Attributes:
        levels_db: of its harmonics beside the first.
        envelope: from times (s, a row) and harmonics' numbers (a column) to a factor.
        is_string: whether stiffness moves its partials.
    """

    levels_db: tuple[float, ...]
    envelope: Callable[[Numbers, Numbers], Numbers]
    is_string: bool = False


@dataclass(frozen=True)
class Rung:
    """A partial of a note.

    Attributes:
        number: the first is 1.
        frequency_hz: where it is (Hz).
        level_db: dBFS.
    """

    number: int
    frequency_hz: float
    level_db: float


def note(
    instrument: str, hz: float, *, envelope: str = "", stiffness: float = 0.0
) -> Clip:
    """Compute two seconds of a note.

    Args:
        instrument: a key of ``INSTRUMENTS``: its harmonics.
        hz: the pitch (Hz).
        envelope: another key: how the note begins and fades; "" for its own.
        stiffness: B of a string, whose partials are n f sqrt(1 + B n^2).
    """
    made, other = INSTRUMENTS[instrument], INSTRUMENTS[envelope or instrument]
    number = np.arange(1.0, len(made.levels_db) + 1)
    stretch = (
        np.sqrt(1 + stiffness * number**2) if made.is_string else np.ones(len(number))
    )
    partials_hz = number * hz * stretch
    is_below = partials_hz < 0.48 * SAMPLING_RATE
    number, partials_hz = number[is_below, None], partials_hz[is_below, None]
    amplitudes = 10 ** (np.array(made.levels_db)[is_below, None] / 20)
    times_s = np.arange(round(NOTE_S * SAMPLING_RATE)) / SAMPLING_RATE
    waves = np.sin(2 * np.pi * partials_hz * times_s) * other.envelope(times_s, number)
    sound = (amplitudes * waves).sum(axis=0)
    sound *= np.clip((NOTE_S - times_s) / FADE_S, 0, 1)
    rms = np.sqrt(2 * np.mean(sound[:SAMPLING_RATE] ** 2))
    return Clip(sound * 10 ** (LEVEL_DBFS / 20) / rms, SAMPLING_RATE, instrument)


def spectrum(clip: Clip) -> Spectrum:
    """Compute the spectrum of a note after its attack (dBFS)."""
    return transforms.dft(
        clip, start_s=ANALYSED_S, n_samples=N_ANALYSED, reference="full_scale"
    )


def ladder(levels: Spectrum, hz: float) -> tuple[Rung, ...]:
    """Read the partials one above the other, wherever each next one has gone.

    A partial is the strongest maximum around where the distance of the two before it
    lets it be expected, so that a stiff string's ladder is followed as it widens.
    """
    lowest_db = levels.levels_db.max() - RANGE_DB
    positions, levels_db = maxima(levels, levels.levels_db > lowest_db)
    frequencies_hz = positions * levels.bin_width_hz  # the strongest first
    found: list[Rung] = []
    before_hz, distance_hz = 0.0, hz
    for number in range(1, N_PARTIALS + 1):
        expected_hz = before_hz + distance_hz
        near = np.flatnonzero(np.abs(frequencies_hz - expected_hz) < 0.3 * hz)
        if len(near):
            here_hz = float(frequencies_hz[near[0]])
            found.append(Rung(number, here_hz, float(levels_db[near[0]])))
            distance_hz, expected_hz = here_hz - before_hz, here_hz
        before_hz = expected_hz
    return tuple(found)


def inharmonicity(rungs: tuple[Rung, ...]) -> tuple[float, float] | None:
    """Fit f and B of partials at n f sqrt(1 + B n^2), by least squares of (f_n / n)^2.

    Source: H. Fletcher, "Normal vibration frequencies of a stiff piano string" (1964).

    Returns:
        f (Hz) and B; None of fewer than three partials.
    """
    if len(rungs) < 3:
        return None
    number = np.array([rung.number for rung in rungs], float)
    ratios = np.array([rung.frequency_hz for rung in rungs]) / number
    slope, start = np.polyfit(number**2, ratios**2, 1)
    return float(np.sqrt(start)), float(slope / start)


def envelope(clip: Clip, hz: float) -> tuple[Numbers, Numbers]:
    """Measure the level of about each hundredth of a second.

    Each is of whole periods of ``hz``, so that a steady note is level.

    Returns:
        Their middles (n,) in seconds, and amplitudes (n,): those of sines of the same
        power.
    """
    n_each = round(max(round(ENVELOPE_S * hz), 1) * clip.sampling_rate / hz)
    n = clip.n_samples // n_each
    parts = clip.samples[: n * n_each].reshape(n, n_each).astype(np.float64)
    times_s = (np.arange(n) + 0.5) * n_each / clip.sampling_rate
    return times_s, np.sqrt(2 * np.mean(parts**2, axis=1))


def attack_s(clip: Clip, hz: float) -> float:
    """Measure the time from a tenth to nine tenths of the highest envelope (s)."""
    times_s, amplitudes = envelope(clip, hz)
    top = int(amplitudes.argmax())
    rising = amplitudes[: top + 1] / amplitudes[top]
    first, last = (int(np.argmax(rising >= share)) for share in (0.1, 0.9))
    return float(times_s[last] - times_s[first])


def _plucked_db() -> tuple[float, ...]:
    number = np.arange(1, N_PARTIALS + 5)
    amplitudes = np.abs(np.sin(np.pi * number * PLUCKED_AT)) / number
    return tuple(20 * np.log10(amplitudes / amplitudes[0]))


INSTRUMENTS = {
    "sine": Instrument((0.0,), lambda t, n: np.minimum(t / 0.02, 1) + 0 * n),
    # All harmonics swell together.
    "clarinet": Instrument(CLARINET_DB, lambda t, n: 1 - np.exp(-t / 0.05) + 0 * n),
    # The higher, the later.
    "trumpet": Instrument(TRUMPET_DB, lambda t, n: 1 - np.exp(-t / (0.012 * n))),
    # At once; then the higher, the sooner gone.
    "plucked": Instrument(
        _plucked_db(),
        lambda t, n: np.minimum(t / 0.002, 1) * np.exp(-t * (1.2 + 0.35 * n)),
        is_string=True,
    ),
}
