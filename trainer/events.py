"""What a run says while it works: typed events, one JSON line each.

The trainer emits them, a page or a terminal shows them, neither knows the other.
Texts for people are codes with details, so that every visitor reads their language.
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
    """A phase of the run goes on: ``done`` of ``total`` pieces (0: not countable)."""

    name: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Planned(RunEvent):
    """Training begins after ``first_step`` steps, 0 unless the run goes on from there.

    ``tested_every`` steps the test songs are heard, and once more at the end.
    """

    first_step: int
    n_steps: int
    tested_every: int


@dataclass(frozen=True)
class Step(RunEvent):
    """One optimizer step is done; ``songs_per_s`` counts windows heard a second."""

    step: int
    n_steps: int
    loss: float
    learning_rate: float
    gradient_norm: float
    songs_per_s: float


@dataclass(frozen=True)
class Evaluated(RunEvent):
    """The test songs were heard: accuracy in [0, 1] by song, and mean loss."""

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
    """The run is done and its model stands."""

    accuracy: float
    step: int


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


def to_line(event: RunEvent) -> str:
    """One line of JSON, without its newline."""
    values = {"kind": type(event).__name__.lower(), **dataclasses.asdict(event)}
    return json.dumps(values, ensure_ascii=False, default=str)


def from_line(line: str) -> RunEvent | None:
    """The event of one line; ``None`` for a torn line or a kind of another version."""
    try:
        values = json.loads(line)
        kind = KINDS[values.pop("kind")]
        return kind(**values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
