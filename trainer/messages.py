"""Events in, sentences and numbers for people out: what page and terminal both show."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import i18n
from errors import KnownError
from trainer.preflight import Preflight
from trainer.run.events import (
    Cancelled,
    Device,
    Evaluated,
    Failed,
    Finished,
    Noted,
    Planned,
    RunEvent,
    Stage,
    Step,
    Stopped,
)

AFTER = {"validate": "train"}  # going on after a validation is no news
N_ESTIMATING = 3  # steps to see before a time left is named
N_RECENT = 20  # steps that the estimate looks back on
PLAIN = {
    Planned: "planned",
    Step: "step",
    Evaluated: "evaluated",
    Device: "device",
    Stopped: "stopped",
    Cancelled: "cancelled",
}
NOT_IN_LOG = (Device, Planned)  # shown elsewhere, too often for a log
PROBLEMS = (
    "song_skipped",
    "songs_skipped",
    "batch_halved",
    "gtzan_mirror",
)  # notes that a person should not miss
NOT_THE_TUTORIALS = ("preset", "n_songs_per_genre")  # it has no such choice
GIB = 2**30


def line(event: RunEvent, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """One event as one line of the log; a Stage is its phase's name alone."""
    if isinstance(event, Stage):
        return i18n.word(f"stages.{event.name}", language)
    if isinstance(event, Failed):
        return failure(event.code, event.details, language)
    if isinstance(event, Noted):
        return _note(event, language)
    details = dict(vars(event))
    if isinstance(event, Finished):
        return i18n.word(f"notes.{_finished(event)}", language, **details)
    if isinstance(event, Device):
        details["memory_gib"] = event.memory_bytes / GIB
        details["memory_total_gib"] = event.memory_total_bytes / GIB
        if math.isfinite(event.temperature_c):
            return i18n.word("notes.device_warm", language, **details)
    return i18n.word(f"notes.{PLAIN[type(event)]}", language, **details)


def _finished(event: Finished) -> str:
    """The note about a run's end: by its test, or where it had none its validation."""
    if event.test_accuracy is not None:
        return "finished_tested"
    return "finished" if event.validation_accuracy is None else "finished_validated"


def _note(note: Noted, language: str) -> str:
    """A fact; of a song that was left out, the reason as well."""
    details = dict(note.details)
    if note.code == "song_skipped":
        about = {"name": details["name"], **details.get("details", {})}
        details["why"] = failure(details["code"], about, language)
    return i18n.word(f"notes.{note.code}", language, **details)


def amounts(stage: str, done: int, total: int, language: str) -> str:
    """How much of a phase is done, in its unit; "" where that cannot be told."""
    if not total:
        return ""
    if stage == "download":
        about = {"done_mb": done / 1e6, "total_mb": total / 1e6}
        return i18n.word("notes.megabytes", language, **about)
    return f"{done} / {total}"


def failure(code: str, details: Mapping[str, Any], language: str) -> str:
    """Why a run failed and what to try."""
    return i18n.sentence(KnownError(code, **details), language)


def log_lines(events: Iterable[RunEvent], language: str) -> list[str]:
    """The log: every event a line, a phase only where it begins."""
    return [line(event, language) for _, event in log(events)]


def log(events: Iterable[RunEvent]) -> list[tuple[str, RunEvent]]:
    """The events of the log, each after its level: ``step``, ``news``, ``problem``."""
    told: list[tuple[str, RunEvent]] = []
    phase = ""
    for event in events:
        if isinstance(event, NOT_IN_LOG):
            continue
        if isinstance(event, Stage):
            is_news = event.name not in (phase, AFTER.get(phase))
            phase = event.name
            if not is_news:
                continue
        told.append((_level(event), event))
    return told


def _level(event: RunEvent) -> str:
    is_problem = isinstance(event, Failed) or (
        isinstance(event, Noted) and event.code in PROBLEMS
    )
    if is_problem:
        return "problem"
    return "step" if isinstance(event, Step) else "news"


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        stage: the phase at work; empty before the first.
        done: pieces of the phase that are done.
        total: pieces of the phase, 0 where they cannot be counted.
        left_s: estimated time until the training's end (s); None while unknown.
        per_s: pieces of the phase a second; None while unknown.
    """

    stage: str = ""
    done: int = 0
    total: int = 0
    left_s: float | None = None
    per_s: float | None = None

    @property
    def fraction(self) -> float:
        """Share of the phase that is done, in [0, 1]."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


def progress(events: Sequence[RunEvent]) -> Progress:
    """How far the events say that the run is."""
    told = [event for event in events if isinstance(event, Stage | Step)]
    if not told:
        return Progress()
    return dataclasses.replace(_reached(told), left_s=_left_s(events))


def _reached(told: Sequence[Stage | Step]) -> Progress:
    """The phase at work, without the time that is left."""
    last = told[-1]
    if isinstance(last, Step):
        return Progress("train", last.step, last.n_steps)
    return Progress(last.name, last.done, last.total, per_s=_per_s(told))


