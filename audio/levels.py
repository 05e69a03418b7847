"""Convert power to decibels, and measure a clip's level.

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
SINE_CREST_DB = 10 * np.log10(2)
CLIPPED = 0.999  # of full scale
FLAT_RUN, LOUD = 3, 0.7  # samples in a row, and of full scale


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

    @property
    def crest_db(self) -> float:
        """Crest factor, peak over RMS: 0 for a square wave, 3.0 for a sine (dB)."""
        return self.peak_dbfs - self.rms_dbfs + SINE_CREST_DB


@dataclass(frozen=True)
class Extent:
    """Range and offset of a clip's samples.

    Attributes:
        lowest: sample.
        highest: sample.
        offset: mean of the samples: what a faulty sound card adds (DC offset).
        n_full: samples within 0.1 % of full scale, where recordings are cut off.
    """

    lowest: float
    highest: float
    offset: float
    n_full: int


def decibels(power: NDArray[Any]) -> NDArray[Any]:
    """Convert power to level (dB), ``FLOOR_DB`` at least; of any shape, which stays."""
    return 10 * np.log10(np.maximum(power, FLOOR_POWER))


def power(levels_db: NDArray[Any]) -> NDArray[Any]:
    """Convert level (dB) to power, of any shape: 0 dB is 1, -10 dB a tenth."""
    return 10 ** (levels_db / 10)


def decibels_in_place(power: NDArray[Any]) -> NDArray[Any]:
    """Convert as ``decibels``, in place: new memory would cost as much as the log."""
    np.maximum(power, FLOOR_POWER, out=power)
    np.log10(power, out=power)
    power *= 10
    return power


def loudness(clip: Clip) -> Loudness:
    """Measure peak and RMS of a clip."""
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


def extent(clip: Clip) -> Extent:
    """Measure extremes, mean and clipping of a clip; zeros where it has no samples."""
    samples = clip.samples
    if not clip.n_samples:
        return Extent(0.0, 0.0, 0.0, 0)
    lowest, highest = float(samples.min()), float(samples.max())
    n_full = 0
    if max(highest, -lowest) >= CLIPPED:  # most songs need not be read again
        n_full = int(np.sum(samples >= CLIPPED) + np.sum(samples <= -CLIPPED))
    return Extent(lowest, highest, float(samples.mean()), n_full)


def n_flat(samples: NDArray[Any]) -> int:
    """Count the samples at flat tops, where a recording or a limiter cut the wave off.

    A flat top is ``FLAT_RUN`` samples in a row or more that are all the highest, or all
    the lowest, of the whole sound. They need not be at full scale.

    Args:
        samples: (n_samples,) where 1 is full scale.
    """
    tops = FlatTops()
    if len(samples):
        tops.add(samples, float(samples.min()), float(samples.max()))
    return tops.n_samples


class FlatTops:
    """Count one channel's samples at flat tops, as ``n_flat``, block by block."""

    def __init__(self) -> None:
        self._above, self._below = _FlatSide(1), _FlatSide(-1)

    @property
    def n_samples(self) -> int:
        """Count the samples of all flat tops, the open run included."""
        return self._above.n_samples + self._below.n_samples

    def add(self, samples: NDArray[Any], lowest: float, highest: float) -> None:
        """Count a block (n_samples,), of known extremes, that follows the others."""
        self._above.add(samples, highest)
        self._below.add(samples, -lowest)


class _FlatSide:
    """Count flat tops on one side of zero; ``sign`` turns that side up."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._highest = LOUD  # of a quiet sound, rounding makes flat tops
        self._n_counted = 0  # in runs that are long enough
        self._n_open = 0  # in the run that the last block ended with

    @property
    def n_samples(self) -> int:
        """How many samples lie in flat tops, the unfinished one included."""
        return self._n_counted + (self._n_open if self._n_open >= FLAT_RUN else 0)

    def add(self, samples: NDArray[Any], highest: float) -> None:
        """Count a block whose highest sample, on this side, is known."""
        if highest > self._highest:
            self._highest, self._n_counted, self._n_open = highest, 0, 0
        if highest < self._highest:  # most blocks need not be read again
            self._n_counted, self._n_open = self.n_samples, 0
            return
        is_top = samples == self._sign * self._highest
        ends = np.diff(np.r_[0, is_top, 0].astype(np.int8))
        lengths = (np.flatnonzero(ends < 0) - np.flatnonzero(ends > 0)).tolist()
        if is_top[0]:
            lengths[0] += self._n_open
        else:
            self._n_counted = self.n_samples
        self._n_open = 0
        if is_top[-1]:
            *lengths, self._n_open = lengths
        self._n_counted += sum(n for n in lengths if n >= FLAT_RUN)
