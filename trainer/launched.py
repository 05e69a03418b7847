"""A run whose processes a launcher has started: ``accelerate launch -m trainer``.

Every process comes here with the same flags. The main one makes the run's folder and is
its only writer; the others follow. On several machines each needs this project at the
same place; only the main machine's folder holds the run.
"""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from errors import KnownError
from trainer import crew as crews
from trainer import events, locks, runs
from trainer.config import RunConfig
from trainer.events import Failed, Finished, RunEvent, Stopped, StopRequested
from trainer.runs import Run


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
        show: hears the run's events as they come, in the main process.
    """
    crew = crews.here()
    made = crew.share(lambda: str(runs.create(runs_dir, config).folder))
    the_run = Run(Path(made))
    _stop_on_signals(the_run, crew.is_main)
    if not crew.is_main:
        _work(the_run, cache_dir, show)
        return the_run
    with (
        locks.held(the_run.lock_file),
        the_run.events_file.open("a", encoding="utf-8", buffering=1) as file,
    ):
        runs.write_whole(the_run.started_file, json.dumps({"pid": os.getpid()}))

        def emit(event: RunEvent) -> None:
            file.write(events.to_line(event) + "\n")
            show(event)

        last = _work(the_run, cache_dir, emit)
        emit(last)
        _write_result(the_run, last)
    return the_run


def _stop_on_signals(the_run: Run, is_main: bool) -> None:
    """Ctrl-C reaches every process; the main one's stop is the crew's."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        if is_main:
            the_run.stop_file.touch()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)


def _work(the_run: Run, cache_dir: Path, emit: events.Emit) -> RunEvent:
    """The run's last event; what we do not know ends the process with its traceback."""
    from trainer.train import train

    try:
        result = train(
            the_run.config(),
            the_run.folder,
            cache_dir=cache_dir,
            emit=emit,
            should_stop=the_run.stop_file.exists,
        )
    except StopRequested:
        return Stopped(0)
    except KnownError as error:
        return Failed(error.code, error.details)
    if result.was_stopped:
        return Stopped(result.step)
    return Finished(result.accuracy, result.step)


def _write_result(the_run: Run, last: RunEvent) -> None:
    """The end, written whole and after everything else."""
    values: dict[str, object] = {"state": type(last).__name__.lower()}
    if isinstance(last, Failed):
        values |= {"code": last.code, "details": dict(last.details)}
    if isinstance(last, Finished | Stopped):
        values["step"] = last.step
    if isinstance(last, Finished) and not math.isnan(last.accuracy):
        values["accuracy"] = last.accuracy
    runs.write_whole(the_run.folder / "result.json", json.dumps(values, default=str))
