"""Run inference of all callers on few threads, in fair turns, behind a waiting line.

The memory that torch and the C library keep grows with every thread that computes, by
some 50 MB each; so few threads run models, for all callers, and at low priority: a run
that trains on the same processor comes first. Each caller submits one window, waits for
its logits, then submits the next: windows are computed in the order in which they are
submitted, so that turns are fair. And few callers run inference at a time: the others
wait in line before their song is decoded, and know their position.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import process

TRIM_EVERY_N = 32  # windows, after which memory is given back: it takes 3 ms
N_PLACES = 2  # one caller draws or decodes while another one's window is computed

T = TypeVar("T")


class InferenceQueue:
    """Run inference for many callers, a window at a time.

    Args:
        n_at_once: windows computed at the same time.
        n_places: callers that may run inference at the same time.

    Attributes:
        charge: is called with how many seconds of a sound are to be computed, before
            they are; it raises a ``KnownError`` where its caller has had enough.
        line: where callers wait for a place.
    """

    def __init__(self, n_at_once: int = 1, n_places: int = N_PLACES) -> None:
        self.charge: Callable[[float], None] = lambda _: None
        self.line = WaitingLine(n_places)
        self._pool = ThreadPoolExecutor(n_at_once, "inference", process.lower_priority)
        self._n_run = itertools.count(1)

    def run(self, work: Callable[[], T]) -> T:
        """Call a function on the queue's threads; return or raise what it does."""
        if next(self._n_run) % TRIM_EVERY_N == 0:
            self._pool.submit(process.trim_memory)
        return self._pool.submit(work).result()


class WaitingLine:
    """A FIFO semaphore: the first few callers proceed, the others know their position.

    Args:
        n_places: how many proceed.
    """

    def __init__(self, n_places: int) -> None:
        self._n_places = n_places
        self._tickets: list[Ticket] = []
        self._moved = threading.Condition()

    @contextmanager
    def ticket(self) -> Iterator[Ticket]:
        """Join the line; leave it at the end of the block, also after an error."""
        ticket = Ticket(self)
        with self._moved:
            self._tickets.append(ticket)
        try:
            yield ticket
        finally:
            with self._moved:
                self._tickets.remove(ticket)
                self._moved.notify_all()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Block until it is this caller's turn, which lasts to the end of the block."""
        with self.ticket() as ticket:
            ticket.acquire()
            yield

    def position(self, ticket: Ticket) -> int:
        """Return how many proceed before this one does, itself included; 0 if it may."""
        return max(self._tickets.index(ticket) + 1 - self._n_places, 0)

    def wait(self, ticket: Ticket, position: int, timeout_s: float | None) -> None:
        """Block until a ticket's position is another than this one."""
        with self._moved:
            self._moved.wait_for(lambda: self.position(ticket) != position, timeout_s)


class Ticket:
    """One caller's position in a line.

    Args:
        line: the one that it joined.
    """

    def __init__(self, line: WaitingLine) -> None:
        self._line = line

    @property
    def position(self) -> int:
        """1 for the next to proceed, 2 for the one after it; 0 when it may."""
        return self._line.position(self)

    def positions(self, patience_s: float) -> Iterator[int]:
        """Yield the positions on the way, each when it is reached; 0 ends it.

        The same one is yielded again whenever nothing has moved for a while (s), so
        that the caller can check whether its visitor is still connected.
        """
        while position := self.position:
            yield position
            self._line.wait(self, position, patience_s)

    def acquire(self) -> None:
        """Block until it is this caller's turn."""
        while position := self.position:
            self._line.wait(self, position, None)
