"""Which of several requests for the same place of a page came last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gradio.components import Component


@dataclass(frozen=True)
class Newest:
    """Which request for each place of a page came last.

    Gradio answers several requests of one page side by side, so that an older one may
    end last; what it brings is out of date, and must not cover the newer answer.
    """

    requests: dict[int, object] = field(default_factory=dict)
    sounds: list[str] = field(default_factory=list)  # the chosen one, by its path

    def ask(self, *places: Component) -> Callable[[Component], bool]:
        """Begin a request; return what tells whether it is a place's newest still."""
        request = object()
        self.requests.update((place._id, request) for place in places)
        return lambda place: self.requests[place._id] is request

    def choose(self, path: str) -> None:
        """Note which sound has been read last."""
        self.sounds[:] = [path]

    def is_of(self, path: str) -> bool:
        """Check that what was made of a sound is not of one before."""
        return self.sounds in ([], [path])
