"""What a model's answer depends on: the song changed in one thing, classified again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from audio import effects
from audio.clip import Clip
from audio.effects import Change, excerpt_of
from classifier.predict import Compute, Prediction, predict
from classifier.queue import InferenceQueue
from errors import KnownError
from networks.checkpoint import LoadedModel

UNMOVED = 0.1  # a change that moves less of the probability is none to the model


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer to the excerpt, changed in one thing.

    Attributes:
        change: one of ``effects.NAMED``; "" for the excerpt as it is.
        clip: what was classified.
        prediction: of it; None where the change leaves only silence.
        moved: share of the probability that is with other genres than before, 0 to 1
            (total variation); 1 where there is no prediction.
    """

    change: str
    clip: Clip
    prediction: Prediction | None
    moved: float


def answers(
    clip: Clip,
    model: LoadedModel,
    queue: InferenceQueue | None = None,
    *,
    compute: Compute | None = None,
) -> Iterator[Answer]:
    """Classify a song's middle as it is, then with each change.

    Args:
        clip: any sound.
        model: that classifies.
        queue: as of ``predict``.
        compute: as of ``predict``.

    Yields:
        The answer to the excerpt as it is, and one for each of ``effects.NAMED``.

    Raises:
        KnownError: what ``predict`` raises for the excerpt as it is.
    """
    for (answer,) in answers_of(clip, [model], queue, compute=compute):
        yield answer


def answers_of(
    clip: Clip,
    models: Sequence[LoadedModel],
    queue: InferenceQueue | None = None,
    *,
    compute: Compute | None = None,
) -> Iterator[tuple[Answer, ...]]:
    """Ask several models about the same changes; yield as ``answers``, a model each."""
    excerpt = excerpt_of(clip)
    firsts = [predict(excerpt, model, queue, compute=compute) for model in models]
    yield tuple(Answer("", excerpt, first, 0.0) for first in firsts)
    for name, change in effects.NAMED.items():
        other = effects.changed(excerpt, change)
        found = [predicted(other, model, queue, compute=compute) for model in models]
        yield tuple(
            Answer(name, other, each, moved(first, each))
            for first, each in zip(firsts, found, strict=True)
        )


def changed_answer(
    excerpt: Clip,
    change: Change,
    model: LoadedModel,
    queue: InferenceQueue | None = None,
    *,
    before: Prediction | None = None,
    compute: Compute | None = None,
) -> tuple[Prediction, Answer]:
    """Classify an excerpt as it is, and with several changes at once.

    Args:
        excerpt: as of ``excerpt_of``.
        change: what is changed.
        model: that classifies.
        queue: as of ``predict``.
        before: the answer to the excerpt as it is, where it is known.
        compute: as of ``predict``.

    Raises:
        KnownError: what ``predict`` raises for the excerpt as it is.
    """
    first = before or predict(excerpt, model, queue, compute=compute)
    other = effects.changed(excerpt, change)
    found = predicted(other, model, queue, compute=compute)
    return first, Answer("", other, found, moved(first, found))


def predicted(
    clip: Clip,
    model: LoadedModel,
    queue: InferenceQueue | None = None,
    *,
    compute: Compute | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Prediction | None:
    """Predict as ``predict`` does; None where a change has left only silence."""
    try:
        return predict(
            clip,
            model,
            queue,
            compute=compute,
            should_stop=should_stop,
        )
    except KnownError as error:
        if error.code != "silent":
            raise
        return None


def moved(one: Prediction, other: Prediction | None) -> float:
    """Compute the total variation between two answers of one model, 0 to 1.

    Of labels that do not exclude each other, the largest change of any; 1 where there
    is no other answer.
    """
    if other is None:
        return 1.0
    before, after = dict(one.genres), dict(other.genres)
    changes = [abs(before[genre] - after[genre]) for genre in before]
    return sum(changes) / 2 if one.model.is_exclusive else max(changes)
