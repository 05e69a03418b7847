"""What the pages of this server have read of runs, read and drawn once for all of them.

Fifty pages that watch one run cost hardly more than one: an event is read once, and a
picture of a run at work is drawn anew only now and then.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import jobs, runs
from trainer.events import Evaluated, RunEvent, Step
from trainer.runs import Run

N_KEPT = 200  # runs, and pictures and texts
GLANCE_EVERY_S = 0.5
READ_EVERY_S = 0.9  # less than between two polls of one page
# What is drawn of a run at work takes from its processor: each picture so often at
# most, and all of them together so large a share of one core.
DRAW_EVERY_S = 4.0
DRAWING_SHARE = 0.01
RECENTLY_S = 60.0  # drawn since then, a picture is one of those that share
POLL_S = 1.0
N_POLLS_PER_S = 5  # of all pages: each takes some 4 ms of the server
LONGEST_POLL_S = 10.0
AWAY_S = 30.0  # a page that has not asked for so long is closed


@dataclass
class _Read:
    """Events so far, where in the file the next one begins (bytes), and as of when."""

    events: tuple[RunEvent, ...] = ()
    cursor: int = 0
    at: float = -READ_EVERY_S


@dataclass(frozen=True)
class _Drawn:
    """A picture, of what and when it was drawn, and the processor's time it took (s)."""

    at: float
    of: object
    picture: str
    took_s: float


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
        self._drawn: OrderedDict[Hashable, _Drawn] = OrderedDict()
        self._watching: dict[str, float] = {}
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

    def poll_every_s(self, session: str) -> float:
        """How often a page shall ask, the less often the more of them watch."""
        with self._lock:
            now = _now()
            self._watching[session] = now
            for other, at in list(self._watching.items()):
                if now - at > AWAY_S:
                    del self._watching[other]
            apart_s = math.ceil(len(self._watching) / N_POLLS_PER_S) * POLL_S
        return min(apart_s, LONGEST_POLL_S)

    def events(self, run: Run) -> Sequence[RunEvent]:
        """A run's events so far."""
        return self._up_to_date(run).events

    def size_bytes(self, run: Run) -> int:
        """Of the events as ``events`` gives them: larger when there is something new."""
        return self._up_to_date(run).cursor

    def _up_to_date(self, run: Run) -> _Read:
        """What was read of a run, at most ``READ_EVERY_S`` ago, the same for all."""
        with self._lock:
            read = self._read.setdefault(run.id, _Read())
            self._read.move_to_end(run.id)
            if _now() - read.at >= READ_EVERY_S:
                read.at = _now()
                if size_bytes(run) < read.cursor:  # another run by the same id
                    read.events, read.cursor = (), 0
                new, read.cursor = run.events(read.cursor)
                read.events += tuple(new)
            while len(self._read) > N_KEPT:
                self._read.popitem(last=False)
            return read

    def story(self, run: Run) -> Sequence[RunEvent]:
        """A run's events after the steps and validations of those that it goes on from."""
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
            last = self._drawn.get(key)
            if last and (last.of == of or (not is_final and self._is_early(last))):
                return last.picture
            began_s = time.thread_time()
            picture = draw()
            took_s = 0.0 if is_final else time.thread_time() - began_s
            self._drawn[key] = _Drawn(_now(), of, picture, took_s)
            self._drawn.move_to_end(key)
            while len(self._drawn) > N_KEPT:
                self._drawn.popitem(last=False)
            return picture

    def _is_early(self, last: _Drawn) -> bool:
        """Whether a picture of a run at work has to stand a little longer."""
        now = _now()
        others = self._drawn.values()
        n = sum(each.took_s > 0 and now - each.at < RECENTLY_S for each in others)
        every_s = max(DRAW_EVERY_S, n * last.took_s / DRAWING_SHARE)
        return bool(last.picture) and now - last.at < every_s


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
