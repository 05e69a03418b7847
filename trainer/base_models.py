"""List the pretrained models that a run may start from; a host can extend the list.

A run's config has the full name of its base model: one of the two that ship with the
project, an earlier run as ``run:ID``, or a model of the Hub, with ``@revision`` for an
exact version. The page and the
command line check a user's choice against the list, so that the trainer's process needs
no list, and a run's folder records its base model.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from errors import KnownError

DISTILHUBERT = "ntu-spml/distilhubert"
BUNDLED, SMALL = "bundled", "small"
BUNDLED_WINDOW_S = 10.0  # as its config.json has it
FORMER = {"demo": BUNDLED}  # what older versions called them: read, never written
RUN = "run:"  # before the id of an earlier run on this machine
RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
NAME = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?:@(\w[\w./-]*))?")


@dataclass(frozen=True)
class HubModel:
    """A model on the Hub.

    Attributes:
        id: such as ``facebook/wav2vec2-base``.
        revision: a commit, branch or tag; "" for the newest commit.
        license: of its weights, as the Hub abbreviates it; "" where unknown.
        window_s: the fixed length of its input (s); 0 where any length fits.
    """

    id: str
    revision: str = ""
    license: str = ""
    window_s: float = 0.0


# The newest commits of their main branches, the same for years; the two of facebook hold
# a pickle alone, whose conversion ``hub`` finds.
KNOWN = (
    HubModel(
        DISTILHUBERT,
        "fa87d96265d6b7af66e112faff6ff44df419cec9",
        license="apache-2.0",
    ),
    HubModel(
        "facebook/hubert-base-ls960",
        "dba3bb02fda4248b6e082697eee756de8fe8aa8a",
        license="apache-2.0",
    ),
    HubModel(
        "facebook/wav2vec2-base",
        "0b5b8e868dd84f03fd87d01f9c4ff0f080fecfe8",
        license="apache-2.0",
    ),
    HubModel(
        "MIT/ast-finetuned-audioset-10-10-0.4593",
        "f826b80d28226b62986cc218e5cec390b1096902",
        license="bsd-3-clause",
        window_s=10.255,
    ),
    HubModel(
        "openai/whisper-tiny",
        "169d4a4341b33bc18d8881c4b69c2e104e1cc0af",
        license="apache-2.0",
        window_s=30.0,
    ),
    HubModel(
        "openai/whisper-small",
        "973afd24965f72e36ca33b3055d56a652f456b4d",
        license="apache-2.0",
        window_s=30.0,
    ),
)
CHOICES = (KNOWN[0].id, BUNDLED, SMALL, *(model.id for model in KNOWN[1:]))


def is_possible(base_model: object) -> bool:
    """Return whether a name is one of the list, or has the form of a run's or Hub's id."""
    if not isinstance(base_model, str):
        return False
    is_id = NAME.fullmatch(base_model) or run_id(base_model)
    return base_model in CHOICES or bool(is_id)


def run_id(base_model: str) -> str:
    """Return the id of the run that a base model is of; "" for other models."""
    name = base_model.removeprefix(RUN)
    return name if name != base_model and RUN_ID.fullmatch(name) else ""


def choices(also: Sequence[str] = ()) -> tuple[str, ...]:
    """List the allowed base models of a host, without duplicates, ours first."""
    return tuple(dict.fromkeys((*CHOICES, *also)))


def admit(base_model: str, also: Sequence[str] = ()) -> None:
    """Check that a base model is allowed; runs of this machine always are.

    Raises:
        KnownError: ``not_a_choice``.
    """
    if base_model not in choices(also) and not run_id(base_model):
        raise KnownError(
            "not_a_choice",
            field="base_model",
            value=base_model,
            choices=choices(also),
        )


def hub_model(base_model: str) -> HubModel | None:
    """Look up a base model of the Hub; None for those that ship with the project."""
    match = NAME.fullmatch(base_model)
    if not match:
        return None
    known = next((model for model in KNOWN if model.id == match[1]), HubModel(match[1]))
    return dataclasses.replace(known, revision=match[2] or known.revision)
