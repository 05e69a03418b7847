"""Decibels, and how loud a clip is.

0 dBFS is the level of a sine that fills [-1, 1]. Source: AES17.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip

FLOOR_DB = -200.0  # below the rounding noise of float32 samples in any one bin
FLOOR_POWER = 10 ** (FLOOR_DB / 10)


@dataclass(frozen=True)
class Loudness:
    """How loud a clip is; ``FLOOR_DB`` where it is silent.

    Attributes:
        peak_dbfs: of the sample furthest from zero.
        peak_at_s: where that sample is (s).
        rms_dbfs: of the whole clip; a full-scale sine reads 0, a square wave +3.
    """

    peak_dbfs: float
    peak_at_s: float
    rms_dbfs: float


def decibels(power: NDArray[Any]) -> NDArray[Any]:
    """Power as level, ``FLOOR_DB`` at the least."""
    return 10 * np.log10(np.maximum(power, FLOOR_POWER))


def loudness(clip: Clip) -> Loudness:
    """Peak and RMS of a clip."""
    if not clip.n_samples:
        return Loudness(FLOOR_DB, 0.0, FLOOR_DB)
    # argmax would copy a read-only array; of a comparison it finds the first one.
    extreme = max(clip.samples.max(), clip.samples.min(), key=abs)
    at = int(np.argmax(clip.samples == extreme))
    mean_power = float(np.dot(clip.samples, clip.samples)) / clip.n_samples
    peak_db, rms_db = decibels(np.array([extreme**2, 2 * mean_power]))
    return Loudness(
        peak_dbfs=float(peak_db),
        peak_at_s=at / clip.sampling_rate,
        rms_dbfs=float(rms_db),
    )
