"""Define the events of a run, and write and read them as lines of JSON.

The trainer emits them; pages and terminals show them. A message is a code with details,
so that each visitor can read it in their language.

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
    """Base of all events; ``at`` is the time in seconds since 1970."""

    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Stage(RunEvent):
    """Progress of a phase: ``done`` of ``total`` units (0: unknown)."""

    name: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Planned(RunEvent):
    """Training begins after ``first_step`` steps, 0 unless the run is resumed.

    Validation is every ``validate_every_n_steps`` steps, and at the end.
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
class Guessed(RunEvent):
    """Validation of a run that learns to guess hidden frames, after a step.

    Attributes:
        step: after which.
        accuracy: share of the hidden frames whose cluster the model guesses, in [0, 1].
        commonest: share of those of the window's commonest cluster.
        as_before: share of those with the cluster of the last frame before the gap.
        loss: mean cross entropy.
        n_frames: hidden frames.
    """

    step: int
    accuracy: float
    commonest: float
    as_before: float
    loss: float
    n_frames: int


@dataclass(frozen=True)
class Device(RunEvent):
    """Memory, load and temperature of the run's GPU, or of the processor without one.

    ``load`` is a share in [0, 1]; ``temperature_c`` is NaN where unknown.
    """

    name: str
    memory_bytes: int
    memory_total_bytes: int
    load: float
    temperature_c: float


@dataclass(frozen=True)
class Noted(RunEvent):
    """A note for the log: a key of the locales' section ``notes``, and its values."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished(RunEvent):
    """The run is done and its model saved.

    Attributes:
        step: the last step.
        validation_accuracy: of the best checkpoint, in [0, 1].
        test_accuracy: of its model on the test songs; None where the split has no
            separate validation part.
        masked_accuracy: share of the test songs' hidden frames whose cluster is
            guessed; None of a run that learns genres.
        commonest: share of the commonest cluster's frames among them.
        as_before: share of the frames that are as the one before the gap.
    """

    step: int
    validation_accuracy: float | None = None
    test_accuracy: float | None = None
    masked_accuracy: float | None = None
    commonest: float | None = None
    as_before: float | None = None


@dataclass(frozen=True)
class Stopped(RunEvent):
    """The user stopped the run; its last checkpoint is saved."""

    step: int


@dataclass(frozen=True)
class Cancelled(RunEvent):
    """The user cancelled the run; its checkpoints and model are removed."""


@dataclass(frozen=True)
class Failed(RunEvent):
    """The run ended in an error: a key of the section ``errors``, and its values."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)


Emit = Callable[[RunEvent], None]
ShouldStop = Callable[[], bool]


class StopRequested(Exception):  # noqa: N818 - a request, not an error
    """The user requested a stop; raised where work cannot just end its loop."""


class StopNow(StopRequested):
    """A stop without saving: the run was cancelled, or its grace period is over."""


KINDS = {
    kind.__name__.lower(): kind
    for kind in (
        Stage,
        Planned,
        Step,
        Evaluated,
        Guessed,
        Device,
        Noted,
        Finished,
        Stopped,
        Cancelled,
        Failed,
    )
}


SCHEMA = 2  # version of a line; absent in the first
# Names of validation and test in the first schema.
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
    """Parse one line, of this schema or the first.

    Args:
        line: as ``to_line`` wrote it.
        was_tested: whether the run has a test score. Called only for the end of a
            run of the first schema, whose accuracy may be of either part.

    Returns:
        The event; None for an incomplete line or a kind of another version.
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
    """Rename the values of an old line to this schema's."""
    kind = values["kind"]
    names = FIRST_FIELDS.get(kind, {})
    values = {names.get(name, name): value for name, value in values.items()}
    if kind == "stage":
        values["name"] = FIRST_STAGES.get(values["name"], values["name"])
    if kind == "finished" and "accuracy" in values:
        part = "test" if was_tested() else "validation"
        values[f"{part}_accuracy"] = values.pop("accuracy")
    return values
