"""Build a tone from sines, and find them again by the DFT of a whole number of periods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import default_rng

from audio.clip import Clip
from audio.transforms.windows import Numbers

SAMPLING_RATE = 22_050  # Hz
N_HARMONICS = 16
FUNDAMENTALS_HZ = (110.25, 220.5, 441.0)  # periods of 200, 100 and 50 samples
PHASES = ("shape", "cosine", "lot")
TONE_S, FADE_S = 2.0, 0.01
SUM_OF_AMPLITUDES = 0.9  # whatever the phases, no sample is higher
N_ANALYSED = 4000  # samples: 20, 40 or 80 whole periods
ABSENT_DB = -120.0  # a harmonic that does not sound
FAINT = 10 ** (-100 / 20)  # a lower one has no phase that can be told

# Measured on a real trumpet, E flat 5, beside the first harmonic (dB); those above
# were too weak to be measured.
TRUMPET_DB = (0.0, 1.6, -1.6, -5.6, -10.4, -19.1, -30.7)


@dataclass(frozen=True)
class Recipe:
    """Level and phase of each harmonic.

    Attributes:
        levels_db: (16,) beside the strongest of the recipe; ``ABSENT_DB``: none.
        phases_deg: (16,) of sines, at the start.
    """

    levels_db: tuple[float, ...]
    phases_deg: tuple[float, ...]

    @property
    def amplitudes(self) -> Numbers:
        """Amplitudes whose sum is ``SUM_OF_AMPLITUDES``, (16,); full scale is 1."""
        levels_db = np.array(self.levels_db)
        ratios = np.where(levels_db > ABSENT_DB, 10 ** (levels_db / 20), 0.0)
        return SUM_OF_AMPLITUDES * ratios / max(float(ratios.sum()), 1e-9)

    def changed(self, number: int, level_db: float, phase_deg: float) -> Recipe:
        """Return the recipe with another level and phase of one harmonic."""
        levels_db, phases_deg = list(self.levels_db), list(self.phases_deg)
        levels_db[number - 1], phases_deg[number - 1] = level_db, phase_deg
        return Recipe(tuple(levels_db), tuple(phases_deg))


@dataclass(frozen=True, eq=False)
class Found:
    """The DFT of a whole number of periods: a harmonic a bin, nothing beside it.

    Attributes:
        frequencies_hz: (n_bins,) of all bins.
        amplitudes: (n_bins,) full scale is 1.
        levels_db: (16,) of the harmonics, dBFS, ``ABSENT_DB`` at least.
        phases_deg: (16,) of sines, 0 to 360; NaN where there is none.
    """

    frequencies_hz: Numbers
    amplitudes: Numbers
    levels_db: Numbers
    phases_deg: Numbers


def recipe(shape: str, n_harmonics: int = N_HARMONICS, phases: str = "shape") -> Recipe:
    """Return the recipe of a shape.

    Args:
        shape: a key of ``SHAPES``.
        n_harmonics: harmonics above this one do not sound.
        phases: those of the shape, all those of a cosine, or drawn by lot.
    """
    number = np.arange(1.0, N_HARMONICS + 1)
    signed = np.where(number <= n_harmonics, SHAPES[shape](number), 0.0)
    ratios = np.abs(signed) / max(float(np.abs(signed).max()), 1e-9)
    levels_db = 20 * np.log10(np.maximum(ratios, 10 ** (ABSENT_DB / 20)))
    degrees = {
        "shape": np.where(signed < 0, 180.0, 0.0),
        "cosine": np.full(N_HARMONICS, 90.0),
        "lot": np.floor(default_rng(1).uniform(0, 360, N_HARMONICS)),
    }[phases]
    return Recipe(
        tuple(round(float(db), 2) for db in levels_db),
        tuple(float(each) for each in degrees),
    )


def sines(recipe: Recipe, fundamental_hz: float, n_samples: int) -> Numbers:
    """Compute the harmonics, one a row, (16, n_samples); their sum is the tone."""
    number = np.arange(1, N_HARMONICS + 1)[:, None]
    turns = number * fundamental_hz * np.arange(n_samples) / SAMPLING_RATE
    phases = np.radians(recipe.phases_deg)[:, None]
    waves: Numbers = recipe.amplitudes[:, None] * np.sin(2 * np.pi * turns + phases)
    return waves


def tone(recipe: Recipe, fundamental_hz: float) -> Clip:
    """Add the harmonics to a tone of two seconds, faded at both ends."""
    n_samples = round(TONE_S * SAMPLING_RATE)
    sound = sines(recipe, fundamental_hz, n_samples).sum(axis=0)
    fade = np.minimum(np.arange(n_samples) / (FADE_S * SAMPLING_RATE), 1)
    return Clip(sound * fade * fade[::-1], SAMPLING_RATE, "sines")


def found(sound: Numbers, fundamental_hz: float) -> Found:
    """Find levels and phases of the harmonics in ``N_ANALYSED`` samples of a tone."""
    bins = np.fft.rfft(sound[:N_ANALYSED]) * 2 / N_ANALYSED
    bins[[0, -1]] /= 2  # 0 Hz and Nyquist have no mirror image to add
    number = np.arange(1, N_HARMONICS + 1)
    each = bins[np.rint(number * fundamental_hz / bin_width_hz()).astype(int)]
    amplitudes: Numbers = np.abs(each)
    phases_deg = np.degrees(np.angle(each * 1j)) % 360  # a sine is a cosine at -90
    levels_db: Numbers = 20 * np.log10(np.maximum(amplitudes, 10 ** (ABSENT_DB / 20)))
    return Found(
        np.arange(float(len(bins))) * bin_width_hz(),
        np.asarray(np.abs(bins)),
        levels_db,
        np.where(amplitudes > FAINT, np.round(phases_deg, 2) % 360, np.nan),
    )


def bin_width_hz() -> float:
    """Return the distance of the bins of ``found`` (Hz)."""
    return SAMPLING_RATE / N_ANALYSED


def heard_hz(recipe: Recipe, fundamental_hz: float) -> float:
    """Return how often a second the wave repeats: the greatest common divisor (Hz)."""
    present = [n for n, a in enumerate(recipe.amplitudes, 1) if a > FAINT]
    return fundamental_hz * float(np.gcd.reduce(present)) if present else 0.0


def crest_db(sound: Numbers) -> float:
    """Compute peak over RMS (dB): what phases change of a tone's wave."""
    rms = float(np.sqrt(np.mean(sound**2)))
    return 20 * float(np.log10(np.abs(sound).max() / rms)) if rms else 0.0


def _trumpet(number: Numbers) -> Numbers:
    levels_db = np.full(len(number), ABSENT_DB)
    levels_db[: len(TRUMPET_DB)] = TRUMPET_DB
    return np.asarray(np.where(levels_db > ABSENT_DB, 10 ** (levels_db / 20), 0.0))


# Amplitudes of the harmonics of each shape; below zero, they start at 180 degrees.
SHAPES: dict[str, Callable[[Numbers], Numbers]] = {
    "saw": lambda n: 1.0 / n,
    "square": lambda n: np.where(n % 2, 1.0 / n, 0.0),
    "triangle": lambda n: np.where(n % 2, (-1.0) ** (n // 2) / n**2, 0.0),
    "trumpet": _trumpet,
    "missing": lambda n: np.where((n > 1) & (n < 9), 1.0, 0.0),
    "sine": lambda n: np.where(n == 1, 1.0, 0.0),
}
