"""What a model's answers to a set of songs depend on: each change of each, classified.

As the page's "What if" does for one song: its middle is changed in one thing at a time
(``audio.effects``). A change that moves few answers is nothing to the model; one that
costs accuracy removes what it relies on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio import effects
from audio.clip import Clip
from audio.hubert.preprocessing import SAMPLING_RATE
from networks import forward
from networks.checkpoint import LoadedModel
from networks.forward import Outputs
from networks.windows import Windows
from trainer.data.dataset import SongSet
from trainer.data.windows import CachedSong
from trainer.evaluation.metrics import wilson_interval
from trainer.run.events import Emit, ShouldStop, Stage, StopRequested

Indices = NDArray[np.int64]
Compute = Callable[..., Outputs]
AS_IT_IS = "as_it_is"
NONE = -1  # answer to a sound that a change has silenced


@dataclass(frozen=True)
class ChangeScore:
    """What one change does to the answers.

    Attributes:
        change: one of ``effects.NAMED``, or ``AS_IT_IS``.
        n_songs: songs that were classified.
        changed: share of songs whose genre is another than as they are.
        changed_interval: its 95 % confidence interval (Wilson).
        accuracy: share of songs classified correctly.
        accuracy_interval: its 95 % confidence interval (Wilson).
    """

    change: str
    n_songs: int
    changed: float
    changed_interval: tuple[float, float]
    accuracy: float
    accuracy_interval: tuple[float, float]


def measure(
    model: LoadedModel,
    songs: SongSet,
    indices: Indices,
    labels: Indices,
    *,
    emit: Emit,
    should_stop: ShouldStop,
    compute: Compute = forward.outputs,
) -> tuple[ChangeScore, ...]:
    """Classify the middle of each song as it is and with each change.

    Args:
        model: that classifies.
        songs: the whole set.
        indices: (n_selected,) those to ask about.
        labels: (n_selected,) their genres, in the model's order.
        emit: called with the progress.
        should_stop: called between changes.
        compute: runs windows through the model.

    Returns:
        The songs as they are, then each change, in the order of ``effects.NAMED``;
        empty where every song's middle is silent.

    Raises:
        StopRequested: between two changes.
    """
    every = {AS_IT_IS: effects.Change(), **effects.NAMED}
    answers = []
    for done, index in enumerate(indices):
        cached = CachedSong(songs.song(index))
        song = Clip(cached.part(0, cached.n_samples), SAMPLING_RATE)
        excerpt = effects.excerpt_of(song)
        row = []
        for change in every.values():
            if should_stop():
                raise StopRequested
            emit(Stage("what_if", done, len(indices)))
            row.append(_genre(effects.changed(excerpt, change), model, compute))
        answers.append(row)
    return scores(list(every), np.array(answers), labels)


def scores(
    names: Sequence[str], answers: Indices, labels: Indices
) -> tuple[ChangeScore, ...]:
    """Score answers; songs that have none as they are are left out.

    Args:
        names: (n_changes,) of the changes, the first of them none.
        answers: (n_songs, n_changes) indices of genres; ``NONE`` for silence, which is
            another answer and a wrong one.
        labels: (n_songs,) the right ones.
    """
    if not len(answers):
        return ()
    has_answer = answers[:, 0] != NONE
    answers, labels = answers[has_answer], labels[has_answer]
    n_songs = len(answers)
    if not n_songs:
        return ()
    found = []
    for name, column in zip(names, answers.T, strict=True):
        n_changed = int(np.count_nonzero(column != answers[:, 0]))
        n_right = int(np.count_nonzero(column == labels))
        found.append(
            ChangeScore(
                name,
                n_songs,
                n_changed / n_songs,
                wilson_interval(n_changed, n_songs),
                n_right / n_songs,
                wilson_interval(n_right, n_songs),
            )
        )
    return tuple(found)


def _genre(clip: Clip, model: LoadedModel, compute: Compute) -> int:
    """Return the index of the likeliest genre: the mean of the windows, as Classify."""
    windows = Windows.of(
        clip,
        model.sampling_rate,
        model.window_s,
        takes_any_length=model.ref.takes_any_length,
    )
    cut = [windows.window(start) for start in windows.starts()]
    values = [
        forward.features(model.feature_extractor, each, model.sampling_rate)
        for each in cut
        if each is not None
    ]
    if not values:
        return NONE
    size = forward.batch_size(model.model, model.window_s)

    def logits(batch: range) -> NDArray[np.float32]:
        some = np.stack(values[batch.start : batch.stop])
        return compute(model.model, some, model.ref.title).logits

    lengths = [windows.n_window] * len(values)
    found = [some for _, some in forward.in_batches(lengths, size, logits)]
    shares = forward.probabilities(
        np.concatenate(found), model.temperature, is_exclusive=model.ref.is_exclusive
    )
    return int(shares.mean(axis=0).argmax())
