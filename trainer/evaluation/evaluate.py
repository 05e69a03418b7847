"""A model and songs that it never learned from in, its answers and scores out.

During training, the songs of the split's validation part choose the checkpoint
(``Checks``, called by the Trainer). After it, those of the test part are evaluated once
(``final``). Any model can be evaluated in the same way (``answers_of``).
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from networks import architecture, forward
from trainer.config import METRIC
from trainer.data.dataset import SongSet
from trainer.evaluation import metrics
from trainer.evaluation.scores import Answers, Scores, scores_of, temperature_of
from trainer.run.events import Emit, ShouldStop, Stage, StopRequested
from trainer.training.feature_cache import CachedFeatures
from trainer.training.windows import AllWindows, collate

if TYPE_CHECKING:
    import transformers

SCORES, CONFUSION = "scores.json", "confusion.json"


def answers_of(
    model: Any,
    windows: AllWindows | CachedFeatures,
    *,
    emit: Emit,
    should_stop: ShouldStop,
    stage: str = "evaluate",
    title: str = "",
) -> Answers:
    """Compute a model's logits for all windows of songs.

    Args:
        model: a transformers audio classifier, on the device where it shall run.
        windows: of the songs, the labels in the order of the model's; or cached
            features, where the frozen layers that made them are bypassed.
        emit: called with the progress.
        should_stop: asked between batches.
        stage: what the progress is called.
        title: what messages call the model.

    Raises:
        KnownError: ``model_broken`` where a logit is not finite.
        StopRequested: between two batches.
    """
    logits = []
    model.eval()
    for batch in forward.batches(windows.lengths, forward.batch_size(model)):
        if should_stop():
            raise StopRequested
        emit(Stage(stage, batch.start, len(windows)))
        items = collate([windows[place] for place in batch])
        del items["labels"]
        (values,) = items.values()
        logits.append(forward.outputs(model, values, title).logits)
    is_exclusive = architecture.is_exclusive(model.config.to_dict())
    return _answers(np.concatenate(logits), windows, is_exclusive)


def final(chosen_on: Answers, reported: Answers) -> Scores:
    """Score the test songs, with a temperature fitted on the validation songs."""
    scores = scores_of(reported, temperature_of(chosen_on))
    return dataclasses.replace(scores, is_final=True)


def keep(scores: Scores, genres: tuple[str, ...], run_dir: Path) -> None:
    """Write ``scores.json`` and ``confusion.json``."""
    (run_dir / SCORES).write_text(scores.to_json(), "utf-8")
    counts = {"genres": genres, "counts": scores.counts}
    (run_dir / CONFUSION).write_text(json.dumps(counts, ensure_ascii=False), "utf-8")


def kept(run_dir: Path) -> Scores | None:
    """Read the scores that ``keep`` wrote; None where there are none, or not whole."""
    try:
        return Scores.from_json((run_dir / SCORES).read_text("utf-8"))
    except (OSError, ValueError, TypeError, KeyError):
        return None


class Checks:
    """Compute accuracy by song from the logits of all windows, for the Trainer.

    The scores of the best evaluation so far are kept on disk, because the best
    checkpoint is the one that becomes the model.

    Args:
        windows: of the validation songs.
        run_dir: where the scores are kept; None to keep none.
        best: the best validation accuracy of the run that this one goes on from.
    """

    def __init__(self, windows: AllWindows, run_dir: Path | None, best: float) -> None:
        self.windows = windows
        self.run_dir = run_dir
        self.best = best
        self.accuracy = metrics.accuracy_metric()

    def __call__(self, outputs: transformers.EvalPrediction) -> dict[str, float]:
        """Return the accuracy, under the name by which the Trainer chooses."""
        answers = _answers(np.asarray(outputs.predictions, np.float32), self.windows)
        said = answers.probabilities().argmax(axis=1)
        score = self.accuracy.compute(predictions=said, references=answers.truths)
        if score[METRIC] > self.best:
            self.best = score[METRIC]
            if self.run_dir:
                keep(scores_of(answers), answers.genres, self.run_dir)
        return score


def _answers(
    logits: np.ndarray[Any, Any],
    windows: AllWindows | CachedFeatures,
    is_exclusive: bool = True,
) -> Answers:
    songs: SongSet = windows.songs
    return Answers(
        logits,
        windows.owners,
        songs.labels[windows.indices],
        tuple(songs.songs[index].name for index in windows.indices),
        songs.genres,
        is_exclusive,
    )
