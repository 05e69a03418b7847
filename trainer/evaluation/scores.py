"""Score a model's predictions: accuracy, F1, calibration, and a test of two models.

All of it follows from the logits of windows of songs that it was not trained on.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from networks import clear, forward
from networks.clear import ClearRule, ClearScore
from trainer.evaluation import calibration
from trainer.evaluation.calibration import Bin, TemperatureFit
from trainer.evaluation.metrics import confusion, song_means, wilson_interval

Logits = NDArray[np.float32]
Indices = NDArray[np.int64]
N_MISTAKES = 10
TINY = 1e-12  # a probability of 0 has no logarithm


@dataclass(frozen=True, eq=False)
class Predictions:
    """A model's logits for the windows of songs, and the songs' true genres.

    Attributes:
        logits: float32 (n_windows, n_genres).
        owners: (n_windows,) position of each window's song.
        truths: (n_songs,) index of each song's genre.
        names: (n_songs,) displayed names of the songs.
        genres: (n_genres,) labels.
        is_exclusive: whether exactly one genre is right (softmax); otherwise each has a
            probability of its own (sigmoid).
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

    def labels(self, temperature: float = 1.0) -> Indices:
        """Return the most probable genre of each song: (n_songs,)."""
        return self.probabilities(temperature).argmax(axis=1)

    def is_correct(self, temperature: float = 1.0) -> NDArray[np.bool_]:
        """Return whether each song was classified correctly: (n_songs,)."""
        return self.labels(temperature) == self.truths

    def confidences(
        self, temperature: float = 1.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Return what the rule for a clear answer is chosen by; see ``networks.clear``.

        Args:
            temperature: that logits are divided by.

        Returns:
            The lead of each song's first genre, the agreement of its windows, and
            whether it is right; each (n_songs,).
        """
        windows = forward.probabilities(
            self.logits, temperature, is_exclusive=self.is_exclusive
        )
        songs = song_means(windows, self.owners)
        leads, agreements = clear.measures(windows, songs, self.owners)
        return leads, agreements, songs.argmax(axis=1) == self.truths


@dataclass(frozen=True)
class GenreScore:
    """One genre's scores in [0, 1], and its number of songs."""

    genre: str
    precision: float
    recall: float
    f1: float
    n_songs: int


@dataclass(frozen=True)
class Mistake:
    """A song that was misclassified, with the probability of the wrong answer."""

    name: str
    truth: str
    answer: str
    probability: float


@dataclass(frozen=True)
class PairedResult:
    """The results of two models on the same songs.

    Attributes:
        n_both: songs that both classified correctly.
        n_first: songs that only the first one classified correctly.
        n_second: songs that only the second one did.
        n_neither: songs that both got wrong.
        p: p value of McNemar's exact test (``mcnemar``).
    """

    n_both: int
    n_first: int
    n_second: int
    n_neither: int
    p: float

    @property
    def n_songs(self) -> int:
        """Number of songs."""
        return self.n_both + self.n_first + self.n_second + self.n_neither


@dataclass(frozen=True)
class Baseline:
    """The result of a simple model on the same songs: MFCC statistics and an SVM.

    Attributes:
        accuracy: share of songs classified correctly.
        interval: 95 % confidence interval of the accuracy (Wilson).
        n_train: number of songs that it was trained on.
        c: regularisation parameter of the SVM, chosen on those songs.
        duel: the comparison with the model, which is the first one.
    """

    accuracy: float
    interval: tuple[float, float]
    n_train: int
    c: float
    duel: PairedResult

    @property
    def n_songs(self) -> int:
        """Number of songs that both classified."""
        return self.duel.n_songs


@dataclass(frozen=True)
class Scores:
    """The scores of a model on a set of songs.

    Attributes:
        n_songs: number of songs.
        accuracy: share of songs classified correctly.
        interval: 95 % confidence interval of the accuracy (Wilson).
        window_accuracy: share of single windows classified correctly, without
            averaging over a song; None where it was not saved.
        macro_f1: mean of the genres' F1.
        genres: every genre's scores.
        counts: confusion matrix; rows are true genres, columns predicted ones.
        mistakes: the most confident ones first.
        temperature: divisor of the logits.
        calibration_error: mean distance between confidence and accuracy (expected
            calibration error, 10 bins), in [0, 1]; None where it was not saved.
        reliability: the bins that are not empty.
        raw_calibration_error: the same at temperature 1; None in a file of an earlier
            version.
        chance_error: what ``calibration_error`` a perfectly calibrated model of the same
            confidences has: its mean, and its 95 % quantile; None as before.
        fitted_on: the number of validation songs that were to fit the temperature, and
            of mistakes among them; None where they are not known.
        is_final: True for the test songs, scored once at the end; False for the
            validation songs, which chose the checkpoint.
        baseline: of a simple model on these songs; None where it was not evaluated.
        risk_coverage: how many answers are called clear, and how many of those are
            right; None where the songs are too few, or in an earlier version's file.
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
    chance_error: tuple[float, float] | None = None
    fitted_on: tuple[int, int] | None = None
    is_final: bool = False
    baseline: Baseline | None = None
    risk_coverage: ClearScore | None = None

    @property
    def n_right(self) -> int:
        """Number of songs classified correctly."""
        return sum(row[number] for number, row in enumerate(self.counts))

    def to_json(self) -> str:
        """Serialize as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Scores:
        """Parse what ``to_json`` wrote."""
        values: Mapping[str, Any] = json.loads(text)
        nested: dict[str, Any] = {
            "interval": tuple(values["interval"]),
            "genres": tuple(GenreScore(**each) for each in values["genres"]),
            "counts": tuple(tuple(row) for row in values["counts"]),
            "mistakes": tuple(Mistake(**each) for each in values["mistakes"]),
            "reliability": tuple(Bin(**each) for each in values["reliability"]),
        }
        nested |= {
            name: tuple(values[name])
            for name in ("chance_error", "fitted_on")
            if values.get(name)
        }
        if simple := values.get("baseline"):
            paired = {"duel": PairedResult(**simple["duel"])}
            interval = {"interval": tuple(simple["interval"])}
            nested["baseline"] = Baseline(**{**simple, **paired, **interval})
        if clear_values := values.get("risk_coverage"):
            curve = tuple((at, share) for at, share in clear_values["curve"])
            nested["risk_coverage"] = ClearScore(**{**clear_values, "curve": curve})
        return cls(**{**values, **nested})


def scores_of(
    predictions: Predictions,
    temperature: float = 1.0,
    rule: ClearRule | None = None,
) -> Scores:
    """Compute all scores of a model's predictions.

    Args:
        predictions: of songs.
        temperature: divisor of the logits.
        rule: by which an answer is clear, chosen on other songs; without one, these
            songs choose it.
    """
    truths = predictions.truths
    probabilities = predictions.probabilities(temperature)
    predicted = probabilities.argmax(axis=1)
    counts = confusion(truths, predicted, len(predictions.genres))
    confidence = probabilities.max(axis=1)
    bins = calibration.reliability(confidence, predicted == truths)
    raw = predictions.probabilities()
    raw_bins = calibration.reliability(raw.max(axis=1), raw.argmax(axis=1) == truths)
    windows = predictions.logits.argmax(axis=1) == truths[predictions.owners]
    return dataclasses.replace(
        from_confusion(counts, predictions.genres),
        window_accuracy=float(windows.mean()),
        mistakes=_mistakes(predictions, probabilities),
        temperature=temperature,
        calibration_error=calibration.calibration_error(bins),
        reliability=bins,
        raw_calibration_error=calibration.calibration_error(raw_bins),
        chance_error=calibration.error_by_chance(confidence),
        risk_coverage=_risk_coverage(predictions, temperature, rule),
    )


def _risk_coverage(
    predictions: Predictions, temperature: float, rule: ClearRule | None
) -> ClearScore | None:
    """Score the rule for a clear answer; without one, the rule that these songs choose."""
    if not predictions.is_exclusive:
        return None
    confidences = predictions.confidences(temperature)
    chosen = rule or clear.choose(*confidences)
    if chosen is None:
        return None
    named = [predictions.genres[at] for at in predictions.labels(temperature)]
    is_held_out = rule is not None
    return clear.score(chosen, *confidences, is_held_out=is_held_out, genres=named)


def from_confusion(counts: NDArray[np.int64], genres: Sequence[str]) -> Scores:
    """Score a confusion matrix alone, which is all that the oldest runs saved."""
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


def fit_temperature(predictions: Predictions) -> TemperatureFit:
    """Fit the temperature that calibrates the probabilities, where that helps.

    Labels that do not exclude each other get none: a likelihood of the true one alone
    would only ask for more of each.
    """
    songs, is_correct = np.arange(len(predictions.truths)), predictions.is_correct()
    if not predictions.is_exclusive:
        return TemperatureFit(1.0, len(songs), int(np.count_nonzero(~is_correct)))

    def log_likelihoods(temperature: float) -> NDArray[np.float64]:
        probabilities = predictions.probabilities(temperature)
        return np.log(probabilities[songs, predictions.truths] + TINY)

    return calibration.fit_temperature(log_likelihoods, is_correct)


def compare_pairs(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> PairedResult:
    """Compare two models, given (n_songs,) whether each was correct."""
    counts = (first & second, first & ~second, second & ~first, ~first & ~second)
    both, one, other, none = (int(np.count_nonzero(each)) for each in counts)
    return PairedResult(both, one, other, none, mcnemar(first, second))


def baseline_of(
    model: NDArray[np.bool_], simple: NDArray[np.bool_], n_train: int, c: float
) -> Baseline:
    """Compare a model with the baseline, given (n_songs,) whether each was correct."""
    n_right, n_songs = int(np.count_nonzero(simple)), len(simple)
    interval = wilson_interval(n_right, n_songs)
    paired = compare_pairs(model, simple)
    return Baseline(n_right / n_songs, interval, n_train, c, paired)


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Test whether two models differ on the same songs (McNemar's exact test).

    Args:
        first: (n_songs,) whether the first model was correct.
        second: (n_songs,) the same of the second.

    Returns:
        The two-sided p value; 1 where they never differ. Source: Q. McNemar,
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
    """Compute precision, recall and F1; 0 where nothing was predicted or true."""
    right = np.diag(counts).astype(float)
    n_predicted, n_true = counts.sum(axis=0), counts.sum(axis=1)
    precision = right / np.maximum(n_predicted, 1)
    recall = right / np.maximum(n_true, 1)
    f1 = 2 * right / np.maximum(n_predicted + n_true, 1)
    return tuple(
        GenreScore(genre, float(precision[i]), float(recall[i]), float(f1[i]), int(n))
        for i, (genre, n) in enumerate(zip(genres, n_true, strict=True))
    )


def _mistakes(
    predictions: Predictions, probabilities: NDArray[np.float64]
) -> tuple[Mistake, ...]:
    """List the wrong answers with the highest probability, ``N_MISTAKES`` at most."""
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != predictions.truths)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")][:N_MISTAKES]
    return tuple(
        Mistake(
            predictions.names[i],
            predictions.genres[predictions.truths[i]],
            predictions.genres[predicted[i]],
            float(confidence[i]),
        )
        for i in wrong
    )
