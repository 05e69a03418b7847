"""Find the partials of a spectrum and their fundamental frequency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
MIN_EXPLAINED = 0.85  # of the amplitude: a chord and a bell leave more of it
MIN_DENSITY = 0.5  # multiples used, from the lowest to the highest: a clarinet's half
LOW_MULTIPLE, MANY = 3, 4  # where not even 3 f0 is there, so many must be
# Strings are stiff: f_n = n f0 sqrt(1 + B n^2). B of pianos, from their middle to their
# ends; source: H. Fletcher, "Normal vibration frequencies of a stiff piano string" (1964).
STIFFNESSES = np.array([0.0, 1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3, 3.2e-3])
N_FOR_STIFFNESS = 4  # partials, and multiples that they reach at least
TINY = 1e-9  # a stiffness of 0, without a division by it
N_REFINED = 24  # of the candidates, the best
# Share of a partial's frequency by which it may miss its multiple at first.
ROUGH = 0.01
CLOSE = 2 ** (6 / 1200) - 1  # and in the end: 6 cents; a tempered third is off by 14
CLOSE_BINS = 0.15
STRANGER_DB = 9.0  # below the leading tone, what is not of it; a bell's is louder
BLUR_BINS = 4.0  # from a multiple, where vibrato splits it


@dataclass(frozen=True)
class Partial:
    """A sine that a spectrum shows.

    Attributes:
        frequency_hz: Hz, between bins.
        level_db: relative to the spectrum's reference.
        note: the nearest.
        harmonic: of which multiple of the fundamental it is, None where of none.
        margin_cents: by how much what leaks here from others may have moved it.
    """

    frequency_hz: float
    level_db: float
    note: Note
    harmonic: int | None
    margin_cents: float = 0.0


@dataclass(frozen=True)
class Tone:
    """The fundamental that explains partials, if they are those of one tone.

    Attributes:
        frequency_hz: Hz, of the first multiple.
        harmonics: (n_partials,) which multiple each is, strongest first; 0 for none.
        is_certain: nothing strong is left over, no partial misses its multiple, and the
            first three are there; otherwise it may be several tones.
    """

    frequency_hz: float
    harmonics: tuple[int, ...]
    is_certain: bool


@dataclass(frozen=True, eq=False)
class _Found:
    """Frequencies (Hz), levels (dB) and margins (cents) of partials, strongest first."""

    frequencies_hz: Numbers
    levels_db: Numbers
    margins_cents: Numbers


def peaks(spectrum: Spectrum, n_peaks: int = 8) -> tuple[Partial, ...]:
    """Find the strongest partials, at most ``n_peaks``, lowest frequency first.

    A maximum counts from 20 Hz up where it is well above the noise floor and above what
    the window leaks from stronger ones. Noise and silence have none.
    """
    found = _partials(spectrum, max(n_peaks, N_FOR_FUNDAMENTAL))
    tone = _tone(found, _resolution_hz(spectrum))
    n_partials = min(len(found.frequencies_hz), n_peaks)
    harmonics = tone.harmonics if tone else (0,) * N_FOR_FUNDAMENTAL
    harmonics = (*harmonics, *[0] * n_peaks)  # of those beyond the twelfth
    rows = zip(
        found.frequencies_hz[:n_partials].tolist(),
        found.levels_db[:n_partials].tolist(),
        harmonics,
        found.margins_cents[:n_partials].tolist(),
        strict=False,
    )
    return tuple(
        Partial(f, level, note_of(f), n or None, margin)
        for f, level, n, margin in sorted(rows)
    )


def tone_of(spectrum: Spectrum) -> Tone | None:
    """Find the tone that the partials make, if one does.

    Each partial may be the first to the eighth multiple of a fundamental, which need not
    be there itself. The best one explains most of the amplitude (a tone's octave leaves
    out its odd multiples) and leaves few of its multiples unused (half a tone leaves out
    every other one).

    Returns:
        None in silence, in noise, and where no single tone explains the partials.
    """
    return _tone(_partials(spectrum, N_FOR_FUNDAMENTAL), _resolution_hz(spectrum))


def fundamental_hz(spectrum: Spectrum) -> float | None:
    """Return the frequency (Hz) of ``tone_of``; None where there is none."""
    tone = tone_of(spectrum)
    return tone.frequency_hz if tone else None


def _tone(found: _Found, resolution_hz: float) -> Tone | None:
    """Find the best tone of which all is explained; else one that is blurred."""
    frequencies_hz = found.frequencies_hz[:N_FOR_FUNDAMENTAL]
    if not len(frequencies_hz):
        return None
    amplitudes = 10 ** (found.levels_db[:N_FOR_FUNDAMENTAL] / 20)
    whole, blurred = MIN_FIT, MIN_FIT
    tone, likely = None, None
    for candidate in _candidates(frequencies_hz, amplitudes, resolution_hz):
        string = _refined(frequencies_hz, amplitudes, candidate, resolution_hz)
        if string is None:
            continue
        n = string.closely(frequencies_hz, resolution_hz)
        if (fit := _fit(n, amplitudes)) > whole and _is_one_tone(n, amplitudes):
            whole, tone = fit, string.tone(n, is_certain={1, 2, 3} <= set(n))
        n = string.roughly(frequencies_hz, resolution_hz)
        if (fit := _fit(n, amplitudes)) > blurred and _is_led_by_one(
            n, frequencies_hz, amplitudes, resolution_hz
        ):
            blurred, likely = fit, string.tone(n, is_certain=False)
    return tone or likely


def _candidates(
    frequencies_hz: Numbers, amplitudes: Numbers, resolution_hz: float
) -> list[_String]:
    """List fundamentals (Hz) and stiffnesses that explain the partials roughly."""
    f0s_hz = np.divide.outer(frequencies_hz, np.arange(1, MAX_HARMONIC + 1)).ravel()
    f0s_hz = f0s_hz[f0s_hz >= max(FMIN_HZ, resolution_hz)]
    stiffnesses, f0s_hz = (
        grid.ravel() for grid in np.meshgrid(STIFFNESSES, f0s_hz, indexing="ij")
    )
    string = _String(f0s_hz[:, None], stiffnesses[:, None])
    n = string.roughly(frequencies_hz, resolution_hz)
    order = np.argsort(-_fit(n, amplitudes), kind="stable")[:N_REFINED]
    return [_String(float(f0s_hz[i]), float(stiffnesses[i])) for i in order]


def _refined(
    frequencies_hz: Numbers,
    amplitudes: Numbers,
    string: _String,
    resolution_hz: float,
) -> _String | None:
    """Fit fundamental and stiffness to the partials.

    (f_n / n)^2 is a line over n^2, fitted by least squares. Each frequency is off by
    about the same number of hertz, so that f_n / n is the better, the higher n is.
    """
    n = string.roughly(frequencies_hz, resolution_hz)
    for _ in range(2):
        is_used = n > 0
        if not is_used.any():
            return None
        used, squares = n[is_used], (frequencies_hz[is_used] / n[is_used]) ** 2
        weights = used**2 * np.sqrt(amplitudes[is_used])
        slope = 0.0
        if len(used) >= N_FOR_STIFFNESS and used.max() >= N_FOR_STIFFNESS:
            middle = np.average(used**2, weights=weights)
            across = weights * (used**2 - middle)
            slope = max(float(across @ squares / (across @ used**2)), 0.0)
        square = float(np.average(squares - slope * used**2, weights=weights))
        if square <= 0:
            return None
        stiffness = min(slope / square, float(STIFFNESSES[-1]))
        string = _String(float(np.sqrt(square)), stiffness)
        n = string.closely(frequencies_hz, resolution_hz)
    return string


def _fit(n: Numbers, amplitudes: Numbers) -> Any:
    """Rate how well fundamentals explain the partials, 0 to 1: (..., n_partials) in."""
    explained = np.where(n > 0, amplitudes, 0).sum(axis=-1) / amplitudes.sum()
    used = np.count_nonzero(n, axis=-1) / np.maximum(n.max(axis=-1), 1)
    return explained * np.sqrt(used)


def _is_one_tone(n: Numbers, amplitudes: Numbers) -> bool:
    """Judge whether partials are the multiples ``n`` of one tone, and not of several."""
    used = n[n > 0]
    explained = amplitudes[n > 0].sum() / amplitudes.sum()
    density = len(used) / (used.max() - used.min() + 1)
    is_low = used.min() <= LOW_MULTIPLE or len(used) >= MANY
    return bool(explained >= MIN_EXPLAINED and density >= MIN_DENSITY and is_low)


def _is_led_by_one(
    n: Numbers, frequencies_hz: Numbers, amplitudes: Numbers, resolution_hz: float
) -> bool:
    """Judge whether one tone leads, blurred by vibrato or with others far below it.

    The fundamental is there itself, with its second or third multiple. What is left
    over is weak, or near a multiple that is stronger.
    """
    has_first = 1 in n and (2 in n or 3 in n)
    if not has_first:
        return False
    is_used = n > 0
    strange_hz, strange = frequencies_hz[~is_used], amplitudes[~is_used]
    distances = np.abs(np.subtract.outer(strange_hz, frequencies_hz[is_used]))
    is_blur = (distances < BLUR_BINS * resolution_hz).any(axis=1)
    left = strange[~is_blur]
    weakest = amplitudes[is_used].max() * 10 ** (-STRANGER_DB / 20)
    return bool(left.max(initial=0.0) < weakest)


@dataclass(frozen=True, eq=False)
class _String:
    """Multiples of a fundamental, widened by a string's stiffness.

    Attributes:
        f0_hz: of the string without stiffness; a number, or many (n, 1).
        stiffness: B; likewise.
    """

    f0_hz: float | Numbers
    stiffness: float | Numbers

    def roughly(self, frequencies_hz: Numbers, resolution_hz: float) -> Numbers:
        """Assign multiples before fundamental and stiffness are known well.

        Args:
            frequencies_hz: (n_partials,), the strongest first.
            resolution_hz: of the spectrum they were found in.

        Returns:
            (n_partials,) the multiple that each is; 0 where it is none.
        """
        margin_hz = np.minimum(0.25 * resolution_hz, np.asarray(self.f0_hz) / 6)
        return self._assigned(frequencies_hz, ROUGH * frequencies_hz + margin_hz)

    def closely(self, frequencies_hz: Numbers, resolution_hz: float) -> Numbers:
        """Assign multiples no further off than a partial can be read; as ``roughly``."""
        margin_hz = np.maximum(CLOSE * frequencies_hz, CLOSE_BINS * resolution_hz)
        return self._assigned(frequencies_hz, margin_hz)

    def tone(self, n: Numbers, *, is_certain: bool) -> Tone:
        """Return it as the tone whose partials are the multiples ``n``."""
        first_hz = float(self.f0_hz * np.sqrt(1 + np.asarray(self.stiffness)))
        return Tone(first_hz, tuple(int(each) for each in n), is_certain)

    def _assigned(self, frequencies_hz: Numbers, margin_hz: Numbers) -> Numbers:
        """Assign each partial its multiple of the fundamental, 0 where it is none.

        Partials come strongest first: no weaker one is the same multiple again.
        """
        stiffness = np.maximum(self.stiffness, TINY)
        squares = (frequencies_hz / self.f0_hz) ** 2
        squares = (np.sqrt(1 + 4 * stiffness * squares) - 1) / (2 * stiffness)
        n = np.rint(np.sqrt(squares))
        expected_hz = n * self.f0_hz * np.sqrt(1 + stiffness * n**2)
        margin_hz = np.minimum(margin_hz, np.asarray(self.f0_hz) / 6)
        n = np.where(np.abs(frequencies_hz - expected_hz) > margin_hz, 0, n)
        is_same = n[..., :, None] == n[..., None, :]
        is_again = np.any(np.tril(is_same, -1), axis=-1)
        return np.where(is_again, 0, n)


def _resolution_hz(spectrum: Spectrum) -> float:
    """Compute the width of a bin without zero padding (Hz)."""
    return spectrum.sampling_rate / max(spectrum.n_samples, 1)


def _partials(spectrum: Spectrum, n_partials: int) -> _Found:
    """Find the partials, strongest first."""
    levels = spectrum.levels_db
    lowest_db = np.maximum(
        _floor_db(spectrum) + FLOOR_MARGIN_DB, levels[1:-1].max() - RANGE_DB
    )
    counts = (levels > lowest_db) & (spectrum.frequencies_hz >= FMIN_HZ)
    positions, levels_db = maxima(spectrum, counts)
    if not len(positions):
        return _Found(positions, levels_db, positions)
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
    frequencies_hz = positions[found] * spectrum.bin_width_hz
    margins_hz = _moved_bins(positions[found], amplitudes[found], leakage)
    margins_hz = margins_hz * _resolution_hz(spectrum)
    cents = 1200 * np.log2(1 + margins_hz / np.maximum(frequencies_hz, FMIN_HZ))
    return _Found(frequencies_hz, levels_db[found], cents)


def _moved_bins(
    positions: Numbers, amplitudes: Numbers, leakage: Callable[[Numbers], Numbers]
) -> Numbers:
    """Bound by how much (bins) the others' leakage moves each maximum.

    Where r times a partial's own amplitude leaks in from others, and from its own mirror
    image below 0 Hz, its maximum moves by r bins at most: without a window by 3 / pi of
    them, with one by less.
    """
    distances = np.abs(np.subtract.outer(positions, positions))
    leaks = leakage(distances) * amplitudes
    np.fill_diagonal(leaks, 0)
    own = leakage(2 * positions) * amplitudes
    return (leaks.sum(axis=1) + own) / amplitudes


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
    last = len(highest) - 1
    return lambda distances: highest[
        np.minimum((np.abs(distances) * n_each).astype(int), last)
    ]
