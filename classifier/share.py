"""Share songs between the processes of a launcher, and join what they find.

``accelerate launch -m classifier FOLDER --csv out.csv`` starts one process for each
device, here or on other machines that see the same folders. Nothing is sent between
them: each takes every n-th song, and writes a table of its own beside ``out.csv``. The
first one waits for the others and joins the tables. What a process that was killed has
written stays, and the next start goes on from there, with any number of processes.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from audio.decode.archive import Song
from classifier.report import Table

BEAT_S = 2.0  # from one sign of life to the next
PATIENCE_S = 60.0  # without one: such a process has died, or its machine has
EARLIER_S = 30.0  # that a process may start, and end, before the first one


@dataclass(frozen=True)
class Crew:
    """The processes of one start, as one of them knows them.

    Attributes:
        rank: which one this is; the first is 0.
        n_processes: how many there are.
    """

    rank: int
    n_processes: int

    @property
    def is_first(self) -> bool:
        """Whether this one joins the tables."""
        return self.rank == 0

    def share(self, songs: Sequence[Song]) -> list[Song]:
        """Return this process's songs: every n-th, so that shares are alike."""
        return list(songs[self.rank :: self.n_processes])


def part_of(csv: Path, rank: int) -> Path:
    """Return the table of one process."""
    return csv.with_name(f".{csv.name}.of-{rank}")


def parts_of(csv: Path) -> list[Path]:
    """List the tables of all processes, of earlier starts too."""
    return sorted(csv.parent.glob(f".{csv.name}.of-*[0-9]"))


def others(csv: Path, rank: int, model: str, effort: str) -> list[Table]:
    """Read the tables whose songs this process leaves out, without changing them."""
    found = [csv, *(part for part in parts_of(csv) if part != part_of(csv, rank))]
    return [
        Table(path, model, effort, is_fixed=True) for path in found if path.exists()
    ]


@contextmanager
def at_work(csv: Path, rank: int) -> Iterator[None]:
    """Give signs of life while this process works, and one of its end."""
    sign = _sign(csv, rank)
    sign.write_text("at work")
    is_over = threading.Event()

    def beat() -> None:
        while not is_over.wait(BEAT_S):
            sign.touch()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    sign.write_text("done")


def wait_for_others(csv: Path, crew: Crew, began_s: float) -> int:
    """Wait until every other process is done or has given no sign for a while.

    Args:
        csv: the table to be.
        crew: of the first process.
        began_s: when that started, in seconds since 1970.

    Returns:
        How many were not done.
    """
    last_s = {rank: time.time() for rank in range(1, crew.n_processes)}
    n_lost = 0
    while last_s:
        for rank in list(last_s):
            state, at_s = _seen(_sign(csv, rank))
            is_ours = at_s > began_s - EARLIER_S
            if is_ours:
                last_s[rank] = max(last_s[rank], at_s)
            is_lost = time.time() - last_s[rank] > PATIENCE_S
            if is_lost or (is_ours and state == "done"):
                del last_s[rank]
                n_lost += is_lost
        if last_s:
            time.sleep(min(BEAT_S, PATIENCE_S) / 4)
    return n_lost


def join(csv: Path, model: str, effort: str) -> None:
    """Join the tables of all processes into one, then delete them."""
    table, parts = Table(csv, model, effort), parts_of(csv)
    table.join(Table(part, model, effort, is_fixed=True) for part in parts)
    for path in [*parts, *csv.parent.glob(f".{csv.name}.of-*.sign")]:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _sign(csv: Path, rank: int) -> Path:
    part = part_of(csv, rank)
    return part.with_name(f"{part.name}.sign")


def _seen(sign: Path) -> tuple[str, float]:
    """Read a sign and when it was given; empty and 0 without one."""
    try:
        return sign.read_text(), sign.stat().st_mtime
    except OSError:
        return "", 0.0
