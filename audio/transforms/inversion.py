"""Invert spectrograms: with phase exactly, without it by search.

All functions keep every frame in memory: they are for excerpts of some seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from time import perf_counter

import numpy as np

from audio.clip import Clip, Samples
from audio.transforms import overlap_add
from audio.transforms.checks import check_frames, check_range
from audio.transforms.frames import Levels
from audio.transforms.griffin_lim import (
    DEFAULT,
    TINY,
    OnProgress,
    Search,
    error_db,
    ignore,
    magnitudes,
    searched,
)
from audio.transforms.mel_scale import mel_filters
from audio.transforms.spectrogram import MAX_N_MELS, MIN_FMAX_HZ
from audio.transforms.windows import window_values

N_MEL_STEPS = 50  # enough for -30 dB in the bands of music


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """A clip that went through the STFT and back.

    Attributes:
        clip: the reconstruction, turned down as a whole where it would leave [-1, 1].
        error_db: the difference to the original, relative to it.
        is_cola: whether window and hop allow an exact return.
        lowered_db: by how much it was turned down.
    """

    clip: Clip
    error_db: float
    is_cola: bool
    lowered_db: float = 0.0


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A clip made from magnitudes alone.

    Attributes:
        clip: turned down as a whole where it would leave [-1, 1].
        convergence_db: after 0, 1, ... iterations, how far the magnitudes are from
            those aimed at, relative to them: ``20 log10(|S - |STFT|| / |S|)``.
        target_error_db: how far those aimed at are from the clip's own, likewise;
            ``FLOOR_DB`` where they are its own.
        error_db: the difference of the samples to the clip's, relative to them. Near
            or above 0 even where both sound alike: phase is hardly audible.
        elapsed_s: time taken (s).
        lowered_db: by how much the clip was turned down.
    """

    clip: Clip
    convergence_db: tuple[float, ...]
    target_error_db: float
    error_db: float
    elapsed_s: float
    lowered_db: float = 0.0


def inverse_stft(
    clip: Clip, *, n_fft: int = 2048, hop_length: int = 512, window: str = "hann"
) -> RoundTrip:
    """Transform a clip by the STFT, phase kept, and back by overlap-add.

    Raises:
        KnownError: ``out_of_range``, ``odd_length`` or ``not_a_choice``.
    """
    check_frames(n_fft, hop_length)
    taper = window_values(window, n_fft)
    bins = overlap_add.spectra(
        clip.samples, taper.astype(np.float32), hop_length, n_fft
    )
    total = overlap_add.added(overlap_add.inverse(bins, n_fft), hop_length)
    gain = np.float32(hop_length / taper.sum())  # one over the windows' mean sum
    samples = gain * total[n_fft : n_fft + clip.n_samples]
    fitting, lowered_db = _within_range(samples, clip)
    return RoundTrip(
        clip=fitting,
        error_db=error_db(samples, clip.samples),
        is_cola=overlap_add.is_cola(window, n_fft, hop_length),
        lowered_db=lowered_db,
    )


def griffin_lim(
    clip: Clip, search: Search = DEFAULT, on_progress: OnProgress = ignore
) -> Rebuilt:
    """Rebuild a clip from its STFT's magnitudes (Hann window), without the phase.

    Raises:
        KnownError: ``out_of_range`` or ``odd_length``.
    """
    search.check()
    started_s = perf_counter()
    own = magnitudes(clip, search)
    return _rebuilt(clip, own, own, search, on_progress, started_s)


def from_mel(
    clip: Clip,
    *,
    n_mels: int = 128,
    fmax_hz: float = 8000.0,
    search: Search = DEFAULT,
    on_progress: OnProgress = ignore,
) -> Rebuilt:
    """Rebuild a clip from its mel spectrogram, from which bins are estimated first.

    An ``fmax_hz`` above the Nyquist frequency means Nyquist. What is above it, or in
    bands too narrow to hold a bin, does not return.

    Raises:
        KnownError: ``out_of_range`` or ``odd_length``.
    """
    search.check()
    check_range("n_mels", n_mels, 1, MAX_N_MELS)
    nyquist_hz = clip.sampling_rate / 2
    fmax_hz = min(fmax_hz, nyquist_hz)
    check_range("fmax_hz", fmax_hz, min(MIN_FMAX_HZ, nyquist_hz), nyquist_hz)
    started_s = perf_counter()
    own = magnitudes(clip, search)
    filters, _ = mel_filters(clip.sampling_rate, search.n_fft, n_mels, fmax_hz)
    target = np.sqrt(_unbanded(own**2 @ filters.T, filters))
    return _rebuilt(clip, target, own, search, on_progress, started_s)


def _unbanded(bands: Levels, filters: Levels) -> Levels:
    """Estimate the power of bins (n_frames, n_bins) from the power of mel bands.

    Bands are fewer than bins, so many answers fit; each step multiplies by what is
    missing, which keeps power positive and spreads it smoothly. Source: D. Lee and
    H. S. Seung, "Algorithms for non-negative matrix factorization" (2000), with one
    factor fixed.
    """
    from scipy import sparse

    triangles = sparse.csr_array(filters)
    wanted = triangles.T @ bands.T
    power = wanted
    for _ in range(N_MEL_STEPS):
        shown = triangles.T @ (triangles @ power)
        power = power * (wanted / np.maximum(shown, TINY))
    return power.T


def _rebuilt(
    clip: Clip,
    target: Levels,
    own: Levels,
    search: Search,
    on_progress: OnProgress,
    started_s: float,
) -> Rebuilt:
    samples, convergence_db = searched(target, clip.n_samples, search, on_progress)
    fitting, lowered_db = _within_range(samples, clip)
    return Rebuilt(
        clip=fitting,
        convergence_db=tuple(convergence_db),
        target_error_db=error_db(target, own),
        error_db=error_db(samples, clip.samples),
        elapsed_s=perf_counter() - started_s,
        lowered_db=lowered_db,
    )


def _within_range(samples: Samples, clip: Clip) -> tuple[Clip, float]:
    """Make a clip of samples, scaled down where they leave [-1, 1]; by how much (dB)."""
    loudest = max(float(np.abs(samples).max(initial=0.0)), 1.0)
    fitting = Clip(samples / np.float32(loudest), clip.sampling_rate, clip.name)
    return fitting, 20 * log10(loudest)
