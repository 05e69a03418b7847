"""What the pages of this server have read of runs, read and drawn once for all of them.

Fifty pages that watch one run cost hardly more than one: an event is read once, and a
picture of a run at work is drawn anew only now and then.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trainer import jobs, runs
from trainer.events import Evaluated, RunEvent, Step
from trainer.runs import Run

N_KEPT = 200  # runs, and pictures and texts
GLANCE_EVERY_S = 0.5
DRAW_EVERY_S = 4.0  # of a run at work: drawing takes from its processor


@dataclass
class _Read:
    """Events so far, and where in the file the next one begins (bytes)."""

    events: list[RunEvent] = field(default_factory=list)
    cursor: int = 0


@dataclass(frozen=True)
class Hall:
    """All runs at a glance.

    Attributes:
        every: the newest first.
        at_work: the one whose turn it is.
        waiting: the queue, the next one first.
        mark: another one whenever any run's state or title has changed.
    """

    every: tuple[Run, ...]
    at_work: Run | None
    waiting: tuple[Run, ...]
    mark: int

    def place(self, run: Run | None) -> int:
        """In the queue behind the run at work, from 1 on; 0 for a run outside of it."""
        is_waiting = self.at_work is not None and run in self.waiting
        return self.waiting.index(run) + 1 if run and is_waiting else 0


class Reader:
    """Runs' events and pictures, kept for as long as they are asked for."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._read: OrderedDict[str, _Read] = OrderedDict()
        self._drawn: OrderedDict[Hashable, tuple[float, object, str]] = OrderedDict()
        self._hall = (0.0, Hall((), None, (), 0))
        self._lock = threading.RLock()

    def glance(self, *, is_newest: bool = False) -> Hall:
        """All runs as they are, or unless it must be the newest, as they just were."""
        with self._lock:
            at, hall = self._hall
            if is_newest or _now() - at > GLANCE_EVERY_S:
                hall = _glance(self._runs_dir)
                self._hall = (_now(), hall)
            return hall

    def events(self, run: Run) -> Sequence[RunEvent]:
        """A run's events so far."""
        with self._lock:
            read = self._read.setdefault(run.id, _Read())
            self._read.move_to_end(run.id)
            if size_bytes(run) < read.cursor:  # another run by the same id
                read.events, read.cursor = [], 0
            new, read.cursor = run.events(read.cursor)
            read.events += new
            while len(self._read) > N_KEPT:
                self._read.popitem(last=False)
            return tuple(read.events)

    def story(self, run: Run) -> Sequence[RunEvent]:
        """A run's events after the steps and tests of those that it goes on from."""
        given = runs.read_json(run.parent_file)
        if not given or not (self._runs_dir / given["id"]).is_dir():
            return self.events(run)
        before = self.story(Run(self._runs_dir / given["id"]))
        kinds = (Step, Evaluated)
        told = [e for e in before if isinstance(e, kinds) and e.step <= given["step"]]
        return (*told, *self.events(run))

    def drawn(
        self, key: Hashable, of: object, draw: Callable[[], str], *, is_final: bool
    ) -> str:
        """A picture or a text of what ``of`` stands for; one not quite as new while a run works.

        Args:
            key: which picture, for which look.
            of: changes when there is something new to draw.
            draw: makes it.
            is_final: it must be the newest.
        """
        with self._lock:
            at, drawn_of, picture = self._drawn.get(key, (0.0, None, ""))
            is_fresh = not is_final and picture and _now() - at < DRAW_EVERY_S
            if drawn_of == of or is_fresh:
                return picture
            picture = draw()
            self._drawn[key] = (_now(), of, picture)
            self._drawn.move_to_end(key)
            while len(self._drawn) > N_KEPT:
                self._drawn.popitem(last=False)
            return picture


def _glance(runs_dir: Path) -> Hall:
    """Look at all runs; the locks are asked only of those that have not ended."""
    every = tuple(runs.every(runs_dir))
    alive: list[Run] = []
    marks = []
    for run in every:
        state = ""
        if not (run.folder / "result.json").exists():
            state = run.state().name
            alive += [] if run.state().is_ended else [run]
        marks.append((run.id, changed_at(run.folder), state))
    at_work = next((run for run in alive if run.started_file.exists()), None)
    waiting = sorted((run for run in alive if run != at_work), key=jobs.ticket)
    return Hall(every, at_work, tuple(waiting), hash(tuple(marks)))


def size_bytes(run: Run) -> int:
    """Of a run's events: larger when there is something new."""
    try:
        return run.events_file.stat().st_size
    except FileNotFoundError:
        return 0


def changed_at(path: Path) -> int:
    """When a file, or what is in a folder, was made or renamed; 0 where it is gone."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _now() -> float:
    return time.monotonic()
