"""The training child: one run folder in, events and ``result.json`` out.

Started by ``jobs`` as ``python -m trainer.worker RUN_DIR CACHE_DIR``. It is the only
writer of results. One of the two places of the house that may catch every exception:
whatever ends a run is written down with a cause.
"""

from __future__ import annotations

import argparse
import errno
import json
import logging
import math
import secrets
import signal
from pathlib import Path
from types import FrameType

from errors import KnownError
from trainer import events, runs
from trainer.events import Failed, Finished, RunEvent, Stopped, StopRequested
from trainer.runs import Run

logger = logging.getLogger(__name__)


def main() -> None:
    """Run what the folder's config says; exit 0 once ``result.json`` stands."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("cache_dir", type=Path)
    arguments = parser.parse_args()
    run = Run(arguments.run_dir)

    def on_terminate(number: int, frame: FrameType | None) -> None:
        run.stop_file.touch()

    signal.signal(signal.SIGTERM, on_terminate)
    with run.events_file.open("a", encoding="utf-8", buffering=1) as file:

        def emit(event: RunEvent) -> None:
            file.write(events.to_line(event) + "\n")

        last = _work(run, arguments.cache_dir, emit)
        emit(last)
    _write_result(run, last)


def _work(run: Run, cache_dir: Path, emit: events.Emit) -> RunEvent:
    """The run's last event: finished, stopped, or failed with its cause."""
    try:
        from trainer.train import train

        result = train(
            run.config(),
            run.folder,
            cache_dir=cache_dir,
            emit=emit,
            should_stop=run.stop_file.exists,
        )
    except StopRequested:
        return Stopped(0)
    except KnownError as error:
        return Failed(error.code, error.details)
    except Exception as error:  # noqa: BLE001 - one of the two borders
        return _cause(error)
    if result.was_stopped:
        return Stopped(result.step)
    return Finished(result.accuracy, result.step)


def _cause(error: Exception) -> Failed:
    """A foreign error as something that a person can act on, where we know it."""
    logger.error("the run failed", exc_info=error)
    name = type(error).__name__
    if name == "OutOfMemoryError" or isinstance(error, MemoryError):
        return Failed("out_of_memory")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Failed("disk_full")
    reference = secrets.token_hex(3)
    logger.error("reference %s", reference)
    return Failed("bug", {"reference": reference})


def _write_result(run: Run, last: RunEvent) -> None:
    """The end, for good: written whole, by rename, after everything else."""
    values: dict[str, object] = {"state": type(last).__name__.lower()}
    if isinstance(last, Failed):
        values |= {"code": last.code, "details": dict(last.details)}
    if isinstance(last, Finished | Stopped):
        values["step"] = last.step
    if isinstance(last, Finished) and not math.isnan(last.accuracy):
        values["accuracy"] = last.accuracy
    runs.write_whole(run.folder / "result.json", json.dumps(values, default=str))


if __name__ == "__main__":
    main()
