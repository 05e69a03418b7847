"""Evaluate a model on songs that it was not trained on.

During training, the songs of the split's validation part choose the checkpoint
(``ComputeMetrics``, called by the Trainer). After it, the test part is evaluated once
(``score_test``). Any model can be evaluated in the same way (``predict``).
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audio.hubert.preprocessing import SAMPLING_RATE
from networks import architecture, clear, forward
from trainer.config import METRIC
from trainer.data.dataset import SongSet
from trainer.data.windows import AllWindows, EvalWindows, WindowReader, n_workers
from trainer.evaluation import metrics
from trainer.evaluation.scores import Predictions, Scores, fit_temperature, scores_of
from trainer.run import runs
from trainer.run.events import Emit, ShouldStop, Stage, StopRequested

if TYPE_CHECKING:
    import transformers

SCORES, CONFUSION = "scores.json", "confusion.json"


def predict(
    model: Any,
    windows: EvalWindows,
    *,
    emit: Emit,
    should_stop: ShouldStop,
    stage: str = "evaluate",
    title: str = "",
) -> Predictions:
    """Compute a model's logits for all windows of songs.

    Args:
        model: a transformers audio classifier, on the device where it runs.
        windows: of the songs, with labels in the model's order; or cached features,
            while the frozen layers that made them are bypassed.
        emit: called with the progress.
        should_stop: called between batches.
        stage: name of the emitted Stage.
        title: the model's name in messages.

    Raises:
        KnownError: ``model_broken`` where a logit is not finite.
        StopRequested: between two batches.
    """
    model.eval()
    reader = WindowReader(windows, range(len(windows)), _n_workers(model, windows))

    def compute(batch: range) -> np.ndarray[Any, Any]:
        if should_stop():
            raise StopRequested
        emit(Stage(stage, batch.start, len(windows)))
        return forward.outputs(model, reader.values(batch), title).logits

    size = forward.batch_size(model, max(windows.lengths) / SAMPLING_RATE)
    batches = forward.in_batches(windows.lengths, size, compute)
    logits = [found for _, found in batches]
    is_exclusive = architecture.is_exclusive(model.config.to_dict())
    return _predictions(np.concatenate(logits), windows, is_exclusive)


def _n_workers(model: Any, windows: EvalWindows) -> int:
    """Return how many processes read the windows; cached features need none."""
    is_gpu = next(model.parameters()).device.type == "cuda"
    return n_workers(model, is_gpu=is_gpu and isinstance(windows, AllWindows))


def score_test(validation: Predictions, test: Predictions) -> Scores:
    """Score the test songs; the validation songs fit temperature and rule.

    The rule is that by which an answer is clear (``networks.clear``).
    """
    fit = fit_temperature(validation)
    rule = None
    if validation.is_exclusive:
        rule = clear.choose(*validation.confidences(fit.temperature))
    scores = scores_of(test, fit.temperature, rule)
    fitted_on = (fit.n_songs, fit.n_mistakes)
    return dataclasses.replace(scores, fitted_on=fitted_on, is_final=True)


def save_scores(scores: Scores, genres: tuple[str, ...], run_dir: Path) -> None:
    """Write ``scores.json`` and ``confusion.json``."""
    (run_dir / SCORES).write_text(scores.to_json(), "utf-8")
    counts = {"genres": genres, "counts": scores.counts}
    (run_dir / CONFUSION).write_text(json.dumps(counts, ensure_ascii=False), "utf-8")


def save_baseline(scores: Scores, run_dir: Path) -> None:
    """Add the baseline to a run's ``scores.json``, if it is of the same songs."""
    own = load_scores(run_dir)
    if own and scores.baseline and own.n_songs == scores.n_songs:
        own = dataclasses.replace(own, baseline=scores.baseline)
        runs.write_whole(run_dir / SCORES, own.to_json())


def load_scores(run_dir: Path) -> Scores | None:
    """Read the scores that ``save_scores`` wrote; None where missing or broken."""
    try:
        return Scores.from_json((run_dir / SCORES).read_text("utf-8"))
    except (OSError, ValueError, TypeError, KeyError):
        return None


class ComputeMetrics:
    """Compute accuracy by song from the logits of all windows, for the Trainer.

    The scores of the best evaluation so far are saved, because the best checkpoint
    becomes the model.

    Args:
        windows: of the validation songs.
        run_dir: where to save the scores; None to save none.
        best: the best validation accuracy of the run that this one resumes.
    """

    def __init__(self, windows: EvalWindows, run_dir: Path | None, best: float) -> None:
        self.windows = windows
        self.run_dir = run_dir
        self.best = best
        self.accuracy = metrics.accuracy_metric()

    def __call__(self, outputs: transformers.EvalPrediction) -> dict[str, float]:
        """Return the accuracy, named as ``metric_for_best_model``."""
        predictions = _predictions(
            np.asarray(outputs.predictions, np.float32), self.windows
        )
        score = self.accuracy.compute(
            predictions=predictions.labels(), references=predictions.truths
        )
        if score[METRIC] > self.best:
            self.best = score[METRIC]
            if self.run_dir:
                scores = scores_of(predictions)
                save_scores(scores, predictions.genres, self.run_dir)
        return score


def _predictions(
    logits: np.ndarray[Any, Any],
    windows: EvalWindows,
    is_exclusive: bool = True,
) -> Predictions:
    songs: SongSet = windows.songs
    return Predictions(
        logits,
        windows.owners,
        songs.labels[windows.indices],
        tuple(songs.songs[index].name for index in windows.indices),
        songs.genres,
        is_exclusive,
    )
