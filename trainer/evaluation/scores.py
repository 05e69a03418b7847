"""How good a model is, said honestly: by song, by genre, with intervals.

All of it follows from the logits of the windows of songs that the model never heard.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from networks import forward
from trainer.evaluation.metrics import confusion, song_means, wilson_interval

Logits = NDArray[np.float32]
Indices = NDArray[np.int64]
N_MISTAKES = 10
N_BINS = 10
LOG_TEMPERATURES = (-3.0, 3.0)  # e^-3 to e^3


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model said to the windows of songs.

    Attributes:
        logits: float32 (n_windows, n_genres).
        owners: (n_windows,) position of each window's song.
        truths: (n_songs,) index of each song's genre.
        names: (n_songs,) what screens call the songs.
        genres: (n_genres,) labels.
        is_exclusive: one of them is right; otherwise each has a probability of its own.
    """

    logits: Logits
    owners: Indices
    truths: Indices
    names: tuple[str, ...]
    genres: tuple[str, ...]
    is_exclusive: bool = True

    def probabilities(self, temperature: float = 1.0) -> NDArray[np.float64]:
        """Average each song's windows, as classification does: (n_songs, n_genres)."""
        windows = forward.probabilities(
            self.logits, temperature, is_exclusive=self.is_exclusive
        )
        return song_means(windows, self.owners)

    def is_right(self, temperature: float = 1.0) -> NDArray[np.bool_]:
        """(n_songs,) whether each song was named rightly."""
        return self.probabilities(temperature).argmax(axis=1) == self.truths


@dataclass(frozen=True)
class GenreScore:
    """One genre's scores, all in [0, 1]; of how many songs."""

    genre: str
    precision: float
    recall: float
    f1: float
    n_songs: int


@dataclass(frozen=True)
class Mistake:
    """A song that was named wrongly, and how sure the model was (a probability)."""

    name: str
    truth: str
    answer: str
    probability: float


@dataclass(frozen=True)
class Bin:
    """Songs of about the same confidence: its mean, how many were right, how many."""

    confidence: float
    accuracy: float
    n_songs: int


@dataclass(frozen=True)
class Duel:
    """Two models on the same songs.

    Attributes:
        n_both: songs that both named rightly.
        n_first: songs that only the first one named rightly.
        n_second: songs that only the second one did.
        n_neither: songs that none did.
        p: how likely two equally good models would differ this much (``mcnemar``).
    """

    n_both: int
    n_first: int
    n_second: int
    n_neither: int
    p: float

    @property
    def n_songs(self) -> int:
        """Heard by both."""
        return self.n_both + self.n_first + self.n_second + self.n_neither


@dataclass(frozen=True)
class Baseline:
    """How a simple model did on the same songs: MFCC statistics and an SVM.

    Attributes:
        accuracy: share of the songs that it named rightly.
        interval: of that, 95 % (Wilson).
        n_learned: songs that it learned from.
        c: its penalty, chosen among those songs.
        duel: the comparison with the model, which comes first.
    """

    accuracy: float
    interval: tuple[float, float]
    n_learned: int
    c: float
    duel: Duel

    @property
    def n_songs(self) -> int:
        """Songs that both named."""
        return self.duel.n_songs


@dataclass(frozen=True)
class Scores:
    """How good a model is.

    Attributes:
        n_songs: heard for this.
        accuracy: share of songs named rightly.
        interval: of the accuracy, 95 % (Wilson).
        window_accuracy: share of single windows named rightly: what a song's answer
            would be worth without its average; None where it was not kept.
        macro_f1: mean of the genres' F1.
        genres: every genre's scores.
        counts: confusion matrix; a row is the truth, a column the answer.
        mistakes: the most confident ones first.
        temperature: what the logits were divided by.
        calibration_error: mean distance between confidence and accuracy (expected
            calibration error, 10 bins), in [0, 1]; None where it was not kept.
        reliability: those bins that hold songs.
        raw_calibration_error: the same of the logits as they come, not divided; None
            in a file of an earlier version.
        is_final: of the test songs, once the run was over; else of the songs that
            chose its checkpoint.
        baseline: what a simple model got, where somebody asked for it.
    """

    n_songs: int
    accuracy: float
    interval: tuple[float, float]
    window_accuracy: float | None
    macro_f1: float
    genres: tuple[GenreScore, ...]
    counts: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]
    temperature: float
    calibration_error: float | None
    reliability: tuple[Bin, ...]
    raw_calibration_error: float | None = None
    is_final: bool = False
    baseline: Baseline | None = None

    @property
    def n_right(self) -> int:
        """Songs named rightly."""
        return sum(row[number] for number, row in enumerate(self.counts))

    def to_json(self) -> str:
        """As one JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Scores:
        """What ``to_json`` wrote."""
        values: Mapping[str, Any] = json.loads(text)
        nested: dict[str, Any] = {
            "interval": tuple(values["interval"]),
            "genres": tuple(GenreScore(**each) for each in values["genres"]),
            "counts": tuple(tuple(row) for row in values["counts"]),
            "mistakes": tuple(Mistake(**each) for each in values["mistakes"]),
            "reliability": tuple(Bin(**each) for each in values["reliability"]),
        }
        if simple := values.get("baseline"):
            fought = {"duel": Duel(**simple["duel"])}
            interval = {"interval": tuple(simple["interval"])}
            nested["baseline"] = Baseline(**{**simple, **fought, **interval})
        return cls(**{**values, **nested})


def scores_of(answers: Answers, temperature: float = 1.0) -> Scores:
    """All scores of a model's answers."""
    probabilities = answers.probabilities(temperature)
    said = probabilities.argmax(axis=1)
    is_right = said == answers.truths
    counts = confusion(answers.truths, said, len(answers.genres))
    bins = _reliability(probabilities.max(axis=1), is_right)
    raw = answers.probabilities()
    raw_bins = _reliability(raw.max(axis=1), raw.argmax(axis=1) == answers.truths)
    windows = answers.logits.argmax(axis=1) == answers.truths[answers.owners]
    return dataclasses.replace(
        of_counts(counts, answers.genres),
        window_accuracy=float(windows.mean()),
        mistakes=_mistakes(answers, probabilities, said),
        temperature=temperature,
        calibration_error=_calibration_error(bins),
        reliability=bins,
        raw_calibration_error=_calibration_error(raw_bins),
    )


