"""Interpolate some milliseconds of samples to the band-limited curve through them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from audio.clip import Clip, Samples
from audio.transforms.windows import Numbers

CURVE_RATE = 96_000  # Hz, at least: every pixel of 10 ms has a point
MARGIN_S, N_MARGIN = 0.05, 200  # around the stretch, so that its ends are right


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
    """Interpolate the only curve through all samples with nothing above Nyquist."""
    rate = clip.sampling_rate
    margin_s = max(MARGIN_S, N_MARGIN / rate)
    first = max(int((start_s - margin_s) * rate), 0)
    stop = max(ceil((start_s + length_s + margin_s) * rate), first)
    around = Clip(clip.samples[first:stop], rate).resampled(
        ceil(CURVE_RATE / rate) * rate
    )
    return points(around, start_s - first / rate, length_s)
