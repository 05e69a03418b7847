"""Cut a sound into a model's windows, each resampled when it is used.

Classification and evaluation cut a song here, so that they mean the same windows.

No window is padded: padding leaks through a group norm over time into every frame and
changes the answer. A shorter song is repeated, and the last window of a longer one is
shifted back to end with it. A window is cut with a margin, resampled, and trimmed: the
same samples as from the whole song resampled at once, without waiting for it or
keeping it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from audio.clip import Clip, Readable, Samples

SILENCE = 10 ** (-60 / 20)  # -60 dBFS; windows are normalised, so noise would be loud
MARGIN_S = 0.1  # many times the length of soxr's filter
# Of a window. A clip of GTZAN lasts 30.013 s: in windows of 30 s, a second one would be
# the first but for 13 ms, would give the same answer again, and double the time.
MIN_NEW_FRACTION = 0.1


def window_starts(n_samples: int, n_window: int, n_hop: int | None = None) -> list[int]:
    """List where the windows that cover a song begin (samples).

    The last one is shifted back to end with the song, and left out where it would add
    less than a tenth of a window to the one before it.

    Args:
        n_samples: of the song; a shorter one than the window has one window.
        n_window: samples of a window.
        n_hop: samples from one window to the next; one beside the other by default.
    """
    last = max(n_samples - n_window, 0)
    starts = [*range(0, last, n_hop or n_window), last]
    if len(starts) > 1 and starts[-1] - starts[-2] < MIN_NEW_FRACTION * n_window:
        starts.pop()
    return starts


@dataclass(frozen=True, eq=False)
class Windows:
    """Equal windows that cover a sound.

    Attributes:
        sound: at its own rate.
        sampling_rate: of the windows (Hz).
        n_window: samples of a window; of a shorter sound the one window is repeated.
    """

    sound: Readable
    sampling_rate: int
    n_window: int

    @classmethod
    def of(
        cls,
        sound: Readable,
        sampling_rate: int,
        window_s: float,
        *,
        takes_any_length: bool = False,
    ) -> Windows:
        """Cut a sound into windows of a model.

        Args:
            sound: at its own rate.
            sampling_rate: of the model's input (Hz).
            window_s: length of what the model was trained on (s).
            takes_any_length: a shorter sound is one window as it is, not repeated.
        """
        windows = cls(sound, sampling_rate, round(window_s * sampling_rate))
        if takes_any_length and windows.is_short:
            return replace(windows, n_window=windows.n_samples)
        return windows

    @property
    def n_samples(self) -> int:
        """Length of the sound at the windows' rate (samples), rounded as soxr does."""
        ours, theirs = self.sampling_rate, self.sound.sampling_rate
        return (2 * self.sound.n_samples * ours + theirs) // (2 * theirs)

    @property
    def is_short(self) -> bool:
        """Whether the sound does not fill one window."""
        return self.n_samples < self.n_window

    def starts(self, n_per_window: int = 1) -> list[int]:
        """List where windows begin (samples), without those that are plainly silent.

        Args:
            n_per_window: how many begin in the length of one.
        """
        starts = self.all_starts(n_per_window)
        return [start for start in starts if not self._is_silent(start)]

    def all_starts(self, n_per_window: int = 1) -> list[int]:
        """List where windows begin (samples), of silent ones too: nothing is read."""
        n_hop = self.n_window // n_per_window
        return window_starts(self.n_samples, self.n_window, n_hop)

    def window(self, start: int) -> Samples | None:
        """Cut a window: float32 (n_window,); None where it is silent at this rate."""
        samples = self._resampled(start, start + self.n_window)
        if np.abs(samples).max() < SILENCE:
            return None
        return np.resize(samples, self.n_window)

    def _is_silent(self, start: int) -> bool:
        """Return whether a window is silent, judged before it is resampled."""
        ratio = self.sound.sampling_rate / self.sampling_rate
        first, last = round(start * ratio), round((start + self.n_window) * ratio)
        piece = self.sound.part(first, last)
        # Where it will be resampled, the filter's ringing may add to a peak.
        threshold = SILENCE if ratio == 1 else SILENCE / 2
        return max(piece.max(), -piece.min()) < threshold

    def _resampled(self, start: int, stop: int) -> Samples:
        """Resample a part of the sound; ``start`` and ``stop`` are at the new rate."""
        common = gcd(self.sampling_rate, self.sound.sampling_rate)
        # As many samples of theirs last exactly as long as so many of ours.
        ours, theirs = self.sampling_rate // common, self.sound.sampling_rate // common
        n_margin = -(-round(MARGIN_S * self.sampling_rate) // ours)
        first = max(start // ours - n_margin, 0)
        last = -(-stop // ours) + n_margin
        samples = self.sound.part(first * theirs, last * theirs)
        piece = Clip(samples, self.sound.sampling_rate)
        resampled = piece.resampled(self.sampling_rate).samples
        return resampled[
            start - first * ours : min(stop, self.n_samples) - first * ours
        ]
