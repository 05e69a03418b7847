"""Windows, and the power of a clip's frames: the engine under ``dsp``.

Frames are transformed a block at a time into one kept buffer and reduced to the
picture's columns on the way, so that a song's spectrogram is never whole in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples
from errors import KnownError

Levels = NDArray[np.float32]
Numbers = NDArray[np.float64]

N_SAMPLES_PER_BLOCK = 2**18  # 128 frames of 2048 samples, 1 MB: stays in the cache

N_FOR_LOBE, FINENESS = 256, 32  # samples, and points a bin: exact to 0.001 bins

# Cosine sums: w[n] = a0 - a1 cos(2 pi n/N) + a2 cos(4 pi n/N) - ...
# Source: F. J. Harris, "On the use of windows for harmonic analysis with the DFT",
# Proc. IEEE 66 (1978); flat top: G. D'Antona and A. Ferrero (2006), as in SciPy.
WINDOWS = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
    "rectangular": (1.0,),
}


def window_values(name: str, n_samples: int) -> Numbers:
    """A periodic window, (n_samples,), the kind that a DFT wants.

    Raises:
        KnownError: ``not_a_choice`` for a name that ``WINDOWS`` lacks.
    """
    if name not in WINDOWS:
        choices = ", ".join(WINDOWS)
        raise KnownError("not_a_choice", field="window", value=name, choices=choices)
    phases = 2 * np.pi * np.arange(n_samples) / max(n_samples, 1)
    terms = ((-1) ** k * a * np.cos(k * phases) for k, a in enumerate(WINDOWS[name]))
    return np.sum(list(terms), axis=0)


def resolution_bins(name: str) -> float:
    """How far apart two equally strong tones must be to show as two (bins).

    The width of the window's main lobe 6 dB down: 1.21 without a window, 2.00 for
    Hann. Source: F. J. Harris (1978), table I.
    """
    from scipy import fft

    taper = window_values(name, N_FOR_LOBE)
    lobe = np.abs(fft.rfft(taper, N_FOR_LOBE * FINENESS)) / taper.sum()
    first = int(np.argmax(lobe < 0.5))  # the lobe falls through 1/2 just before
    share = (lobe[first - 1] - 0.5) / (lobe[first - 1] - lobe[first])
    return float(2 * (first - 1 + share) / FINENESS)


def gain(taper: Numbers) -> float:
    """What makes a full-scale sine read 1: it puts half its height in either bin."""
    return 2 / max(float(taper.sum()), np.finfo(np.float64).tiny)


def pooled_power(
    samples: Samples,
    taper: Numbers,
    hop_length: int,
    n_columns: int | None,
    filters: Levels | None = None,
) -> tuple[Levels, int]:
    """Power (n_bins or n_bands, n_columns), the loudest of so many frames each."""
    from scipy import sparse

    n_frames = 1 + len(samples) // hop_length
    n_per_column, n_block = _pooling(n_frames, n_columns, len(taper))
    n_bins = n_rows = len(taper) // 2 + 1
    if filters is not None:
        n_bins = 1 + int(np.flatnonzero(filters.any(axis=0)).max(initial=0))
        n_rows = len(filters)  # triangles are mostly zeros, and nothing lies above them
        bands = sparse.csr_array(filters[:, :n_bins])
    pooled = np.zeros((ceil(n_frames / n_per_column), n_rows), np.float32)
    powers = _powers(samples, taper * gain(taper), hop_length, n_block)
    for i, power in enumerate(powers):
        frames = power[:, :n_bins]
        rows = frames if filters is None else (bands @ frames.T).T
        maxima = _maxima(rows, min(n_per_column, n_block))
        first = i * n_block // n_per_column
        target = pooled[first : first + len(maxima)]
        np.maximum(target, maxima, out=target)
    return np.ascontiguousarray(pooled.T), n_per_column


def _pooling(n_frames: int, n_columns: int | None, n_fft: int) -> tuple[int, int]:
    """Frames a column and frames a block, one a multiple of the other."""
    n_per_column = ceil(n_frames / (n_columns or n_frames))
    n_block = N_SAMPLES_PER_BLOCK // n_fft
    if n_per_column > n_block:
        return n_per_column + -n_per_column % n_block, n_block
    return n_per_column, n_block // n_per_column * n_per_column


def _maxima(rows: Levels, n_each: int) -> Levels:
    """The largest of every ``n_each`` rows, zeros filling up the last share."""
    if missing := -len(rows) % n_each:
        rows = np.pad(rows, ((0, missing), (0, 0)))
    return rows.reshape(-1, n_each, rows.shape[1]).max(axis=1)


def _powers(
    samples: Samples, taper: Numbers, hop_length: int, n_block: int
) -> Iterator[Levels]:
    """The power of all frames, up to (n_block, n_bins) at a time."""
    from scipy import fft

    n_fft = len(taper)
    n_frames = 1 + len(samples) // hop_length
    taper = taper.astype(np.float32)  # scipy.fft keeps float32, at half the cost
    # One kept buffer: asking for new memory would cost more than the transform.
    tapered = np.empty((min(n_block, n_frames), n_fft), np.float32)
    for first in range(0, n_frames, n_block):
        n = min(n_block, n_frames - first)
        start = first * hop_length - n_fft // 2
        stretch = _stretch(samples, start, start + (n - 1) * hop_length + n_fft)
        frames = np.lib.stride_tricks.sliding_window_view(stretch, n_fft)[::hop_length]
        np.multiply(frames, taper, out=tapered[:n])
        spectra = fft.rfft(tapered[:n], axis=1)
        yield spectra.real**2 + spectra.imag**2


def _stretch(samples: Samples, start: int, stop: int) -> Samples:
    """``samples[start:stop]``, with zeros where that leaves the clip."""
    inside = samples[max(start, 0) : max(stop, 0)]
    before, after = max(-start, 0), max(stop - len(samples), 0)
    return np.pad(inside, (before, after)) if before or after else inside
