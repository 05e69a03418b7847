"""Magnitudes without phase: cut from a clip, and turned back into samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from audio import overlap
from audio.checks import check_length, check_range
from audio.clip import Clip, Samples
from audio.frames import Levels, window_values

MAX_N_ITERATIONS = 200
MOMENTUM = 0.99
TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Search:
    """How frames are cut, and how long their phases are searched.

    Attributes:
        n_fft: samples a frame.
        hop_length: samples from one frame to the next.
        n_iterations: 0 leaves the phases random.
        seed: of the random phases to begin with.
    """

    n_fft: int = 2048
    hop_length: int = 512
    n_iterations: int = 32
    seed: int = 0

    def check(self) -> None:
        """Refuse what cannot be searched.

        Raises:
            KnownError: ``out_of_range`` or ``odd_length``.
        """
        check_frames(self.n_fft, self.hop_length)
        check_range("n_iterations", self.n_iterations, 0, MAX_N_ITERATIONS)


DEFAULT = Search()


def check_frames(n_fft: int, hop_length: int) -> None:
    """Refuse frames that ``dsp.stft`` would refuse.

    Raises:
        KnownError: ``out_of_range`` or ``odd_length``.
    """
    check_length("n_fft", n_fft)
    check_range("hop_length", hop_length, n_fft // 64, n_fft)


def magnitudes(clip: Clip, search: Search) -> Levels:
    """The STFT of a clip (Hann window), float32 (n_frames, n_bins), phase dropped."""
    taper = window_values("hann", search.n_fft).astype(np.float32)
    n_around = search.n_fft // 2
    return _absolute(overlap.spectra(clip.samples, taper, search.hop_length, n_around))


def _absolute(bins: overlap.Spectra) -> Levels:
    """|bins|; ``np.abs`` guards against overflow and is slower for it."""
    return np.sqrt(bins.real**2 + bins.imag**2)


def searched(
    target: Levels, n_samples: int, search: Search
) -> Iterator[tuple[Samples, Levels]]:
    """After 0, 1, ... iterations: the samples, and the magnitudes that they show.

    The magnitudes aimed at get the phases of a sound that can exist, and so on; a step
    beyond each answer makes that fast. Source: D. Griffin and J. Lim (1984);
    N. Perraudin, P. Balazs and P. Sondergaard, "A fast Griffin-Lim algorithm" (2013).
    """
    taper = window_values("hann", search.n_fft).astype(np.float32)
    middle = slice(search.n_fft // 2, search.n_fft // 2 + n_samples)
    squares = np.broadcast_to(taper**2, (len(target), search.n_fft))
    # Least squares: what shows through little of any window must not be blown up.
    weights = np.maximum(overlap.added(squares, search.hop_length)[middle], 1e-6)
    turns = np.random.default_rng(search.seed).random(target.shape, np.float32)
    phases = np.exp(2j * np.pi * turns).astype(np.complex64)
    before = np.zeros_like(phases)
    for _ in range(search.n_iterations + 1):
        frames = overlap.inverse(target * phases, search.n_fft) * taper
        samples = overlap.added(frames, search.hop_length)[middle] / weights
        bins = overlap.spectra(samples, taper, search.hop_length, search.n_fft // 2)
        yield samples, _absolute(bins)
        phases = bins - MOMENTUM / (1 + MOMENTUM) * before
        phases /= np.maximum(_absolute(phases), TINY)
        before = bins
