"""Compute magnitudes, and invert them by the Griffin-Lim algorithm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.clip import Clip, Samples
from audio.levels import FLOOR_DB
from audio.transforms import overlap_add
from audio.transforms.checks import check_frames, check_range
from audio.transforms.frames import Levels
from audio.transforms.windows import window_values

MAX_N_ITERATIONS = 200
MOMENTUM = 0.99
TINY = np.finfo(np.float32).tiny

OnProgress = Callable[[int], None]  # is called with the number of iterations done


def ignore(n_done: int) -> None:
    """Ignore the progress."""


@dataclass(frozen=True)
class Search:
    """Parameters of the frames and of the search for their phases.

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
        """Validate the parameters.

        Raises:
            KnownError: ``out_of_range`` or ``odd_length``.
        """
        check_frames(self.n_fft, self.hop_length)
        check_range("n_iterations", self.n_iterations, 0, MAX_N_ITERATIONS)


DEFAULT = Search()


def magnitudes(clip: Clip, search: Search) -> Levels:
    """Compute the STFT's magnitudes (Hann window), float32 (n_frames, n_bins)."""
    taper = window_values("hann", search.n_fft).astype(np.float32)
    n_around = search.n_fft // 2
    return _absolute(
        overlap_add.spectra(clip.samples, taper, search.hop_length, n_around)
    )


def searched(
    target: Levels, n_samples: int, search: Search, on_progress: OnProgress = ignore
) -> tuple[Samples, list[float]]:
    """Search samples whose STFT has the target's magnitudes as nearly as possible.

    The target gets the phases of a consistent STFT, again and again; momentum makes
    that fast. Source: D. Griffin and J. Lim (1984);
    N. Perraudin, P. Balazs and P. Sondergaard, "A fast Griffin-Lim algorithm" (2013).

    Returns:
        Samples float32 (n_samples,), and the error of their magnitudes (dB) after
        0, 1, ... iterations.
    """
    taper = window_values("hann", search.n_fft).astype(np.float32)
    middle = slice(search.n_fft // 2, search.n_fft // 2 + n_samples)
    squares = np.broadcast_to(taper**2, (len(target), search.n_fft))
    # Least squares; samples at the edges of all windows must not be amplified.
    weights = np.maximum(overlap_add.added(squares, search.hop_length)[middle], 1e-6)
    turns = np.random.default_rng(search.seed).random(target.shape, np.float32)
    phases = np.exp(2j * np.pi * turns).astype(np.complex64)
    before = np.zeros_like(phases)
    convergence_db = []
    for n_done in range(search.n_iterations + 1):
        on_progress(n_done)
        frames = overlap_add.inverse(target * phases, search.n_fft) * taper
        samples = overlap_add.added(frames, search.hop_length)[middle] / weights
        bins = overlap_add.spectra(samples, taper, search.hop_length, search.n_fft // 2)
        convergence_db.append(error_db(_absolute(bins), target))
        phases = bins - MOMENTUM / (1 + MOMENTUM) * before
        phases /= np.maximum(_absolute(phases), TINY)
        before = bins
    return samples, convergence_db


def error_db(values: NDArray[Any], truth: NDArray[Any]) -> float:
    """Compute the error relative to the truth (dB); ``FLOOR_DB`` without any."""
    error, size = (float(np.linalg.norm(x)) for x in (values - truth, truth))
    if not (error and size):
        return FLOOR_DB
    return max(20 * float(np.log10(error / size)), FLOOR_DB)


def _absolute(bins: overlap_add.Spectra) -> Levels:
    """Compute ``|bins|``; ``np.abs`` guards against overflow and is slower for it."""
    return np.sqrt(bins.real**2 + bins.imag**2)
