"""A model on its way here, fetched and loaded in the background: once, and calmly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import Literal

from errors import KnownError
from hub.client import OnDownload

State = Literal["idle", "coming", "unreachable", "refused", "here"]

# Between two attempts where the Hub cannot be reached, or was lost in the middle (s); the
# last one again and again.
PAUSES_S = (5.0, 30.0, 120.0, 600.0)


@dataclass(frozen=True)
class Progress:
    """How far a model is.

    Attributes:
        state: ``idle`` before the start; ``coming``; ``unreachable`` until the next
            attempt; ``refused`` for good; ``here`` once it is loaded.
        n_bytes: of its weights that are on this disk.
        n_all: bytes that its weights have; 0 while that is not known.
        error: why it is not coming.
    """

    state: State = "idle"
    n_bytes: int = 0
    n_all: int = 0
    error: KnownError | None = None


class Arrival:
    """One model's way here, in a daemon thread that sleeps between its attempts.

    Args:
        load: fetches the model and loads it; is given a function that counts its bytes.
        pauses_s: between two attempts.
    """

    def __init__(
        self, load: Callable[[OnDownload], object], pauses_s: Sequence[float] = PAUSES_S
    ) -> None:
        self._load = load
        self._pauses_s = pauses_s
        self._progress = Progress()
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def progress(self) -> Progress:
        """Return how far it is, at once."""
        return self._progress

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread is None:
            self._progress = Progress("coming")
            self._thread = threading.Thread(
                target=self._run, name="arrival", daemon=True
            )
            self._thread.start()

    def cancel(self, timeout_s: float = 0.0) -> None:
        """End at the next bytes; the next process resumes from those that are here."""
        self._cancelled.set()
        if self._thread:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        n_tried = 0
        while not self._cancelled.is_set() and self._is_to_be_tried_again():
            self._cancelled.wait(self._pauses_s[min(n_tried, len(self._pauses_s) - 1)])
            n_tried += 1

    def _is_to_be_tried_again(self) -> bool:
        """Make one attempt, and tell whether another one may help."""
        try:
            self._load(self._count)
        except CancelledError:
            return False
        except KnownError as error:
            is_lost = error.code == "hub_unreachable"
            state: State = "unreachable" if is_lost else "refused"
            self._progress = replace(self._progress, state=state, error=error)
            return is_lost
        except OSError:  # every other one is a KnownError by now
            self._progress = Progress("refused", error=KnownError("no_room"))
            return False
        self._progress = replace(self._progress, state="here", error=None)
        return False

    def _count(self, n_bytes: int, n_all: int) -> None:
        if self._cancelled.is_set():
            raise CancelledError  # ends the download from within
        self._progress = Progress("coming", n_bytes, n_all)
