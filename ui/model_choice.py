"""Which model answers and how thoroughly, as a visitor may choose it."""

from __future__ import annotations

import i18n
from classifier.models import AUTO, Models
from classifier.predict import Effort
from errors import KnownError
from networks.checkpoint import ModelRef
from ui.server.access import Visitor

EFFORTS: tuple[Effort, ...] = ("quick", "whole")
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
    """Name a model as the list of models does."""
    return i18n.word(TITLES[ref.source], language, title=ref.title)
