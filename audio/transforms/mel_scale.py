"""Mel scale and mel filter bank, by Slaney's formulas or by HTK's.

Sources: M. Slaney, "Auditory Toolbox" (1998), librosa's default; S. Young et al., "The
HTK Book", after D. O'Shaughnessy (1987).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from audio.transforms.checks import check_choice
from audio.transforms.frames import Levels
from audio.transforms.windows import Numbers

Formula = Literal["slaney", "htk"]
Norm = Literal["area", "peak"]

FORMULAS = ("slaney", "htk")
NORMS = ("area", "peak")

# Slaney: 3 mel per 200 Hz up to 1 kHz, then 27 mel per factor of 6.4.
MEL_HZ = 200.0 / 3.0
KNEE_HZ = 1000.0
KNEE_MEL = KNEE_HZ / MEL_HZ
LOG_STEP = np.log(6.4) / 27.0

# HTK: one logarithm, nearly linear below its corner.
HTK_MEL = 2595.0  # a factor of 10
HTK_CORNER_HZ = 700.0


def hz_to_mel(frequencies_hz: Numbers, formula: Formula = "slaney") -> Numbers:
    """Convert frequencies (Hz) to mel.

    Raises:
        KnownError: ``not_a_choice``.
    """
    check_choice("formula", formula, FORMULAS)
    if formula == "htk":
        return HTK_MEL * np.log10(1 + frequencies_hz / HTK_CORNER_HZ)
    above = np.log(np.maximum(frequencies_hz, KNEE_HZ) / KNEE_HZ)
    return np.minimum(frequencies_hz, KNEE_HZ) / MEL_HZ + above / LOG_STEP


def mel_to_hz(mels: Numbers, formula: Formula = "slaney") -> Numbers:
    """Convert mel to frequencies (Hz)."""
    check_choice("formula", formula, FORMULAS)
    if formula == "htk":
        return HTK_CORNER_HZ * (10 ** (mels / HTK_MEL) - 1)
    above = np.exp(np.maximum(mels - KNEE_MEL, 0.0) * LOG_STEP)
    return np.minimum(mels, KNEE_MEL) * MEL_HZ * above


def band_edges_hz(
    n_mels: int, fmin_hz: float, fmax_hz: float, formula: Formula = "slaney"
) -> Numbers:
    """Compute the corners of the triangles, (n_mels + 2,) Hz, evenly spaced in mel.

    Band i rises from edge i to its centre, edge i + 1, and falls to edge i + 2.
    """
    bottom, top = hz_to_mel(np.array([fmin_hz, fmax_hz]), formula)
    return mel_to_hz(np.linspace(bottom, top, n_mels + 2), formula)


def mel_filters(
    sampling_rate: int,
    n_fft: int,
    n_mels: int,
    fmax_hz: float,
    *,
    fmin_hz: float = 0.0,
    formula: Formula = "slaney",
    norm: Norm = "area",
) -> tuple[Levels, Numbers]:
    """Compute triangles over the DFT's bins, each of area 1 (per Hz) or of height 1.

    Returns:
        Filters float32 (n_mels, n_bins) and the bands' centres (n_mels,) in Hz.

    Raises:
        KnownError: ``not_a_choice``.
    """
    check_choice("norm", norm, NORMS)
    bins_hz = np.fft.rfftfreq(n_fft, 1 / sampling_rate)
    edges_hz = band_edges_hz(n_mels, fmin_hz, fmax_hz, formula)
    low, centre, high = (edges_hz[i : n_mels + i, None] for i in range(3))
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    if norm == "area":
        triangles *= 2 / (high - low)
    return triangles.astype(np.float32), edges_hz[1:-1]
