"""Work that cannot look at a stop flag, such as a download, and may be left behind."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

from trainer.run.events import Emit, RunEvent, ShouldStop, StopRequested

T = TypeVar("T")
POLL_S = 0.2


def interruptible(work: Callable[[], T], should_stop: ShouldStop) -> T:
    """What ``work`` returns or raises, unless a stop is asked for meanwhile.

    It runs in a thread of its own, which is left behind at a stop: the process of a
    stopped run is about to end. Where the work has an ``obedient`` voice, it ends soon
    as well.

    Raises:
        StopRequested: within a moment of the flag.
    """
    pool = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="patience")
    future = pool.submit(work)
    pool.shutdown(wait=False)
    while not concurrent.futures.wait([future], timeout=POLL_S).done:
        if should_stop():
            raise StopRequested
    return future.result()


def obedient(emit: Emit, should_stop: ShouldStop) -> Emit:
    """The same voice, which ends work that is left behind: once asked to stop, it raises.

    Raises:
        StopRequested: instead of passing an event on.
    """

    def say(event: RunEvent) -> None:
        if should_stop():
            raise StopRequested
        emit(event)

    return say
