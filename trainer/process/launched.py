"""Train in processes that a launcher started: ``accelerate launch -m trainer``.

Every process has the same flags. The main one creates the run's folder and is its only
writer. On several machines, each needs this project at the same path; only the main
machine has the run's folder.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from networks import device
from trainer.config import RunConfig
from trainer.process import device as measure
from trainer.process import worker
from trainer.run import events, locks, runs
from trainer.run.events import Noted, RunEvent
from trainer.run.runs import Run
from trainer.training import distributed

POLL_S = 0.5


def run(
    config: RunConfig,
    runs_dir: Path,
    *,
    cache_dir: Path,
    show: Callable[[RunEvent], None],
    local_rank: int = 0,
    visible: str | None = None,
) -> Run:
    """Train in this process as one of several, until the run has ended.

    Args:
        config: the run's settings, the same in every process.
        runs_dir: where the main process creates the run's folder.
        cache_dir: where decoded songs are cached.
        show: called with each of the run's events, in the main process.
        local_rank: which of the processes on this machine this one is.
        visible: ``CUDA_VISIBLE_DEVICES``; None where that is not set.
    """
    device.choose(local_rank)
    group = distributed.process_group()
    lock = _turn(runs_dir, show) if group.is_main else None
    folder = Path(group.broadcast(lambda: str(runs.create(runs_dir, config).folder)))
    the_run = Run(folder)
    _stop_on_signals(the_run, group.is_main)
    should_stop = the_run.stop_file.exists  # a cancelled run saves, then is removed
    if not group.is_main:
        worker.train_run(config, folder, cache_dir, emit=show, should_stop=should_stop)
        distributed.leave()
        return the_run
    with (
        locks.held(the_run.lock_file),
        the_run.events_file.open("a", encoding="utf-8", buffering=1) as file,
    ):
        runs.write_whole(the_run.started_file, json.dumps({"pid": os.getpid()}))

        def emit(event: RunEvent) -> None:
            unused = measure.unused_gpu(event, visible)
            for each in [event, *([unused] if unused else [])]:
                file.write(events.to_line(each) + "\n")
                show(each)

        last = worker.train_run(
            config, folder, cache_dir, emit=emit, should_stop=should_stop
        )
        show(worker.end(the_run, last, cache_dir))
    distributed.leave()
    if lock is not None:
        os.close(lock)
    return the_run


def _turn(runs_dir: Path, show: Callable[[RunEvent], None]) -> int:
    """Wait until no other run trains here; return the device's lock, held till the end."""
    runs_dir.mkdir(parents=True, exist_ok=True)
    path = runs_dir / ".lock"
    lock = locks.take(path, wait=False)
    if lock is None:
        show(Noted("waiting", {"n": 1}))
    while lock is None:
        time.sleep(POLL_S)
        lock = locks.take(path, wait=False)
    return lock


def _stop_on_signals(the_run: Run, is_main: bool) -> None:
    """Handle Ctrl-C, which every process gets: the main one requests the stop."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        if is_main:
            the_run.stop_file.touch()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
