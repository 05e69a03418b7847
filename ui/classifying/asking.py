"""A sound and the keys of models in, their answers out, better as they go."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import words
from audio.clip import Clip
from classifier.models import Models
from classifier.predict import Effort, Prediction, listen
from classifier.queue import InferenceQueue
from errors import KnownError
from networks.checkpoint import LoadedModel, ModelRef
from ui.access import Visitor

EFFORTS: tuple[Effort, ...] = ("quick", "whole")
PAUSE_S = 0.3  # between two answers on a page; more often than that is restless
TITLES = {"bundled": "classify.bundled", "run": "classify.run", "hub": "classify.hub"}


def chosen(models: Models, key: str | None, visitor: Visitor) -> ModelRef:
    """The model with a key, if this visitor may ask it; without one, the first.

    A click can be faster than the list of models, which comes when its tab opens.
    Models that this host lists are for everyone; any other on the Hub is downloaded to
    this machine, so only for who may train on it.

    Raises:
        KnownError: ``no_model``, ``may_not_fetch``, or a code of ``Models.ref``.
    """
    listed = {ref.key: ref for ref in models.available()}
    if not key:
        if not listed:
            raise KnownError("no_model")
        return next(iter(listed.values()))
    is_listed = key in listed
    if key.startswith("hub:") and not is_listed and not visitor.may_train:
        raise KnownError("may_not_fetch")
    return models.ref(key)


def chosen_pair(
    models: Models, keys: tuple[str | None, str | None], visitor: Visitor
) -> list[ModelRef]:
    """The model that answers, and the one beside it where one is chosen.

    Raises:
        KnownError: ``same_model_twice``, or a code of ``chosen``.
    """
    key, other = keys
    found = [chosen(models, key, visitor)]
    if other:
        found.append(chosen(models, other, visitor))
    if other and other == found[0].key:
        raise KnownError("same_model_twice", title=title(found[0], visitor.language))
    return found


def effort_of(value: str) -> Effort:
    """What was chosen of ``EFFORTS``.

    Raises:
        KnownError: ``not_a_choice``.
    """
    for effort in EFFORTS:
        if value == effort:
            return effort
    raise KnownError("not_a_choice", field="effort", value=value, choices=EFFORTS)


def title(ref: ModelRef, language: str) -> str:
    """What the list of models calls one."""
    return words.word(TITLES[ref.source], language, title=ref.title)


def together(
    clip: Clip,
    models: Sequence[LoadedModel],
    queue: InferenceQueue,
    effort: Effort,
) -> Iterator[tuple[Prediction, ...]]:
    """The answers of several models, in turns: a window each.

    Who leaves the iteration ends the work.

    Raises:
        KnownError: a code of ``listen``.
    """
    each_of_them = [listen(clip, each, queue, effort=effort) for each in models]
    listening = dict(enumerate(each_of_them))
    latest: dict[int, Prediction] = {}
    while listening:
        for number, answers in list(listening.items()):
            answer = next(answers, None)
            if answer is None:
                del listening[number]
            else:
                latest[number] = answer
        if listening:
            yield tuple(latest[number] for number in sorted(latest))


def calmly(
    answers: Iterator[tuple[Prediction, ...]], pause_s: float = PAUSE_S
) -> Iterator[tuple[tuple[Prediction, ...], bool]]:
    """The first answer, the last one, and between them no more than a page can show.

    Yields:
        The predictions, and whether they are the last.
    """
    shown_at = -pause_s
    latest: tuple[Prediction, ...] = ()
    for latest in answers:
        now = time.monotonic()
        if now - shown_at >= pause_s:
            shown_at = now
            yield latest, False
    yield latest, True
