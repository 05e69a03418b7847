"""Compute the DFT of a passage of a clip, and find its peaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip
from audio.levels import FLOOR_DB, decibels
from audio.transforms.checks import check_choice, check_length, check_range
from audio.transforms.windows import Numbers, gain, window_values

Reference = Literal["peak", "full_scale"]

PADDINGS = (1, 2, 4, 8)


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
    """

    frequencies_hz: Numbers
    levels_db: Numbers
    reference: Reference
    window: str
    start_s: float
    n_samples: int
    sampling_rate: int

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
    amplitudes = np.abs(fft.rfft(passage, n_fft)) * gain(taper)
    amplitudes[[0, -1]] /= 2  # DC and Nyquist have no mirror image to add
    levels_db = decibels(amplitudes**2)
    return Spectrum(
        frequencies_hz=np.arange(n_fft // 2 + 1) * clip.sampling_rate / n_fft,
        levels_db=levels_db if reference == "full_scale" else re_peak(levels_db),
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

    A parabola through a bin and its neighbours, in dB, finds them between the bins.
    Source: J. O. Smith, "Spectral Audio Signal Processing", quadratic interpolation.

    Args:
        spectrum: where to look.
        counts: (n_bins,) which bins may be a maximum.
    """
    levels = spectrum.levels_db
    inner = levels[1:-1]
    is_maximum = (inner > levels[:-2]) & (inner >= levels[2:]) & counts[1:-1]
    bins = 1 + np.flatnonzero(is_maximum)
    bins = bins[np.argsort(-levels[bins], kind="stable")]
    before, here, after = levels[bins - 1], levels[bins], levels[bins + 1]
    shifts = 0.5 * (before - after) / (before - 2 * here + after)
    return bins + shifts, here - 0.25 * (before - after) * shifts


def re_peak(levels_db: NDArray[Any]) -> NDArray[Any]:
    """Shift levels so that the strongest is at 0 dB; silence stays at the floor."""
    top = levels_db.max()
    return np.maximum(levels_db - top, FLOOR_DB) if top > FLOOR_DB else levels_db
