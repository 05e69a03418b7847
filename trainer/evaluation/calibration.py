"""Do probabilities keep their word: calibration error, chance's part of it, temperature.

A calibration error is never zero: a perfectly calibrated model's answers at 70 % are not
right in 7 of 10 each time. How large chance alone makes it depends on the number of
songs and on the confidences, so it is simulated for these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from networks.checkpoint import TEMPERATURES
from trainer.evaluation.metrics import wilson_interval

Numbers = NDArray[np.float64]

N_BINS = 10
N_DRAWS = 1000
QUANTILE = 0.95  # of the draws

MIN_SONGS = 30  # to fit a temperature, and to draw a reliability curve
MIN_MISTAKES = 5  # without mistakes the best temperature is 0
FINENESS = 0.02  # from one to the next; a fit's own error is larger
PRIOR_STD = 0.5  # of log T around 0: few songs move it little
N_FOLDS = 5


@dataclass(frozen=True)
class Bin:
    """Songs of similar confidence: mean confidence, accuracy, and number of songs."""

    confidence: float
    accuracy: float
    n_songs: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the accuracy (Wilson)."""
        return wilson_interval(round(self.accuracy * self.n_songs), self.n_songs)


@dataclass(frozen=True)
class TemperatureFit:
    """A temperature, and the songs that it was to be fitted on.

    Attributes:
        temperature: divisor of the logits; 1 where none was fitted.
        n_songs: validation songs.
        n_mistakes: those of them that were classified wrongly.
    """

    temperature: float
    n_songs: int
    n_mistakes: int

    @property
    def has_enough(self) -> bool:
        """Whether there were songs and mistakes enough to fit it."""
        return self.n_songs >= MIN_SONGS and self.n_mistakes >= MIN_MISTAKES


def reliability(confidence: Numbers, is_correct: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """Gather songs by confidence: the bins, of ten, that are not empty.

    Args:
        confidence: (n_songs,) in [0, 1].
        is_correct: (n_songs,).
    """
    bins = _bins(confidence)
    return tuple(
        Bin(
            float(confidence[bins == b].mean()),
            float(is_correct[bins == b].mean()),
            int(np.count_nonzero(bins == b)),
        )
        for b in np.unique(bins)
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """Compute the mean gap between confidence and accuracy, in [0, 1]."""
    n_songs = sum(each.n_songs for each in bins)
    distances = (abs(b.confidence - b.accuracy) * b.n_songs for b in bins)
    return sum(distances) / n_songs


def error_by_chance(confidence: Numbers, seed: int = 0) -> tuple[float, float]:
    """Simulate the calibration error of a perfectly calibrated model.

    Each of 1000 draws lets a song of confidence c be right with probability c.

    Args:
        confidence: (n_songs,) in [0, 1].
        seed: of the draws.

    Returns:
        Mean and 95 % quantile of the draws' errors, in [0, 1].
    """
    rng = np.random.default_rng(seed)
    in_bin = (_bins(confidence)[:, None] == np.arange(N_BINS)).astype(float)
    is_right = rng.random((N_DRAWS, len(confidence))) < confidence
    gaps = is_right.astype(float) @ in_bin - confidence @ in_bin
    errors = np.abs(gaps).sum(axis=1) / len(confidence)
    return float(errors.mean()), float(np.quantile(errors, QUANTILE))


def fit_temperature(
    log_likelihoods: Callable[[float], Numbers], is_correct: NDArray[np.bool_]
) -> TemperatureFit:
    """Fit the temperature by likelihood, with a prior, where that helps.

    It helps where it makes songs more probable that it was not fitted on: by
    cross-validation. Source: C. Guo et al., "On calibration of modern neural networks",
    ICML 2017, who have thousands of songs' worth and need no prior.

    Args:
        log_likelihoods: of the songs' true genres at a temperature, (n_songs,).
        is_correct: (n_songs,).
    """
    n_songs = len(is_correct)
    fitted = TemperatureFit(1.0, n_songs, int(np.count_nonzero(~is_correct)))
    if not fitted.has_enough:
        return fitted
    low, high = np.log(TEMPERATURES)
    logs = np.linspace(low, high, round((high - low) / FINENESS) + 1)
    likelihoods = np.stack([log_likelihoods(float(np.exp(each))) for each in logs])
    prior = -(logs**2) / (2 * PRIOR_STD**2)
    folds = np.random.default_rng(0).permutation(n_songs) % N_FOLDS
    gain = 0.0
    for fold in range(N_FOLDS):
        best = np.argmax(likelihoods[:, folds != fold].sum(axis=1) + prior)
        gain += likelihoods[best, folds == fold].sum()
    if gain <= log_likelihoods(1.0).sum():
        return fitted
    best = np.argmax(likelihoods.sum(axis=1) + prior)
    return TemperatureFit(float(np.exp(logs[best])), n_songs, fitted.n_mistakes)


def _bins(confidence: Numbers) -> NDArray[np.intp]:
    return np.minimum((confidence * N_BINS).astype(np.intp), N_BINS - 1)
