"""A clip in, the windows that a model hears out: each resampled when its turn comes.

A window is cut with a margin, resampled, and trimmed: the same samples as from the
whole song resampled at once, without waiting for it or keeping it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from audio.clip import Clip, Samples, Sound

SILENCE = 10 ** (-60 / 20)  # -60 dBFS; windows are normalised, so noise would be loud
MARGIN_S = 0.1  # many times the length of soxr's filter


@dataclass(frozen=True, eq=False)
class Windows:
    """Equal windows that cover a clip; the last is shifted back to end with it.

    Attributes:
        clip: at its own rate, in memory or on disk.
        sampling_rate: of the windows (Hz).
        n_window: samples of a window; of a shorter clip the one window is repeated.
    """

    clip: Sound
    sampling_rate: int
    n_window: int

    @property
    def n_samples(self) -> int:
        """Length of the clip at the windows' rate (samples)."""
        return self.clip.n_samples * self.sampling_rate // self.clip.sampling_rate

    def starts(self) -> list[int]:
        """Where windows that are not plainly silent begin (samples)."""
        last = max(self.n_samples - self.n_window, 0)
        starts = [*range(0, last, self.n_window), last]
        return [start for start in starts if not self._is_silent(start)]

    def window(self, start: int) -> Samples | None:
        """Float32 (n_window,); None where nothing in it is audible to the model."""
        samples = self._resampled(start, start + self.n_window)
        if np.abs(samples).max() < SILENCE:
            return None
        return np.resize(samples, self.n_window)

    def _is_silent(self, start: int) -> bool:
        """Whether the clip itself is silent there; a look without resampling."""
        ratio = self.clip.sampling_rate / self.sampling_rate
        first, last = round(start * ratio), round((start + self.n_window) * ratio)
        piece = self.clip.part(first, last)
        return max(piece.max(), -piece.min()) < SILENCE / 2

    def _resampled(self, start: int, stop: int) -> Samples:
        """Part of the clip at the windows' rate; samples are counted at that rate."""
        common = gcd(self.sampling_rate, self.clip.sampling_rate)
        # As many samples of theirs last exactly as long as so many of ours.
        ours, theirs = self.sampling_rate // common, self.clip.sampling_rate // common
        n_margin = -(-round(MARGIN_S * self.sampling_rate) // ours)
        first = max(start // ours - n_margin, 0)
        last = -(-stop // ours) + n_margin
        samples = self.clip.part(first * theirs, last * theirs)
        piece = Clip(samples, self.clip.sampling_rate)
        resampled = piece.resampled(self.sampling_rate).samples
        return resampled[
            start - first * ours : min(stop, self.n_samples) - first * ours
        ]
