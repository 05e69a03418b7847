"""One place where models listen, in turns, and the line of those who wait for it.

What torch and the C library keep for themselves grows with every thread that computes,
by some 50 MB each; so few threads listen, for all visitors, and step aside for a run
that trains on the same processor. Each visitor asks for one window, waits for its
answer, then asks for the next: windows are heard in the order in which they are asked
for, so that turns are fair. And few visitors listen at a time: the others stand in line
before their song is decoded, and are told their place.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from process import lower_priority, trim_memory

N_TURNS = 32  # after so many, memory is tidied: it takes 3 ms
N_SEATS = 2  # one is drawn or decoded while the other is heard

Heard = TypeVar("Heard")


class Turns:
    """Listening, a window at a time.

    Args:
        n_at_once: how many windows may be heard at the same time.
        n_seats: how many visitors may listen at the same time.

    Attributes:
        line: where visitors wait for a seat.
    """

    def __init__(self, n_at_once: int = 1, n_seats: int = N_SEATS) -> None:
        self.line = Line(n_seats)
        self._ears = ThreadPoolExecutor(n_at_once, "listens", lower_priority)
        self._turns = itertools.count(1)

    def take(self, listen: Callable[[], Heard]) -> Heard:
        """What ``listen`` returns, or raises, called where models listen."""
        if next(self._turns) % N_TURNS == 0:
            self._ears.submit(trim_memory)
        return self._ears.submit(listen).result()


class Line:
    """Visitors in the order they came; the first few are seated.

    Args:
        n_seats: how many that is.
    """

    def __init__(self, n_seats: int) -> None:
        self._n_seats = n_seats
        self._tickets: list[Ticket] = []
        self._moved = threading.Condition()

    @contextmanager
    def ticket(self) -> Iterator[Ticket]:
        """Stand in line, and leave it, seated or not, at the end of the block."""
        ticket = Ticket(self)
        with self._moved:
            self._tickets.append(ticket)
        try:
            yield ticket
        finally:
            with self._moved:
                self._tickets.remove(ticket)
                self._moved.notify_all()

    def place(self, ticket: Ticket) -> int:
        """How many will be seated up to this one, itself included; 0 when seated."""
        return max(self._tickets.index(ticket) + 1 - self._n_seats, 0)

    def wait(self, ticket: Ticket, place: int, timeout_s: float | None) -> None:
        """Wait until a ticket's place is another than this one."""
        with self._moved:
            self._moved.wait_for(lambda: self.place(ticket) != place, timeout_s)


class Ticket:
    """One visitor's place in a line.

    Args:
        line: which one.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    @property
    def place(self) -> int:
        """1 for who is seated next, 2 for who comes after; 0 when seated."""
        return self._line.place(self)

    def places(self, patience_s: float) -> Iterator[int]:
        """The places down to the seat, each when it is reached, and 0 is not told.

        Told again whenever nothing has moved for a while (s), so that who listens to
        this can see that somebody is still there.
        """
        while place := self.place:
            yield place
            self._line.wait(self, place, patience_s)

    def be_seated(self) -> None:
        """Wait for as long as it takes."""
        while place := self.place:
            self._line.wait(self, place, None)
