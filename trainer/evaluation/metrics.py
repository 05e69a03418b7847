"""Compute accuracy by song with its interval, and the confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import process

if TYPE_CHECKING:
    import evaluate


def song_means(
    windows: NDArray[np.float64], owners: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Average the windows of each song.

    Args:
        windows: (n_windows, n_genres) probabilities.
        owners: (n_windows,) which song each window is of.

    Returns:
        (n_songs, n_genres).
    """
    sums = np.zeros((int(owners.max()) + 1, windows.shape[1]))
    np.add.at(sums, owners, windows)
    return sums / np.bincount(owners)[:, None]


def confusion(
    truths: NDArray[np.int64], predicted: NDArray[np.int64], n_genres: int
) -> NDArray[np.int64]:
    """Count songs by genre: (n_genres, n_genres), rows true, columns predicted."""
    counts = np.zeros((n_genres, n_genres), np.int64)
    np.add.at(counts, (truths, predicted), 1)
    return counts


def wilson_interval(n_right: int, n_songs: int) -> tuple[float, float]:
    """Estimate the 95 % interval of an accuracy.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical
        inference, JASA 22 (1927).
    """
    from scipy.stats import binomtest

    low, high = binomtest(n_right, n_songs).proportion_ci(method="wilson")
    return float(low), float(high)


def accuracy_metric() -> evaluate.Metric:
    """Build the metric accuracy of the package evaluate, without a download.

    ``evaluate.load("accuracy")`` fetches and runs a script from the Hub; this is the
    same metric, which works without a network.
    """
    process.settle()
    import datasets
    import evaluate

    class Accuracy(evaluate.Metric):
        """Compute the share of correct predictions."""

        def _info(self) -> evaluate.MetricInfo:
            features = {
                "predictions": datasets.Value("int32"),
                "references": datasets.Value("int32"),
            }
            return evaluate.MetricInfo(
                description="Share of correct predictions.",
                citation="",
                inputs_description="Class numbers.",
                features=datasets.Features(features),
            )

        def _compute(
            self, predictions: list[int], references: list[int]
        ) -> dict[str, float]:
            return {"accuracy": float(np.mean(np.equal(predictions, references)))}

    return Accuracy(keep_in_memory=True)
