"""Several processes, one run: who speaks for it, and what they must agree on.

``accelerate launch`` and ``torchrun`` start the same command once for each device, here
and on other machines. The songs of a step are shared out and the gradients averaged by
the libraries; what is left to do is done here. One process is the main one: it alone
tells events and writes the run's folder, and its word counts where all must do the
same, because a process that leaves a step early would keep the others waiting for ever.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from trainer.run.events import Emit, Noted, RunEvent, ShouldStop, StopRequested

T = TypeVar("T")
# The main process reads all songs before the others go on: a download's time.
PATIENCE = datetime.timedelta(hours=3)


@dataclass(frozen=True)
class Crew:
    """The processes of a run, seen by one of them.

    Attributes:
        n_processes: how many there are.
        is_main: this one tells and writes.
    """

    n_processes: int
    is_main: bool

    def introduce(self, n_windows: int, emit: Emit) -> None:
        """Say that a step is larger: each process hears ``n_windows`` of its own."""
        if self.n_processes > 1:
            n = self.n_processes
            emit(Noted("crew", {"n_processes": n, "n_windows": n * n_windows}))

    def voice(self, emit: Emit) -> Emit:
        """``emit`` of the main process; the others say nothing."""
        return emit if self.is_main else _say_nothing

    def ear(self, should_stop: ShouldStop) -> ShouldStop:
        """Whether the main process was asked to stop: one answer for all.

        Every process must ask equally often.
        """
        if self.n_processes == 1:
            return should_stop
        return lambda: bool(self.share(should_stop))

    def first(self, work: Callable[[], T]) -> T:
        """``work`` in the main process, and after it in the others.

        What the first leaves in the cache is there for the rest.

        Raises:
            StopRequested: in the others, where the main process could not do it.
        """
        if self.n_processes == 1:
            return work()
        if not self.is_main:
            if not self.share(lambda: False):
                raise StopRequested
            return work()
        is_done = False
        try:
            result = work()
            is_done = True
        finally:
            self.share(lambda: is_done)
        return result

    def share(self, answer: Callable[[], T]) -> T:
        """What ``answer`` gives in the main process, in all of them."""
        from accelerate.utils import broadcast_object_list

        answers = [answer() if self.is_main else None]
        broadcast_object_list(answers)
        return answers[0]  # type: ignore[return-value]


def here() -> Crew:
    """The crew that this process belongs to: of one, unless a launcher made more."""
    import torch
    from accelerate import PartialState

    has_cuda = torch.cuda.is_available()
    state = PartialState(cpu=not has_cuda, timeout=PATIENCE)
    return Crew(state.num_processes, state.is_main_process)


def _say_nothing(event: RunEvent) -> None:
    """What a process that is not the main one tells."""
