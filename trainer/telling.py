"""Events in, sentences and numbers for people out: what page and terminal both show."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import words
from errors import KnownError
from trainer.events import (
    Evaluated,
    Failed,
    Finished,
    Noted,
    RunEvent,
    Stage,
    Step,
    Stopped,
)

AFTER = {"test": "train"}  # going on after a test is no news
N_ESTIMATING = 3  # steps to see before a time left is named
N_RECENT = 20  # steps that the estimate looks back on
PLAIN = {Step: "step", Evaluated: "evaluated", Finished: "finished", Stopped: "stopped"}


def line(event: RunEvent, language: str = words.DEFAULT_LANGUAGE) -> str:
    """One event as one line of the log; a Stage is its phase's name alone."""
    if isinstance(event, Stage):
        return words.word(f"stages.{event.name}", language)
    if isinstance(event, Failed):
        return failure(event.code, event.details, language)
    if isinstance(event, Noted):
        return words.word(f"notes.{event.code}", language, **event.details)
    details = dataclasses.asdict(event)
    return words.word(f"notes.{PLAIN[type(event)]}", language, **details)


def failure(code: str, details: Mapping[str, Any], language: str) -> str:
    """Why a run failed and what to try."""
    return words.sentence(KnownError(code, **details), language)


def log_lines(events: Iterable[RunEvent], language: str) -> list[str]:
    """The log: every event a line, a phase only where it begins."""
    lines: list[str] = []
    phase = ""
    for event in events:
        if isinstance(event, Stage):
            is_news = event.name not in (phase, AFTER.get(phase))
            phase = event.name
            if not is_news:
                continue
        lines.append(line(event, language))
    return lines


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        stage: the phase at work; empty before the first.
        done: pieces of the phase that are done.
        total: pieces of the phase, 0 where they cannot be counted.
        left_s: estimated time until the training's end (s); None while unknown.
    """

    stage: str = ""
    done: int = 0
    total: int = 0
    left_s: float | None = None

    @property
    def fraction(self) -> float:
        """Share of the phase that is done, in [0, 1]."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


def progress(events: Sequence[RunEvent]) -> Progress:
    """How far the events say that the run is."""
    told = [event for event in events if isinstance(event, Stage | Step)]
    if not told:
        return Progress()
    last = told[-1]
    steps = [event for event in told if isinstance(event, Step)]
    left_s = _left_s(steps, events)
    if isinstance(last, Step):
        return Progress("train", last.step, last.n_steps, left_s)
    return Progress(last.name, last.done, last.total, left_s)


def _left_s(steps: Sequence[Step], events: Sequence[RunEvent]) -> float | None:
    """The median of the last steps times the steps left, with the tests to come.

    The median, because one slow step (a test in between, a busy machine) says nothing
    about the next ones.
    """
    if len(steps) <= N_ESTIMATING:
        return None
    recent = steps[-N_RECENT - 1 :]
    gaps_s = [b.at - a.at for a, b in itertools.pairwise(recent)]
    n_left = steps[-1].n_steps - steps[-1].step
    per_test_s, every = _tests(events)
    n_tests = math.ceil(n_left / every) if every else 1 if n_left else 0
    return max(n_left * statistics.median(gaps_s) + n_tests * per_test_s, 0.0)


def _tests(events: Sequence[RunEvent]) -> tuple[float, int]:
    """How long the last test took (s), and how many steps lie between two tests."""
    took_s, every, before = 0.0, 0, 0
    last_step_at = 0.0
    for event in events:
        if isinstance(event, Step):
            last_step_at = event.at
        elif isinstance(event, Evaluated):
            took_s = event.at - last_step_at
            every, before = event.step - before, event.step
    return took_s, every


def time_words(left_s: float | None, language: str) -> str:
    """A time left, in words."""
    if left_s is None:
        return words.word("notes.estimating", language)
    minutes, seconds = divmod(round(left_s), 60)
    key = "train.minutes" if minutes else "train.seconds"
    time = words.word(key, language, n=minutes, s=seconds)
    return words.word("notes.left", language, time=time)
