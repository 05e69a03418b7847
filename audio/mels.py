"""The mel scale and its filter bank, Slaney's formulas.

Source: M. Slaney, "Auditory Toolbox" (1998); librosa's default.
"""

from __future__ import annotations

import numpy as np

from audio.frames import Levels, Numbers

# 3 mel per 200 Hz up to 1 kHz, then 27 mel per factor of 6.4.
MEL_HZ = 200.0 / 3.0
KNEE_HZ = 1000.0
KNEE_MEL = KNEE_HZ / MEL_HZ
LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(frequencies_hz: Numbers) -> Numbers:
    """Slaney's mel scale."""
    above = np.log(np.maximum(frequencies_hz, KNEE_HZ) / KNEE_HZ)
    return np.minimum(frequencies_hz, KNEE_HZ) / MEL_HZ + above / LOG_STEP


def mel_to_hz(mels: Numbers) -> Numbers:
    """The inverse of ``hz_to_mel`` (Hz)."""
    above = np.exp(np.maximum(mels - KNEE_MEL, 0.0) * LOG_STEP)
    return np.minimum(mels, KNEE_MEL) * MEL_HZ * above


def mel_filters(
    sampling_rate: int, n_fft: int, n_mels: int, fmax_hz: float
) -> tuple[Levels, Numbers]:
    """Triangles over the DFT's bins, evenly spaced in mel, each of area 1.

    A triangle rises from the centre of the band below to its own centre and falls to
    the centre of the band above.

    Returns:
        Filters float32 (n_mels, n_bins) and the bands' centres (n_mels,) in Hz.
    """
    bins_hz = np.fft.rfftfreq(n_fft, 1 / sampling_rate)
    top = hz_to_mel(np.array(fmax_hz))
    edges_hz = mel_to_hz(np.linspace(0.0, top, n_mels + 2))
    low, centre, high = (edges_hz[i : n_mels + i, None] for i in range(3))
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * 2 / (high - low)).astype(np.float32), edges_hz[1:-1]
