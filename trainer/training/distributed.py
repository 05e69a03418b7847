"""Distributed training: what the processes of one run must agree on.

``accelerate launch`` and ``torchrun`` start the same command once for each device, here
and on other machines. The libraries shard each step's windows and average the
gradients. The rest is here: the main process alone emits events and writes the run's
folder, and its stop flag is broadcast, because a process that left a step early would
keep the others waiting for ever.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from networks import device
from trainer.run.events import Emit, Noted, RunEvent, ShouldStop, StopRequested

T = TypeVar("T")
# The main process reads all songs before the others start: a download's time.
TIMEOUT = datetime.timedelta(hours=3)


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a run, as one of them knows them.

    Attributes:
        n_processes: how many there are.
        is_main: whether this one emits events and writes the run's folder.
    """

    n_processes: int
    is_main: bool

    def announce(self, n_windows: int, emit: Emit) -> None:
        """Note that a step is larger: each process trains on ``n_windows`` of its own."""
        if self.n_processes > 1:
            n = self.n_processes
            emit(Noted("crew", {"n_processes": n, "n_windows": n * n_windows}))

    def main_only(self, emit: Emit) -> Emit:
        """Emit events from the main process only."""
        return emit if self.is_main else _ignore

    def broadcast_stop(self, should_stop: ShouldStop) -> ShouldStop:
        """Let all processes follow the main process's stop flag.

        Every process must call the result equally often.
        """
        if self.n_processes == 1:
            return should_stop
        return lambda: bool(self.broadcast(should_stop))

    def main_process_first(self, work: Callable[[], T]) -> T:
        """Run ``work`` in the main process, and after it in the others.

        What the main process leaves in the cache is there for the rest.

        Raises:
            StopRequested: in the others, where it failed in the main process.
        """
        if self.n_processes == 1:
            return work()
        if not self.is_main:
            if not self.broadcast(lambda: False):
                raise StopRequested
            return work()
        is_done = False
        try:
            result = work()
            is_done = True
        finally:
            self.broadcast(lambda: is_done)
        return result

    def compute_once(self, compute: Callable[[], T]) -> T:
        """Call ``compute`` in the main process and return its value in all.

        Raises:
            StopRequested: in all, where ``compute`` was stopped.
        """
        if self.n_processes == 1:
            return compute()

        def tried() -> tuple[T | None, StopRequested | None]:
            try:
                return compute(), None
            except StopRequested as request:
                return None, request

        value, request = self.broadcast(tried)
        if request:
            raise request
        return cast("T", value)

    def wait_for_main(self) -> None:
        """Block until the main process is here too, after what it does alone."""
        if self.n_processes > 1:
            self.broadcast(lambda: None)

    def broadcast(self, compute: Callable[[], T]) -> T:
        """Call ``compute`` in the main process and return its value in all."""
        from accelerate.utils import broadcast_object_list

        values = [compute() if self.is_main else None]
        broadcast_object_list(values)
        return values[0]  # type: ignore[return-value]


def leave() -> None:
    """End this process's part in the group; its threads would abort it as it exits."""
    import torch.distributed

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def process_group() -> ProcessGroup:
    """Return the processes that a launcher started; one, where none did."""
    from accelerate import PartialState

    state = PartialState(cpu=not device.best().is_gpu, timeout=TIMEOUT)
    return ProcessGroup(state.num_processes, state.is_main_process)


def _ignore(event: RunEvent) -> None:
    """Drop an event."""
