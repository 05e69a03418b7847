"""Read and render runs once for all pages of this server.

Fifty pages that watch one run cost hardly more than one: an event is read once, and a
picture of an active run is drawn anew only now and then.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cache import Cache
from trainer.process import jobs
from trainer.run import runs
from trainer.run.events import Evaluated, Guessed, RunEvent, Step
from trainer.run.runs import Run

N_KEPT = 200  # runs, and at most pictures and texts
KEPT_CHARACTERS = 32_000_000  # of pictures and texts
OVERVIEW_EVERY_S = 0.5
READ_EVERY_S = 0.9  # less than between two polls of one page
# What is drawn of an active run takes from its processor: each picture so often at
# most, and all of them together so large a share of one core.
DRAW_EVERY_S = 1.0
DRAWING_SHARE = 0.02
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
class Rendered:
    """HTML, as of when.

    Attributes:
        html: for the page.
        version: changes with what the HTML shows.
        at_s: when it was rendered.
        took_s: of the processor; 0 for what never lags.
    """

    html: str
    version: Hashable
    at_s: float
    took_s: float


@dataclass(frozen=True)
class RunsOverview:
    """All runs at one moment.

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
        """Return a run's place in the queue, from 1 on; 0 for a run outside of it."""
        is_waiting = self.at_work is not None and run in self.waiting
        return self.waiting.index(run) + 1 if run and is_waiting else 0


class RunCache:
    """Keep runs' events and what was rendered of them, for as long as pages ask."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._read: Cache[str, _Read] = Cache(N_KEPT)
        self._rendered: Cache[Hashable, Rendered] = Cache(KEPT_CHARACTERS, _size)
        self._watching: dict[str, float] = {}
        self._overview = (0.0, RunsOverview((), None, (), 0))
        self._lock = threading.RLock()

    def overview(self, *, is_newest: bool = False) -> RunsOverview:
        """List all runs as they are, or unless it must be the newest, as just before."""
        with self._lock:
            at, overview = self._overview
            if is_newest or _now() - at > OVERVIEW_EVERY_S:
                overview = _overview(self._runs_dir)
                self._overview = (_now(), overview)
            return overview

    def poll_every_s(self, session: str) -> float:
        """Return how often a page shall poll (s), the less often the more pages there are."""
        with self._lock:
            now = _now()
            self._watching[session] = now
            for other, at in list(self._watching.items()):
                if now - at > AWAY_S:
                    del self._watching[other]
            apart_s = math.ceil(len(self._watching) / N_POLLS_PER_S) * POLL_S
        return min(apart_s, LONGEST_POLL_S)

    def events(self, run: Run) -> Sequence[RunEvent]:
        """Return a run's events so far."""
        return self._up_to_date(run).events

    def size_bytes(self, run: Run) -> int:
        """Return the size of what ``events`` returns: larger when there is something new."""
        return self._up_to_date(run).cursor

    def _up_to_date(self, run: Run) -> _Read:
        """Read a run, at most every ``READ_EVERY_S``."""
        with self._lock:
            read = self._read.compute(run.id, _Read)
            if _now() - read.at >= READ_EVERY_S:
                read.at = _now()
                if size_bytes(run) < read.cursor:  # another run by the same id
                    read.events, read.cursor = (), 0
                new, read.cursor = run.events(read.cursor)
                read.events += tuple(new)
            return read

    def story(self, run: Run) -> Sequence[RunEvent]:
        """Return a run's events after the steps and validations of those that it continues."""
        given = runs.read_json(run.parent_file)
        if not given or not (self._runs_dir / given["id"]).is_dir():
            return self.events(run)
        before = self.story(Run(self._runs_dir / given["id"]))
        kinds = (Step, Evaluated, Guessed)
        earlier = [
            e for e in before if isinstance(e, kinds) and e.step <= given["step"]
        ]
        return (*earlier, *self.events(run))

    def rendered(
        self,
        key: Hashable,
        version: Hashable,
        render: Callable[[], str],
        *,
        may_lag: bool = False,
    ) -> Rendered:
        """Render what has changed; else return what was rendered before.

        Args:
            key: of what, and for which look, visitor or language.
            version: changes when there is something new to show.
            render: makes the HTML.
            may_lag: of an active run an older one will do, so that drawing takes a
                bounded share of the processor.
        """
        with self._lock:
            last = self._rendered.get(key)
            if last and (last.version == version or (may_lag and self._is_early(last))):
                return last
            began_s = time.thread_time()
            html = render()
            took_s = time.thread_time() - began_s if may_lag else 0.0
            rendered = Rendered(html, version, _now(), took_s)
            self._rendered.put(key, rendered)
            return rendered

    def _is_early(self, last: Rendered) -> bool:
        """Return whether a picture of a running run has to stay a little longer."""
        now = _now()
        others = self._rendered.items()
        n = sum(each.took_s > 0 and now - each.at_s < RECENTLY_S for _, each in others)
        every_s = max(DRAW_EVERY_S, n * last.took_s / DRAWING_SHARE)
        return bool(last.html) and now - last.at_s < every_s


def _size(rendered: Rendered) -> int:
    """Return a text's share of what is kept, so large that there are few texts."""
    return max(len(rendered.html), KEPT_CHARACTERS // N_KEPT)


def _overview(runs_dir: Path) -> RunsOverview:
    """List all runs; ask the locks only of those that have not ended."""
    every = tuple(runs.every(runs_dir))
    alive: list[Run] = []
    marks = []
    for run in every:
        state = ""
        if not run.result_file.exists():
            state = run.state().name
            alive += [] if run.state().is_ended else [run]
        marks.append((run.id, changed_at(run.folder), state))
    at_work = next((run for run in alive if run.started_file.exists()), None)
    waiting = sorted((run for run in alive if run != at_work), key=jobs.ticket)
    return RunsOverview(every, at_work, tuple(waiting), hash(tuple(marks)))


def size_bytes(run: Run) -> int:
    """Return the size of a run's events: larger when there is something new."""
    try:
        return run.events_file.stat().st_size
    except FileNotFoundError:
        return 0


def changed_at(path: Path) -> int:
    """Return when a file or a folder's content was made or renamed (ns); 0 where it is gone."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _now() -> float:
    return time.monotonic()
