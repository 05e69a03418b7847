"""A run whose processes a launcher has started: ``accelerate launch -m trainer``.

Every process comes here with the same flags. The main one makes the run's folder and is
its only writer; the others follow. On several machines each needs this project at the
same place; only the main machine's folder holds the run.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from trainer.config import RunConfig
from trainer.process import worker
from trainer.run import events, locks, runs
from trainer.run.events import RunEvent
from trainer.run.runs import Run
from trainer.training import distributed


def run(
    config: RunConfig,
    runs_dir: Path,
    *,
    cache_dir: Path,
    show: Callable[[RunEvent], None],
) -> Run:
    """Train in this process as one of several, until the run has ended.

    Args:
        config: what to do, the same in every process.
        runs_dir: where the main process makes the run's folder.
        cache_dir: where decoded songs are kept.
        show: gets the run's events as they come, in the main process.
    """
    group = distributed.process_group()
    folder = Path(group.broadcast(lambda: str(runs.create(runs_dir, config).folder)))
    the_run = Run(folder)
    _stop_on_signals(the_run, group.is_main)
    ask = the_run.stop_file.exists  # a cancelled run saves first, and is removed then
    if not group.is_main:
        worker.trained(config, folder, cache_dir, emit=show, should_stop=ask)
        return the_run
    with (
        locks.held(the_run.lock_file),
        the_run.events_file.open("a", encoding="utf-8", buffering=1) as file,
    ):
        runs.write_whole(the_run.started_file, json.dumps({"pid": os.getpid()}))

        def emit(event: RunEvent) -> None:
            file.write(events.to_line(event) + "\n")
            show(event)

        last = worker.trained(config, folder, cache_dir, emit=emit, should_stop=ask)
        show(worker.end(the_run, last, cache_dir))
    return the_run


def _stop_on_signals(the_run: Run, is_main: bool) -> None:
    """Ctrl-C reaches every process; the main one's stop is the group's."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        if is_main:
            the_run.stop_file.touch()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