def of_counts(counts: NDArray[np.int64], genres: Sequence[str]) -> Scores:
    """Score a confusion matrix alone, which is all that the oldest runs kept."""
    n_songs, n_right = int(counts.sum()), int(counts.trace())
    by_genre = _by_genre(counts, genres)
    return Scores(
        n_songs=n_songs,
        accuracy=n_right / n_songs,
        interval=wilson_interval(n_right, n_songs),
        window_accuracy=None,
        macro_f1=float(np.mean([each.f1 for each in by_genre if each.n_songs])),
        genres=by_genre,
        counts=tuple(tuple(int(n) for n in row) for row in counts),
        mistakes=(),
        temperature=1.0,
        calibration_error=None,
        reliability=(),
    )


def temperature_of(answers: Answers) -> float:
    """What to divide logits by, so that confidence is accuracy.

    The one number that makes the truth most likely. Source: C. Guo et al., "On
    calibration of modern neural networks", ICML 2017.
    """
    from scipy.optimize import minimize_scalar

    songs = np.arange(len(answers.truths))

    def surprise(log_temperature: float) -> float:
        probabilities = answers.probabilities(float(np.exp(log_temperature)))
        return float(-np.log(probabilities[songs, answers.truths] + 1e-12).mean())

    best = minimize_scalar(surprise, bounds=LOG_TEMPERATURES, method="bounded")
    return float(np.exp(best.x))


def duel(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Duel:
    """Two models compared, of which (n_songs,) say where each was right."""
    counts = (first & second, first & ~second, second & ~first, ~first & ~second)
    both, one, other, none = (int(np.count_nonzero(each)) for each in counts)
    return Duel(both, one, other, none, mcnemar(first, second))


def baseline_of(
    model: NDArray[np.bool_], simple: NDArray[np.bool_], n_learned: int, c: float
) -> Baseline:
    """Compare a model with the simple one, of which (n_songs,) say where each was right."""
    n_right, n_songs = int(np.count_nonzero(simple)), len(simple)
    interval = wilson_interval(n_right, n_songs)
    return Baseline(n_right / n_songs, interval, n_learned, c, duel(model, simple))


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """How likely two equally good models would differ this much on the same songs.

    Args:
        first: (n_songs,) whether the first model was right.
        second: (n_songs,) whether the second one was.

    Returns:
        The exact two-sided p value; 1 where they never differ. Source: Q. McNemar,
        Psychometrika 12 (1947).
    """
    from scipy.stats import binomtest

    n_first = int(np.count_nonzero(first & ~second))
    n_second = int(np.count_nonzero(second & ~first))
    if not n_first + n_second:
        return 1.0
    return float(binomtest(n_first, n_first + n_second).pvalue)


def _by_genre(
    counts: NDArray[np.int64], genres: Sequence[str]
) -> tuple[GenreScore, ...]:
    """Precision, recall and F1; 0 where nothing was said or nothing was there."""
    right = np.diag(counts).astype(float)
    said, there = counts.sum(axis=0), counts.sum(axis=1)
    precision = right / np.maximum(said, 1)
    recall = right / np.maximum(there, 1)
    f1 = 2 * right / np.maximum(said + there, 1)
    return tuple(
        GenreScore(genre, float(precision[i]), float(recall[i]), float(f1[i]), int(n))
        for i, (genre, n) in enumerate(zip(genres, there, strict=True))
    )


def _mistakes(
    answers: Answers, probabilities: NDArray[np.float64], said: Indices
) -> tuple[Mistake, ...]:
    sure = probabilities.max(axis=1)
    wrong = np.flatnonzero(said != answers.truths)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][:N_MISTAKES]
    return tuple(
        Mistake(
            answers.names[i],
            answers.genres[answers.truths[i]],
            answers.genres[said[i]],
            float(sure[i]),
        )
        for i in wrong
    )


def _reliability(
    sure: NDArray[np.float64], is_right: NDArray[np.bool_]
) -> tuple[Bin, ...]:
    bins = np.minimum((sure * N_BINS).astype(int), N_BINS - 1)
    return tuple(
        Bin(
            float(sure[bins == b].mean()),
            float(is_right[bins == b].mean()),
            int(np.count_nonzero(bins == b)),
        )
        for b in np.unique(bins)
    )


def _calibration_error(bins: Sequence[Bin]) -> float:
    n_songs = sum(each.n_songs for each in bins)
    distances = (abs(b.confidence - b.accuracy) * b.n_songs for b in bins)
    return sum(distances) / n_songs
