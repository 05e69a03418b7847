"""Format events as sentences, and compute a run's progress, for page and terminal."""

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
    Guessed,
    Noted,
    Planned,
    RunEvent,
    Stage,
    Step,
    Stopped,
)

AFTER = {"validate": "train"}  # continuing after a validation is not logged
N_ESTIMATING = 3  # steps before a time left is estimated
N_RECENT = 20  # steps of the estimate
PLAIN = {
    Planned: "planned",
    Step: "step",
    Evaluated: "evaluated",
    Guessed: "guessed",
    Device: "device",
    Stopped: "stopped",
    Cancelled: "cancelled",
}
NOT_IN_LOG = (Device, Planned)  # shown elsewhere
PROBLEMS = (
    "song_skipped",
    "songs_skipped",
    "batch_halved",
    "gpu_unused",
    "gtzan_mirror",
    "not_tested",
)  # notes to highlight
NOT_THE_TUTORIALS = (
    "preset",
    "n_songs_per_genre",
    "n_clusters",
    "visible_weight",
    "second_iteration_fraction",
)  # it has no such setting
GIB = 2**30


def line(event: RunEvent, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Format one event as a line of the log; of a Stage, only its name."""
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
        if not math.isfinite(event.load):
            return i18n.word("notes.device_memory", language, **details)
        if math.isfinite(event.temperature_c):
            return i18n.word("notes.device_warm", language, **details)
    return i18n.word(f"notes.{PLAIN[type(event)]}", language, **details)


def _finished(event: Finished) -> str:
    """Choose the note of a run's end: what was measured last, if anything."""
    if event.masked_accuracy is not None:
        return "finished_masked"
    if event.test_accuracy is not None:
        return "finished_tested"
    return "finished" if event.validation_accuracy is None else "finished_validated"


def _note(note: Noted, language: str) -> str:
    """Format a note; of a skipped song or a device, with the reason."""
    details = dict(note.details)
    if note.code in ("trains_on", "gpu_unused"):
        details["reason"] = i18n.word(f"devices.{details['why']}", language)
    if note.code == "song_skipped":
        about = {"name": details["name"], **details.get("details", {})}
        details["why"] = failure(details["code"], about, language)
    return i18n.word(f"notes.{note.code}", language, **details)


def amounts(stage: str, done: int, total: int, language: str) -> str:
    """Format how much of a phase is done, in its unit; "" where unknown."""
    if not total:
        return ""
    if stage == "download":
        about = {"done_mb": done / 1e6, "total_mb": total / 1e6}
        return i18n.word("notes.megabytes", language, **about)
    return f"{done} / {total}"


def failure(code: str, details: Mapping[str, Any], language: str) -> str:
    """Format the cause of a failure, with what to try."""
    return i18n.sentence(KnownError(code, **details), language)


def log_lines(events: Iterable[RunEvent], language: str) -> list[str]:
    """Format the log: every event a line, a phase only where it begins."""
    return [line(event, language) for _, event in log(events)]


def log(events: Iterable[RunEvent]) -> list[tuple[str, RunEvent]]:
    """Select the events of the log, each with its level: step, news or problem."""
    found: list[tuple[str, RunEvent]] = []
    phase = ""
    for event in events:
        if isinstance(event, NOT_IN_LOG):
            continue
        if isinstance(event, Stage):
            is_news = event.name not in (phase, AFTER.get(phase))
            phase = event.name
            if not is_news:
                continue
        found.append((_level(event), event))
    return found


def _level(event: RunEvent) -> str:
    is_problem = isinstance(event, Failed) or (
        isinstance(event, Noted) and event.code in PROBLEMS
    )
    if is_problem:
        return "problem"
    return "step" if isinstance(event, Step) else "news"


@dataclass(frozen=True)
class Progress:
    """Progress of a run.

    Attributes:
        stage: the current phase; "" before the first.
        done: units of the phase that are done.
        total: units of the phase; 0 where unknown.
        left_s: estimated time until the end of training (s); None while unknown.
        per_s: units of the phase a second; None while unknown.
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
    """Compute the progress of a run from its events."""
    steps = [event for event in events if isinstance(event, Stage | Step)]
    if not steps:
        return Progress()
    return dataclasses.replace(_reached(steps), left_s=_left_s(events))


def _reached(events: Sequence[Stage | Step]) -> Progress:
    """Compute the progress of the current phase, without the time left."""
    last = events[-1]
    if isinstance(last, Step):
        return Progress("train", last.step, last.n_steps)
    return Progress(last.name, last.done, last.total, per_s=_per_s(events))


def phases(events: Sequence[RunEvent]) -> list[Progress]:
    """Compute the progress of each phase so far, in order of their start."""
    by_phase: dict[str, list[Stage | Step]] = {}
    for event in events:
        if isinstance(event, Stage | Step):
            name = "train" if isinstance(event, Step) else event.name
            by_phase.setdefault(name, []).append(event)
    return [_reached(of_phase) for of_phase in by_phase.values()]


def best(events: Iterable[RunEvent]) -> Evaluated | None:
    """Find the validation of the best checkpoint: the first of the highest accuracy."""
    validations = [event for event in events if isinstance(event, Evaluated)]
    return max(validations, key=lambda each: each.accuracy, default=None)


def test_accuracy(events: Iterable[RunEvent]) -> float | None:
    """Return the accuracy on the test songs; None where there was no test."""
    ends = [event for event in events if isinstance(event, Finished)]
    return ends[-1].test_accuracy if ends else None


def took_s(events: Sequence[RunEvent]) -> float:
    """Return the time from the first event to the last (s); a clock set back gives 0."""
    return max(events[-1].at - events[0].at, 0.0) if events else 0.0


def guessed(events: Iterable[RunEvent]) -> Finished | Guessed | None:
    """Find how well hidden frames are guessed: in the test, or in the last validation."""
    found: Finished | Guessed | None = None
    for event in events:
        is_test = isinstance(event, Finished) and event.masked_accuracy is not None
        if is_test or isinstance(event, Guessed):
            found = event  # type: ignore[assignment]
    return found


def masked_accuracy(events: Iterable[RunEvent]) -> float | None:
    """Return the share of hidden frames that are guessed; None of other runs."""
    found = guessed(events)
    return (
        found.accuracy
        if isinstance(found, Guessed)
        else (found.masked_accuracy if found else None)
    )


def _per_s(events: Sequence[Stage | Step]) -> float | None:
    """Compute the units a second of the current phase, since it began."""
    name = getattr(events[-1], "name", "")
    phase = list(
        itertools.takewhile(
            lambda event: isinstance(event, Stage) and event.name == name,
            reversed(events),
        )
    )
    last, first = phase[0], phase[-1]
    took_s = last.at - first.at
    if not (isinstance(last, Stage) and isinstance(first, Stage)) or took_s <= 0:
        return None
    return max(last.done - first.done, 0) / took_s


def _left_s(events: Sequence[RunEvent]) -> float | None:
    """Estimate the time left (s): median step times steps left, plus validations.

    The median ignores a slow step (a validation in between, a busy machine, a clock that
    was set back). Only the steps since training last began count: those of a run that
    this one resumes are of another time.
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
    """Measure the last validation (s), and the steps between two of them."""
    took_s, every, before = 0.0, 0, 0
    last_step_at = 0.0
    for event in events:
        if isinstance(event, Step):
            last_step_at = event.at
        elif isinstance(event, Evaluated | Guessed):
            took_s = max(event.at - last_step_at, 0.0)
            every, before = event.step - before, event.step
    return took_s, every


def preflight_line(needs: Preflight, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Format the estimated needs of a run as one line."""
    minutes = max(round(needs.time_s / 60), 1)
    has_genres = needs.genres != () and not all(name == "" for name, _ in needs.genres)
    return i18n.word(
        "notes.preflight"
        if has_genres or not needs.genres
        else "notes.preflight_masked",
        language,
        device=needs.device,
        n_songs=needs.n_songs or "?",
        n_genres=len(needs.genres) or "?",
        n_steps=needs.n_steps,
        minutes=minutes,
        memory_gb=needs.memory_bytes / 1e9,
        disk_gb=needs.disk_needed_bytes / 1e9,
        free_gb=needs.disk_free_bytes / 1e9,
    )


def field_help(
    item: dataclasses.Field[Any], language: str = i18n.DEFAULT_LANGUAGE
) -> str:
    """Explain a field of RunConfig: what it does, its range, the tutorial's value."""
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
    """Format the time left."""
    if left_s is None:
        return i18n.word("notes.estimating", language)
    return i18n.word("notes.left", language, time=span(left_s, language))


def span(time_s: float, language: str) -> str:
    """Format a duration; a negative one, of a clock set back, is 0."""
    minutes, seconds = divmod(max(round(time_s), 0), 60)
    key = "train.minutes" if minutes else "train.seconds"
    return i18n.word(key, language, n=minutes, s=seconds)
