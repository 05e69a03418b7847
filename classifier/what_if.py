"""What a model's answer depends on: the song changed in one thing, classified again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from audio import effects
from audio.clip import Clip
from classifier.predict import Compute, Prediction, predict
from classifier.queue import InferenceQueue
from errors import KnownError
from networks.checkpoint import LoadedModel

EXCERPT_S = 30.0  # of the song, from its middle, that is changed
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
    excerpt = excerpt_of(clip)
    asked: dict[str, Any] = {"effort": "whole", "compute": compute}
    first = predict(excerpt, model, queue, **asked)
    yield Answer("", excerpt, first, 0.0)
    for name, change in effects.NAMED.items():
        other = effects.changed(excerpt, change)
        try:
            prediction = predict(other, model, queue, **asked)
        except KnownError as error:
            if error.code != "silent":
                raise
            yield Answer(name, other, None, 1.0)
            continue
        yield Answer(name, other, prediction, moved(first, prediction))


def excerpt_of(clip: Clip) -> Clip:
    """Return the middle of a song, ``EXCERPT_S`` at most."""
    start_s = max(0.0, (clip.duration_s - EXCERPT_S) / 2)
    return clip.slice(start_s, min(start_s + EXCERPT_S, clip.duration_s))


def moved(one: Prediction, other: Prediction) -> float:
    """Compute the total variation between two answers of one model, 0 to 1.

    Of labels that do not exclude each other, the largest change of any.
    """
    before, after = dict(one.genres), dict(other.genres)
    changes = [abs(before[genre] - after[genre]) for genre in before]
    return sum(changes) / 2 if one.model.is_exclusive else max(changes)
