"""Compute the DFT of a passage of a clip, and find its peaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip
from audio.levels import FLOOR_DB, decibels
from audio.transforms.checks import check_choice, check_length, check_range
from audio.transforms.windows import Numbers, gain, window_values

Reference = Literal["peak", "full_scale"]

PADDINGS = (1, 2, 4, 8)
FINE_PADDING = 4  # a parabola through so near points is off by 0.02 cents with Hann
EDGE_DB = 6.0


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The levels of one passage.

    Attributes:
        frequencies_hz: (n_bins,) from 0 to the Nyquist frequency.
        levels_db: (n_bins,) relative to ``reference``.
        reference: what reads 0 dB.
        window: a key of ``WINDOWS``.
        start_s: where the passage really starts (s).
        n_samples: how many samples of the clip it really holds; fewer than the
            transform's length where zeros follow them.
        sampling_rate: Hz.
        fine_levels_db: the same curve, at least ``FINE_PADDING`` points a bin of the
            passage, where peaks are read; empty where ``levels_db`` has so many.
    """

    frequencies_hz: Numbers
    levels_db: Numbers
    reference: Reference
    window: str
    start_s: float
    n_samples: int
    sampling_rate: int
    fine_levels_db: Numbers = field(default_factory=lambda: np.empty(0))

    @property
    def bin_width_hz(self) -> float:
        """Distance between two bins (Hz)."""
        return float(self.frequencies_hz[1])


@dataclass(frozen=True)
class Peak:
    """A maximum of a spectrum, between bins.

    Attributes:
        frequency_hz: Hz.
        level_db: relative to the spectrum's reference.
    """

    frequency_hz: float
    level_db: float


def dft(
    clip: Clip,
    *,
    start_s: float = 0.0,
    n_samples: int = 4096,
    window: str = "hann",
    reference: Reference = "peak",
    padding: int = 1,
) -> Spectrum:
    """Compute the spectrum of one passage.

    A passage that would run past the end is moved back. Zeros follow it, up to
    ``padding`` times ``n_samples``, and more of them where the clip is shorter: they
    draw the curve finer, they do not resolve more. ``n_samples`` is even, so that the
    last bin is Nyquist.

    Returns:
        ``padding * n_samples // 2 + 1`` bins.

    Raises:
        KnownError: ``out_of_range``, ``odd_length`` or ``not_a_choice``.
    """
    from scipy import fft

    check_length("n_samples", n_samples)
    check_choice("padding", padding, PADDINGS)
    start_s = min(start_s, clip.duration_s)
    check_range("start_s", start_s, 0.0, clip.duration_s)
    n_used = min(n_samples, clip.n_samples)
    start = min(round(start_s * clip.sampling_rate), clip.n_samples - n_used)
    taper = window_values(window, n_used)
    n_fft = padding * n_samples
    passage = clip.samples[start : start + n_used] * taper
    n_each = max(FINE_PADDING // padding, 1)
    amplitudes = np.abs(fft.rfft(passage, n_each * n_fft)) * gain(taper)
    amplitudes[[0, -1]] /= 2  # DC and Nyquist have no mirror image to add
    fine_db = decibels(amplitudes**2)
    levels_db = fine_db[::n_each]
    if reference == "peak":
        fine_db = np.maximum(fine_db - top_db(levels_db), FLOOR_DB)
        levels_db = re_peak(levels_db)
    return Spectrum(
        frequencies_hz=np.arange(n_fft // 2 + 1) * clip.sampling_rate / n_fft,
        levels_db=levels_db,
        fine_levels_db=fine_db if n_each > 1 else np.empty(0),
        reference=reference,
        window=window,
        start_s=start / clip.sampling_rate,
        n_samples=n_used,
        sampling_rate=clip.sampling_rate,
    )


def strongest(spectrum: Spectrum, fmin_hz: float = 20.0) -> Peak | None:
    """Find the strongest peak from ``fmin_hz`` up; None in silence."""
    positions, levels_db = maxima(spectrum, spectrum.frequencies_hz >= fmin_hz)
    if not len(positions):
        return None
    return Peak(float(positions[0] * spectrum.bin_width_hz), float(levels_db[0]))


def maxima(spectrum: Spectrum, counts: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Find positions (bins) and levels (dB) of the maxima, strongest first.

    The highest of the finer points around a bin, and a parabola through it and its
    neighbours, in dB, find them between the bins. Source: J. O. Smith, "Spectral Audio
    Signal Processing", quadratic interpolation. A flat top has no such parabola: its
    middle is half-way between its edges, 6 dB below.

    Args:
        spectrum: where to look.
        counts: (n_bins,) which bins may be a maximum.
    """
    levels = spectrum.levels_db
    inner = levels[1:-1]
    is_maximum = (inner > levels[:-2]) & (inner >= levels[2:]) & counts[1:-1]
    bins = 1 + np.flatnonzero(is_maximum)
    bins = bins[np.argsort(-levels[bins], kind="stable")]
    fine = spectrum.fine_levels_db if len(spectrum.fine_levels_db) else levels
    n_each = (len(fine) - 1) // (len(levels) - 1)
    around = n_each * bins[:, None] + np.arange(1 - n_each, n_each)
    points = np.clip(around, 1, len(fine) - 2)
    rows = np.arange(len(bins))
    tops = points[rows, fine[points].argmax(axis=1)]
    before, here, after = fine[tops - 1], fine[tops], fine[tops + 1]
    curvatures = before - 2 * here + after
    is_peak = curvatures < 0
    shifts = np.where(
        is_peak, 0.5 * (before - after) / np.where(is_peak, curvatures, -1), 0
    )
    shifts = np.clip(shifts, -1, 1)
    positions = tops + shifts
    if spectrum.window == "flattop":
        positions = _middles(fine, tops, positions)
    return positions / n_each, here - 0.25 * (before - after) * shifts


def _middles(levels_db: Numbers, tops: NDArray[np.intp], usual: Numbers) -> Numbers:
    """Find the middle of each lobe between its edges, 6 dB below its top.

    Args:
        levels_db: (n_points,).
        tops: (n,) the lobes' highest points.
        usual: (n,) where they are taken to be if an edge is missing.

    Returns:
        Positions (n,).
    """
    middles = usual.copy()
    for i, top in enumerate(tops):
        is_below = levels_db < levels_db[top] - EDGE_DB
        left = np.flatnonzero(is_below[:top])
        right = np.flatnonzero(is_below[top:])
        if len(left) and len(right):
            low, high = left[-1], top + right[0]
            edges = (
                _crossing(levels_db, low, top),
                _crossing(levels_db, high - 1, top),
            )
            middles[i] = sum(edges) / 2
    return middles


def _crossing(levels_db: Numbers, point: int, top: int) -> float:
    """Find where the curve crosses a lobe's edge, between a point and the next."""
    here, after = levels_db[point], levels_db[point + 1]
    return float(point + (levels_db[top] - EDGE_DB - here) / (after - here))


def top_db(levels_db: Numbers) -> float:
    """Return what ``re_peak`` subtracts: the strongest level; 0 in silence."""
    top = float(levels_db.max())
    return top if top > FLOOR_DB else 0.0


def re_peak(levels_db: NDArray[Any]) -> NDArray[Any]:
    """Shift levels (dB, any shape) so that the strongest is at 0 dB.

    Silence stays at the floor, ``FLOOR_DB``.
    """
    top = levels_db.max()
    return np.maximum(levels_db - top, FLOOR_DB) if top > FLOOR_DB else levels_db
