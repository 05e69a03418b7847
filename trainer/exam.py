"""Evaluate a model on songs that it was not trained on.

While it is trained, the validation songs choose the checkpoint (``Checks``, called by
the Trainer). Afterwards it is scored once on the test songs (``final``). Any model can
be evaluated the same way (``answers_of``).
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer import metrics
from trainer.config import METRIC
from trainer.data import SongSet
from trainer.events import Emit, ShouldStop, Stage, StopRequested
from trainer.scores import Answers, Scores, scores_of, temperature_of
from trainer.windows import AllWindows, collate

if TYPE_CHECKING:
    import transformers

    from trainer.frozen import Recorded

N_PER_BATCH = 16  # windows at once on a GPU; a CPU is faster with one
SCORES, CONFUSION = "scores.json", "confusion.json"


def answers_of(
    model: Any,
    windows: AllWindows | Recorded,
    *,
    emit: Emit,
    should_stop: ShouldStop,
    stage: str = "evaluate",
) -> Answers:
    """What a model says to all windows of songs.

    Args:
        model: a transformers audio classifier, on the device where it shall work.
        windows: of the songs, the labels in the order of the model's; or what was
            recorded of them, where the part that said it is taken out of the model.
        emit: gets the progress.
        should_stop: asked between batches.
        stage: what the progress is called.

    Raises:
        StopRequested: between two batches.
    """
    import torch

    device = next(model.parameters()).device
    n_each = 1 if device.type == "cpu" else N_PER_BATCH
    logits = []
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(windows), n_each):
            if should_stop():
                raise StopRequested
            emit(Stage(stage, start, len(windows)))
            stop = min(start + n_each, len(windows))
            batch = collate([windows[place] for place in range(start, stop)])
            del batch["labels"]
            (values,) = (value.to(device) for value in batch.values())
            logits.append(model(values).logits.float().cpu().numpy())
    return _answers(np.concatenate(logits), windows)


def final(chosen_on: Answers, reported: Answers) -> Scores:
    """Scores on the test songs, with a temperature fitted on the validation songs."""
    scores = scores_of(reported, temperature_of(chosen_on))
    return dataclasses.replace(scores, is_final=True)


def keep(scores: Scores, genres: tuple[str, ...], run_dir: Path) -> None:
    """Write ``scores.json`` and ``confusion.json``."""
    (run_dir / SCORES).write_text(scores.to_json(), "utf-8")
    counts = {"genres": genres, "counts": scores.counts}
    (run_dir / CONFUSION).write_text(json.dumps(counts, ensure_ascii=False), "utf-8")


def kept(run_dir: Path) -> Scores | None:
    """The scores that ``keep`` wrote; None where there are none, or not whole."""
    try:
        return Scores.from_json((run_dir / SCORES).read_text("utf-8"))
    except (OSError, ValueError, TypeError, KeyError):
        return None


class Checks:
    """Called by the Trainer with the logits of all windows: validation accuracy by song.

    The scores of the best one so far are kept on disk, because the best checkpoint is
    the one that becomes the model.

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
        """The accuracy, under the name by which the Trainer chooses."""
        answers = _answers(np.asarray(outputs.predictions, np.float32), self.windows)
        said = answers.probabilities().argmax(axis=1)
        score = self.accuracy.compute(predictions=said, references=answers.truths)
        if score[METRIC] > self.best:
            self.best = score[METRIC]
            if self.run_dir:
                keep(scores_of(answers), answers.genres, self.run_dir)
        return score


def _answers(logits: np.ndarray[Any, Any], windows: AllWindows | Recorded) -> Answers:
    songs: SongSet = windows.songs
    return Answers(
        logits,
        windows.owners,
        songs.labels[windows.indices],
        tuple(songs.names[index] for index in windows.indices),
        songs.genres,
    )
