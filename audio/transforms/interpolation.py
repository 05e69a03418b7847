"""Interpolate some milliseconds of samples to the band-limited curve through them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from audio.clip import Clip, Samples
from audio.transforms.windows import Numbers

CURVE_RATE = 96_000  # Hz, at least: every pixel of 10 ms has a point
MIN_FINENESS = 4  # points a sample: eight a period of the highest frequency
MARGIN_S, N_MARGIN = 0.05, 1000  # around the stretch, so that its ends are right


@dataclass(frozen=True, eq=False)
class Stretch:
    """Values at times.

    Attributes:
        times_s: (n,) from the start of the stretch (s).
        values: float32 (n,).
    """

    times_s: Numbers
    values: Samples


def points(clip: Clip, start_s: float, length_s: float) -> Stretch:
    """Cut the samples from ``start_s`` to ``start_s + length_s``, both included."""
    rate = clip.sampling_rate
    first = max(ceil(start_s * rate - 1e-6), 0)
    stop = int((start_s + length_s) * rate + 1e-6) + 1
    values = clip.samples[first:stop]
    return Stretch((first + np.arange(len(values))) / rate - start_s, values)


def curve(clip: Clip, start_s: float, length_s: float) -> Stretch:
    """Interpolate the only curve through all samples with nothing above Nyquist.

    A DFT's bins are followed by zeros, up to the finer rate: what is interpolated is
    every frequency below Nyquist alike, and the curve is the sample at each of them.
    The DFT takes the end to be followed by the beginning, so the neighbours fade out,
    and zeros keep the two apart.
    """
    from scipy.signal import resample

    rate = clip.sampling_rate
    n_margin = max(round(MARGIN_S * rate), N_MARGIN)
    n_each = max(ceil(CURVE_RATE / rate), MIN_FINENESS)
    start, end = start_s * rate, (start_s + length_s) * rate
    first = max(floor(start) - n_margin, 0)
    samples = clip.samples[first : ceil(end) + n_margin].astype(np.float64)
    if not len(samples):
        return points(clip, start_s, length_s)
    places = first + np.arange(len(samples))
    outside = np.maximum(np.maximum(start - places, places - end), 0) / n_margin
    faded = samples * np.cos(np.pi / 2 * np.minimum(outside, 1)) ** 2
    apart = np.pad(faded, n_margin)
    fine = resample(apart, n_each * len(apart))[n_each * n_margin :]
    around = Clip(fine[: n_each * len(samples)], n_each * rate)
    return points(around, start_s - first / rate, length_s)
