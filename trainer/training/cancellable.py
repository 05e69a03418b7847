"""Run work that cannot check a stop flag, such as a download, so that it can be left."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

from trainer.run.events import Emit, RunEvent, ShouldStop, StopRequested

T = TypeVar("T")
POLL_S = 0.2


def interruptible(work: Callable[[], T], should_stop: ShouldStop) -> T:
    """Return what ``work`` returns, or raise where a stop is requested meanwhile.

    It runs in a thread of its own, which is abandoned at a stop: the process of a
    stopped run is about to end. Where the work emits through ``emit_or_stop``, the
    thread ends soon as well.

    Raises:
        StopRequested: within a moment of the flag.
    """
    pool = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="interruptible")
    future = pool.submit(work)
    pool.shutdown(wait=False)
    while not concurrent.futures.wait([future], timeout=POLL_S).done:
        if should_stop():
            raise StopRequested
    return future.result()


def emit_or_stop(emit: Emit, should_stop: ShouldStop) -> Emit:
    """Wrap ``emit`` so that it raises once a stop is requested, ending abandoned work.

    Raises:
        StopRequested: instead of passing an event on.
    """

    def checked(event: RunEvent) -> None:
        if should_stop():
            raise StopRequested
        emit(event)

    return checked
