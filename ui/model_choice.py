"""Which model answers and how thoroughly, as a visitor may choose it."""

from __future__ import annotations

from datetime import datetime

import i18n
from classifier.models import AUTO, Models
from classifier.predict import Effort
from errors import KnownError
from networks.checkpoint import ModelRef
from ui.server.access import Visitor

EFFORTS: tuple[Effort, ...] = ("quick", "whole")
DAYS = {0: "today", 1: "yesterday"}  # by days ago; others have a date
ID_TIME = 15  # letters of a run's id that tell its time
TITLES = {"bundled": "classify.bundled", "run": "classify.run", "hub": "classify.hub"}


def chosen(models: Models, key: str | None, visitor: Visitor) -> ModelRef:
    """Find the model of a key, if this visitor may use it; without a key, of ``auto``.

    A click can be faster than the list of models, which comes when its tab opens.
    Models that this host lists are for everyone; any other on the Hub is downloaded to
    this machine, so only for who may train on it.

    Raises:
        KnownError: ``no_model``, ``may_not_fetch``, or a code of ``Models.ref``.
    """
    key = key or AUTO
    is_listed = key in {ref.key for ref in models.available()}
    if key.startswith("hub:") and not is_listed and not visitor.may_train:
        raise KnownError("may_not_fetch")
    return models.ref(key)


def chosen_pair(
    models: Models, keys: tuple[str | None, str | None], visitor: Visitor
) -> list[ModelRef]:
    """Find the chosen model, and the one to compare with where one is chosen.

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
    """Check a value: one of ``EFFORTS``.

    Raises:
        KnownError: ``not_a_choice``.
    """
    for effort in EFFORTS:
        if value == effort:
            return effort
    raise KnownError("not_a_choice", field="effort", value=value, choices=EFFORTS)


def title(ref: ModelRef, language: str) -> str:
    """Name a model in a sentence: of a run what a person called it, or what it is."""
    if ref.source != "run":
        return i18n.word(TITLES[ref.source], language, title=ref.title)
    what = ref.name or " · ".join(filter(None, (ref.recipe, _songs(ref, language))))
    return what or i18n.word(TITLES["run"], language, title=ref.title)


def full_title(ref: ModelRef, language: str, now: datetime | None = None) -> str:
    """Name a model so that it differs from others: with its test and its time.

    Args:
        ref: of the model.
        language: of the words.
        now: the present, in this host's time zone.
    """
    parts = [title(ref, language)]
    if ref.source == "run":
        if ref.test_accuracy is not None and ref.n_tested:
            score = {"accuracy": ref.test_accuracy, "n": ref.n_tested}
            parts.append(i18n.word("classify.tested", language, **score))
        parts.append(_time(ref.id, language, now or datetime.now()))
    return " · ".join(filter(None, parts))


def _songs(ref: ModelRef, language: str) -> str:
    """Name the songs of a run, those that every host has in the visitor's language."""
    return i18n.table(language).get(f"classify.songs_{ref.songs}", ref.songs)


def _time(run_id: str, language: str, now: datetime) -> str:
    """Return when a run was started, read from its id; "" of any other id."""
    try:
        at = datetime.strptime(run_id[:ID_TIME], "%Y%m%d-%H%M%S")
    except ValueError:
        return ""
    days = (now.date() - at.date()).days
    if days in DAYS:
        return i18n.word(f"classify.{DAYS[days]}", language, time=f"{at:%H:%M}")
    return f"{at:%Y-%m-%d %H:%M}"
