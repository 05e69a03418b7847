"""STFT with phase, and its inverse by overlap-add."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples
from audio.transforms.frames import Levels
from audio.transforms.windows import Numbers, window_values

Spectra = NDArray[np.complex64]


def spectra(samples: Samples, taper: Levels, hop_length: int, n_around: int) -> Spectra:
    """Compute the DFT of every frame, (n_frames, n_fft // 2 + 1).

    Args:
        samples: (n_samples,).
        taper: float32 (n_fft,).
        hop_length: samples from one frame to the next.
        n_around: zeros before and after the samples. Half a frame centres frame i on
            sample ``i * hop_length``; a whole one covers every sample equally often.
    """
    from scipy import fft

    padded = np.pad(samples, n_around)
    frames = np.lib.stride_tricks.sliding_window_view(padded, len(taper))[::hop_length]
    return fft.rfft(frames * taper, axis=1)


def inverse(bins: Spectra, n_fft: int) -> Samples:
    """Compute the inverse DFT of every frame, (n_frames, n_fft)."""
    from scipy import fft

    return fft.irfft(bins, n_fft, axis=1)


def added(frames: NDArray[Any], hop_length: int) -> NDArray[Any]:
    """Overlap-add frames (n_frames, n_fft), one every ``hop_length``.

    Share j of all frames, ``hop_length`` wide, belongs j hops after their starts, so a
    few additions of whole arrays are enough.
    """
    n_frames, n_fft = frames.shape
    n_shares = ceil(n_fft / hop_length)
    total = np.zeros((n_frames + n_shares - 1, hop_length), frames.dtype)
    for j in range(n_shares):
        share = frames[:, j * hop_length : (j + 1) * hop_length]
        total[j : j + n_frames, : share.shape[1]] += share
    return total.ravel()


def window_sum(window: str, n_fft: int, hop_length: int) -> Numbers:
    """Sum the shifted windows over one hop, (hop_length,), scaled to mean 1."""
    taper = window_values(window, n_fft)
    taper = np.pad(taper, (0, -n_fft % hop_length))
    total = taper.reshape(-1, hop_length).sum(axis=0)
    return total / total.mean()


def is_cola(window: str, n_fft: int, hop_length: int) -> bool:
    """Return whether windows shifted by the hop add up to a constant.

    Constant overlap-add: where it holds, adding the frames gives back the sound; where
    not, its loudness ripples with ``window_sum``. Source: J. O. Smith, "Spectral Audio
    Signal Processing", overlap-add decomposition.
    """
    return bool(np.ptp(window_sum(window, n_fft, hop_length)) < 1e-10)