def phases(events: Sequence[RunEvent]) -> list[Progress]:
    """Each phase so far, as far as it is, in the order in which they began."""
    told: dict[str, list[Stage | Step]] = {}
    for event in events:
        if isinstance(event, Stage | Step):
            name = "train" if isinstance(event, Step) else event.name
            told.setdefault(name, []).append(event)
    return [_reached(of_phase) for of_phase in told.values()]


def best(events: Iterable[RunEvent]) -> Evaluated | None:
    """The validation whose model is kept: the first of the highest accuracy."""
    validations = [event for event in events if isinstance(event, Evaluated)]
    return max(validations, key=lambda each: each.accuracy, default=None)


def test_accuracy(events: Iterable[RunEvent]) -> float | None:
    """The accuracy on the test songs, where the run has come to its test."""
    ends = [event for event in events if isinstance(event, Finished)]
    return ends[-1].test_accuracy if ends else None


def _per_s(told: Sequence[Stage | Step]) -> float | None:
    """Pieces a second of the phase at work, since it began."""
    name = getattr(told[-1], "name", "")
    phase = list(
        itertools.takewhile(
            lambda event: isinstance(event, Stage) and event.name == name,
            reversed(told),
        )
    )
    last, first = phase[0], phase[-1]
    took_s = last.at - first.at
    if not (isinstance(last, Stage) and isinstance(first, Stage)) or took_s <= 0:
        return None
    return max(last.done - first.done, 0) / took_s


def _left_s(events: Sequence[RunEvent]) -> float | None:
    """The median of the last steps times the steps left, with the validations to come.

    The median, because one slow step (a validation in between, a busy machine, a clock that
    was put back) says nothing about the next ones. Only the steps since training last
    began: those of a run that this one goes on from were made at another time.
    """
    plans = [i for i, event in enumerate(events) if isinstance(event, Planned)]
    recent = events[plans[-1] :] if plans else events
    plan = events[plans[-1]] if plans else None
    steps = [event for event in recent if isinstance(event, Step)]
    if len(steps) <= N_ESTIMATING:
        return None
    gaps_s = [b.at - a.at for a, b in itertools.pairwise(steps[-N_RECENT - 1 :])]
    left = range(steps[-1].step + 1, steps[-1].n_steps + 1)
    validation_s, every = _validations(recent)
    if isinstance(plan, Planned):
        every = plan.validate_every_n_steps
    n_left = 1 if left else 0
    if every and left:
        n_left = math.ceil(steps[-1].n_steps / every) - steps[-1].step // every
    return max(len(left) * statistics.median(gaps_s) + n_left * validation_s, 0.0)


def _validations(events: Sequence[RunEvent]) -> tuple[float, int]:
    """How long the last validation took (s), and the steps between two of them."""
    took_s, every, before = 0.0, 0, 0
    last_step_at = 0.0
    for event in events:
        if isinstance(event, Step):
            last_step_at = event.at
        elif isinstance(event, Evaluated):
            took_s = max(event.at - last_step_at, 0.0)
            every, before = event.step - before, event.step
    return took_s, every


def look_ahead(seen: Preflight, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """What a run will need, as one line; all of it an estimate."""
    minutes = max(round(seen.time_s / 60), 1)
    return i18n.word(
        "notes.preflight",
        language,
        device=seen.device,
        n_songs=seen.n_songs or "?",
        n_genres=len(seen.genres) or "?",
        n_steps=seen.n_steps,
        minutes=minutes,
        memory_gb=seen.memory_bytes / 1e9,
        disk_gb=seen.disk_needed_bytes / 1e9,
        free_gb=seen.disk_free_bytes / 1e9,
    )


def explained(
    item: dataclasses.Field[Any], language: str = i18n.DEFAULT_LANGUAGE
) -> str:
    """What a choice of a run does, its range, and the tutorial's value."""
    info = i18n.word(f"fields.{item.name}_info", language)
    if "minimum" in item.metadata:
        ends = {end: f"{item.metadata[end]:,.10g}" for end in ("minimum", "maximum")}
        info = i18n.word("train.range", language, info=info, **ends)
    if item.name in NOT_THE_TUTORIALS:
        return info
    value = f"{item.default:g}" if item.type == "float" else str(item.default)
    if item.type == "bool":
        value = i18n.word(f"train.{'yes' if item.default else 'no'}", language)
    return i18n.word("train.tutorial_value", language, info=info, value=value)


def time_words(left_s: float | None, language: str) -> str:
    """A time left, in words."""
    if left_s is None:
        return i18n.word("notes.estimating", language)
    return i18n.word("notes.left", language, time=span(left_s, language))


def span(time_s: float, language: str) -> str:
    """A length of time, in words; one that a clock put backwards is none."""
    minutes, seconds = divmod(max(round(time_s), 0), 60)
    key = "train.minutes" if minutes else "train.seconds"
    return i18n.word(key, language, n=minutes, s=seconds)
