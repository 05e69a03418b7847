"""Window functions, and their effect on tones and noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audio.transforms.checks import check_choice

Numbers = NDArray[np.float64]

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
    """Compute a periodic window, (n_samples,), as for a DFT.

    Raises:
        KnownError: ``not_a_choice`` for a name that ``WINDOWS`` lacks.
    """
    check_choice("window", name, WINDOWS)
    phases = 2 * np.pi * np.arange(n_samples) / max(n_samples, 1)
    terms = ((-1) ** k * a * np.cos(k * phases) for k, a in enumerate(WINDOWS[name]))
    return np.sum(list(terms), axis=0)


def resolution_bins(name: str) -> float:
    """Compute the distance at which two equally strong tones are separate (bins).

    The width of the window's main lobe 6 dB down: 1.21 without a window, 2.00 for
    Hann. Source: F. J. Harris (1978), table I.
    """
    from scipy import fft

    taper = window_values(name, N_FOR_LOBE)
    lobe = np.abs(fft.rfft(taper, N_FOR_LOBE * FINENESS)) / taper.sum()
    first = int(np.argmax(lobe < 0.5))  # the lobe falls through 1/2 just before
    share = (lobe[first - 1] - 0.5) / (lobe[first - 1] - lobe[first])
    return float(2 * (first - 1 + share) / FINENESS)


def scalloping_db(name: str, offset_bins: float = 0.5) -> float:
    """Compute the loss of level (dB) of a tone so far from the nearest bin.

    Half-way between two bins, the worst case: 3.92 without a window, 1.42 for Hann.
    Source: F. J. Harris (1978), table I.
    """
    taper = window_values(name, N_FOR_LOBE)
    turns = offset_bins * np.arange(N_FOR_LOBE) / N_FOR_LOBE
    lobe = np.abs(taper @ np.exp(-2j * np.pi * turns)) / taper.sum()
    return float(-20 * np.log10(lobe))


def gain(taper: Numbers) -> float:
    """Compute the factor that makes a full-scale sine read 1."""
    return 2 / max(float(taper.sum()), np.finfo(np.float64).tiny)


def noise_bandwidth_bins(taper: Numbers) -> float:
    """Compute the equivalent noise bandwidth: 1 without a window, 1.50 for Hann.

    The power of all bins together is this many times the sound's own.
    """
    return float(len(taper) * np.sum(taper**2) / np.sum(taper) ** 2)
