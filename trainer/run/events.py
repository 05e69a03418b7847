"""The events of a run: typed, one JSON line each.

The trainer emits them, a page or a terminal shows them, neither knows the other.
Texts for people are codes with details, so that every visitor reads their language.

Validation chooses the checkpoint while the run trains (``Planned``, the Stage
``validate``, ``Evaluated``); the test follows once at the end (the Stage ``test``).
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """Something happened, ``at`` seconds since 1970."""

    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Stage(RunEvent):
    """Progress of a phase: ``done`` of ``total`` pieces (0: not countable)."""

    name: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Planned(RunEvent):
    """Training begins after ``first_step`` steps, 0 unless the run is resumed there.

    It is validated every ``validate_every_n_steps`` steps, and at the end.
    """

    first_step: int
    n_steps: int
    validate_every_n_steps: int


@dataclass(frozen=True)
class Step(RunEvent):
    """One optimizer step is done, at ``windows_per_s`` training windows a second."""

    step: int
    n_steps: int
    loss: float
    learning_rate: float
    gradient_norm: float
    windows_per_s: float


@dataclass(frozen=True)
class Evaluated(RunEvent):
    """Validation after a step: accuracy in [0, 1] by song, and the mean loss."""

    step: int
    accuracy: float
    loss: float
    n_songs: int


@dataclass(frozen=True)
class Device(RunEvent):
    """What the run's device is doing: the GPU, or where there is none the processor.

    ``load`` is a share in [0, 1]; ``temperature_c`` is NaN where nobody tells it.
    """

    name: str
    memory_bytes: int
    memory_total_bytes: int
    load: float
    temperature_c: float


@dataclass(frozen=True)
class Noted(RunEvent):
    """A fact worth reading: a key of the locales' section ``notes``, and its values."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished(RunEvent):
    """The run is done and its model saved.

    Attributes:
        step: the last one.
        validation_accuracy: of the checkpoint that was kept, in [0, 1].
        test_accuracy: of its model on the test songs; None where the split has no
            validation part, so that no songs are left that chose nothing.
    """

    step: int
    validation_accuracy: float | None = None
    test_accuracy: float | None = None


@dataclass(frozen=True)
class Stopped(RunEvent):
    """A person stopped the run; what it had learned is saved."""

    step: int


@dataclass(frozen=True)
class Cancelled(RunEvent):
    """A person gave the run up; what it had made is removed."""


@dataclass(frozen=True)
class Failed(RunEvent):
    """The run ended in an error: a key of the section ``errors``, and its values."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)


Emit = Callable[[RunEvent], None]
ShouldStop = Callable[[], bool]


class StopRequested(Exception):  # noqa: N818 - a wish, not an error
    """A person asked to stop; raised where work cannot simply end its loop."""


class StopNow(StopRequested):
    """A stop without saving: the run was cancelled, or its time to save is over."""


KINDS = {
    kind.__name__.lower(): kind
    for kind in (
        Stage,
        Planned,
        Step,
        Evaluated,
        Device,
        Noted,
        Finished,
        Stopped,
        Cancelled,
        Failed,
    )
}


SCHEMA = 2  # of a line; one of the first says none
# What the first schema called validation and test.
FIRST_STAGES = {"test": "validate", "evaluate": "test"}
FIRST_FIELDS = {
    "planned": {"tested_every": "validate_every_n_steps"},
    "step": {"songs_per_s": "windows_per_s"},
}


def to_line(event: RunEvent) -> str:
    """Write an event as one line of JSON, without its newline."""
    kind = type(event).__name__.lower()
    values = {"kind": kind, "schema": SCHEMA, **dataclasses.asdict(event)}
    return json.dumps(values, ensure_ascii=False, default=str)


def from_line(
    line: str, was_tested: Callable[[], bool] = lambda: False
) -> RunEvent | None:
    """Read the event of one line, of this schema or the first.

    Args:
        line: as ``to_line`` wrote it.
        was_tested: whether the run has a test score. Asked only for the end of a run
            of the first schema, whose accuracy does not say what it was measured on.

    Returns:
        The event; None for a torn line or a kind of another version.
    """
    try:
        values = json.loads(line)
        if values.pop("schema", 1) == 1:
            values = _of_first_schema(values, was_tested)
        return KINDS[values.pop("kind")](**values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _of_first_schema(
    values: dict[str, Any], was_tested: Callable[[], bool]
) -> dict[str, Any]:
    """Name the values of an old line as this schema does."""
    kind = values["kind"]
    names = FIRST_FIELDS.get(kind, {})
    values = {names.get(name, name): value for name, value in values.items()}
    if kind == "stage":
        values["name"] = FIRST_STAGES.get(values["name"], values["name"])
    if kind == "finished" and "accuracy" in values:
        part = "test" if was_tested() else "validation"
        values[f"{part}_accuracy"] = values.pop("accuracy")
    return values
