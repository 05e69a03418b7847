"""Find the partials of a spectrum and their fundamental frequency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audio.notes import Note, note_of
from audio.transforms.spectrum import Spectrum, maxima
from audio.transforms.windows import Numbers, window_values

FMIN_HZ = 20.0  # the lowest audible tone
RANGE_DB = 60.0  # under the strongest peak; lower ones may be leakage
FINENESS = 4  # points a bin without zero padding at which a window's leakage is known
LEAKAGE_MARGIN = 1.5  # leakage of several partials adds up unevenly

# Of 1000 bins of noise the highest peak is 15 dB above this share of them, hardly
# ever 20; between partials the share finds the valleys, even where they are few.
FLOOR_SHARE = 0.2
FLOOR_MARGIN_DB = 20.0
N_FLOOR_BINS = 64  # in the lowest band; each band above is an octave

N_FOR_FUNDAMENTAL = 12  # partials
MAX_HARMONIC = 8  # the highest that may be the lowest one present
MIN_FIT = 0.6


@dataclass(frozen=True)
class Partial:
    """A sine that a spectrum shows.

    Attributes:
        frequency_hz: Hz, between bins.
        level_db: relative to the spectrum's reference.
        note: the nearest.
        harmonic: of which multiple of the fundamental it is, None where of none.
    """

    frequency_hz: float
    level_db: float
    note: Note
    harmonic: int | None


def peaks(spectrum: Spectrum, n_peaks: int = 8) -> tuple[Partial, ...]:
    """Find the strongest partials, at most ``n_peaks``, lowest frequency first.

    A maximum counts from 20 Hz up where it is well above the noise floor and above what
    the window leaks from stronger ones. Noise and silence have none.
    """
    frequencies_hz, levels_db = _partials(spectrum, n_peaks)
    fundamental = fundamental_hz(spectrum)
    if fundamental is None:
        harmonics = np.zeros(len(frequencies_hz), int)
    else:
        harmonics = _harmonics(frequencies_hz, fundamental, _resolution_hz(spectrum))
    return tuple(
        Partial(float(f), float(level), note_of(f), int(n) or None)
        for f, level, n in sorted(
            zip(frequencies_hz, levels_db, harmonics, strict=True)
        )
    )


def fundamental_hz(spectrum: Spectrum) -> float | None:
    """Estimate the fundamental (Hz) of the partials, whether itself present or not.

    Each partial may be the first to the eighth multiple of a fundamental. The best
    one explains most of the amplitude (a tone's octave leaves out its odd multiples)
    and leaves few of its multiples unused (half a tone leaves out every other one).

    Returns:
        None in silence, in noise, and where no single tone explains the partials.
    """
    frequencies_hz, levels_db = _partials(spectrum, N_FOR_FUNDAMENTAL)
    if not len(frequencies_hz):
        return None
    resolution_hz = _resolution_hz(spectrum)
    amplitudes = 10 ** (levels_db / 20)
    candidates = np.divide.outer(frequencies_hz, np.arange(1, MAX_HARMONIC + 1)).ravel()
    candidates = candidates[candidates >= max(FMIN_HZ, resolution_hz)]
    fits = [_fit(frequencies_hz, amplitudes, f, resolution_hz) for f in candidates]
    if max(fits) < MIN_FIT:
        return None
    best = candidates[np.argmax(fits)]
    n = _harmonics(frequencies_hz, best, resolution_hz)
    # Least squares of f = n * fundamental, by power; what is no multiple has n = 0.
    weights = amplitudes**2 * n
    return float(np.sum(weights * frequencies_hz) / np.sum(weights * n))


def _fit(
    frequencies_hz: Numbers,
    amplitudes: Numbers,
    fundamental: float,
    resolution_hz: float,
) -> float:
    """Rate how well one fundamental explains the partials, 0 to 1."""
    n = _harmonics(frequencies_hz, fundamental, resolution_hz)
    explained = amplitudes[n > 0].sum() / amplitudes.sum()
    used = np.count_nonzero(n) / max(n.max(), 1)
    return float(explained * np.sqrt(used))


def _harmonics(
    frequencies_hz: Numbers, fundamental: float, resolution_hz: float
) -> Numbers:
    """Assign each partial its multiple of the fundamental, 0 where it is none.

    Partials come strongest first: no weaker one is the same multiple again.
    """
    n = np.rint(frequencies_hz / fundamental)
    tolerance_hz = 0.01 * frequencies_hz + 0.25 * resolution_hz  # strings are stiff
    tolerance_hz = np.minimum(tolerance_hz, fundamental / 6)
    n[np.abs(frequencies_hz - n * fundamental) > tolerance_hz] = 0
    _, firsts = np.unique(n, return_index=True)
    is_first = np.isin(np.arange(len(n)), firsts)
    return np.where(is_first, n, 0)


def _resolution_hz(spectrum: Spectrum) -> float:
    """Compute the width of a bin without zero padding (Hz)."""
    return spectrum.sampling_rate / spectrum.n_samples


def _partials(spectrum: Spectrum, n_partials: int) -> tuple[Numbers, Numbers]:
    """Find frequencies (Hz) and levels (dB) of the partials, strongest first."""
    levels = spectrum.levels_db
    lowest_db = np.maximum(
        _floor_db(spectrum) + FLOOR_MARGIN_DB, levels[1:-1].max() - RANGE_DB
    )
    counts = (levels > lowest_db) & (spectrum.frequencies_hz >= FMIN_HZ)
    positions, levels_db = maxima(spectrum, counts)
    if not len(positions):
        return positions, levels_db
    amplitudes = 10 ** (levels_db / 20)
    leakage = _leakage(spectrum)
    # The constant part leaks too; the spectrum shows it at half a sine's height.
    leaks = 2 * 10 ** (spectrum.levels_db[0] / 20) * leakage(positions)
    found: list[int] = []
    for i in range(len(positions)):
        if amplitudes[i] > LEAKAGE_MARGIN * leaks[i]:
            found.append(i)
            leaks += amplitudes[i] * leakage(positions - positions[i])
        if len(found) == n_partials:
            break
    return positions[found] * spectrum.bin_width_hz, levels_db[found]


def _floor_db(spectrum: Spectrum) -> Numbers:
    """Estimate the noise floor (dB), (n_bins,), one value a band."""
    levels = spectrum.levels_db
    floor = np.empty_like(levels)
    edge = N_FLOOR_BINS * max(round(2 * len(levels) / max(spectrum.n_samples, 1)), 1)
    start, stop = 0, edge
    while start < len(levels):
        floor[start:stop] = np.quantile(levels[start:stop], FLOOR_SHARE)
        start, stop = stop, 2 * stop
    return floor


def _leakage(spectrum: Spectrum) -> Callable[[Numbers], Numbers]:
    """Make the function from a distance (bins) to a sine's highest leakage there."""
    from scipy import fft

    n_fft = 2 * (len(spectrum.levels_db) - 1)
    n_each = max(FINENESS * spectrum.n_samples // n_fft, 1)  # points a bin
    taper = window_values(spectrum.window, spectrum.n_samples)
    response = np.abs(fft.rfft(taper, n_each * n_fft)) / taper.sum()
    highest = np.maximum.accumulate(response[::-1])[::-1]
    return lambda distances: highest[(np.abs(distances) * n_each).astype(int)]
