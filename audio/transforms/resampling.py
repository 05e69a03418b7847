"""Resample a clip, with or without the anti-aliasing filter.

A rate of ``fs`` holds frequencies up to ``fs / 2`` (Nyquist). Everything above must be
filtered out before: sampled all the same, it folds back to another frequency, an alias
that no filter can remove afterwards.
"""

from __future__ import annotations

from math import gcd

import numpy as np

from audio.clip import Clip, Samples
from audio.transforms.checks import check_range

RATES = (44_100, 32_000, 22_050, 16_000, 11_025, 8000, 4000, 2000)  # Hz, to choose from
APART_S = 1.0  # of zeros between a clip's end and its beginning
MIN_SAMPLING_RATE = 1000
MAX_SAMPLING_RATE = 192_000


def resampled(clip: Clip, sampling_rate: int, *, is_filtered: bool) -> Clip:
    """Resample a clip to another rate (Hz).

    Filtered, by soxr in high quality. Unfiltered, the curve through the clip's samples
    is read at the new instants and nothing is taken away: where the new rate divides
    the old one, that keeps every n-th sample.

    Returns:
        ``n_samples * sampling_rate / clip.sampling_rate`` samples, rounded.

    Raises:
        KnownError: ``out_of_range``.
    """
    check_range("sampling_rate", sampling_rate, MIN_SAMPLING_RATE, MAX_SAMPLING_RATE)
    if is_filtered or sampling_rate == clip.sampling_rate:
        return clip.resampled(sampling_rate)
    samples = _folded(clip.samples, clip.sampling_rate, sampling_rate)
    return Clip(np.clip(samples, -1.0, 1.0), sampling_rate, clip.name)


def alias_hz(frequency_hz: float, sampling_rate: float) -> float:
    """Compute the frequency (Hz) of a tone that is sampled without a filter.

    That is its distance from the nearest multiple of the sampling rate.
    """
    n_turns = round(frequency_hz / sampling_rate)
    return abs(frequency_hz - n_turns * sampling_rate)


def _folded(samples: Samples, rate: int, new_rate: int) -> Samples:
    """Sample the band-limited curve through the samples at ``new_rate``.

    The DFT's bin k is a wave of k periods. Sampled at only ``n_new`` instants, it is
    the same as one of k + n_new periods, so the bins add up modulo
    ``n_new``: that sum is all that sampling does to a spectrum. Zeros behind the clip
    make its length fit both rates, and keep its end from its beginning: to the DFT the
    one follows the other.
    """
    from scipy import fft

    n_each, n_each_new = (r // gcd(rate, new_rate) for r in (rate, new_rate))
    n_times = -(-(len(samples) + round(APART_S * rate)) // n_each)
    n, n_new = n_times * n_each, n_times * n_each_new
    bins = fft.fft(samples.astype(np.float64), n)
    targets = np.rint(fft.fftfreq(n, 1 / n)).astype(np.intp) % n_new
    folded = np.bincount(targets, bins.real, n_new) + 1j * np.bincount(
        targets, bins.imag, n_new
    )
    curve = fft.ifft(folded).real * (n_new / n)  # .real halves Nyquist to +k and -k
    n_kept = int(len(samples) * new_rate / rate + 0.5)
    return curve[:n_kept].astype(np.float32)
