"""Which of several requests for the same place of a page came last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gradio.components import Component


@dataclass(frozen=True, eq=False)
class Request:
    """One request, the same as no other: by its turn at the browser that sent it."""

    turn: int


@dataclass(frozen=True)
class Newest:
    """Which request for each place of a page came last.

    Gradio answers several requests of one page side by side, so that an older one may
    end last; what it brings is out of date, and must not cover the newer answer.
    """

    requests: dict[int, Request] = field(default_factory=dict)
    sounds: list[str] = field(default_factory=list)  # the chosen one, by its path

    def ask(self, *places: Component, turn: int = 0) -> Callable[[Component], bool]:
        """Begin a request; return what tells whether it is a place's newest still.

        Args:
            places: that it is for.
            turn: counted up by the browser, whose requests may overtake each other on
                their way here: one with a lower turn than came before is out of date.
        """
        request = Request(turn)
        for place in places:
            last = self.requests.get(place._id)
            if last is None or last.turn <= turn:
                self.requests[place._id] = request
        return lambda place: self.requests[place._id] is request

    def choose(self, path: str) -> None:
        """Note which sound has been read last."""
        self.sounds[:] = [path]

    def is_of(self, path: str) -> bool:
        """Check that what was made of a sound is not of one before."""
        return self.sounds in ([], [path])
