"""Run a training child: write events and ``result.json`` to one run folder.

Started by ``jobs`` as ``python -m trainer.process.worker RUN_DIR CACHE_DIR``. It is two
processes: a small supervisor, which waits for the run's turn, measures the device,
forces a stop that takes too long and finds out what killed the trainer; and the trainer
itself, a fresh interpreter, because a fork of a process with threads may hang, or, on
macOS, abort. They are the only writers of results, and need no page.

This is one of the two modules that may catch every exception, so that every run ends
with a recorded cause.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from errors import KnownError
from trainer.config import RunConfig
from trainer.data import staging
from trainer.process import supervisor
from trainer.run import checkpoints, events, failures, runs
from trainer.run.events import (
    Cancelled,
    Emit,
    Failed,
    Finished,
    RunEvent,
    ShouldStop,
    Stopped,
    StopRequested,
)
from trainer.run.runs import Run

BALLAST_BYTES = 65_536  # deleted on a full disk, so that the result can be written

logger = logging.getLogger(__name__)


def main() -> None:
    """Carry out the run of a folder; exit 0 once ``result.json`` is written."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("cache_dir", type=Path)
    parser.add_argument("--grace-s", type=float, required=True)
    parser.add_argument("--devices", help="CUDA_VISIBLE_DEVICES, if it is set")
    parser.add_argument("--trainer", action="store_true", help="be the trainer itself")
    options = parser.parse_args()
    run = Run(options.run_dir)
    if options.trainer:
        _run_trainer(run, options.cache_dir)

    def on_terminate(number: int, frame: FrameType | None) -> None:
        run.stop_file.touch()

    signal.signal(signal.SIGTERM, on_terminate)
    device_lock = supervisor.wait_for_turn(run)
    if device_lock is None:
        end(run, _stopped(run.folder), options.cache_dir)
        return
    n_killed = failures.n_killed_for_memory()
    trainer = _spawn_trainer(device_lock)
    status = supervisor.watch(run, trainer.pid, options.grace_s, options.devices)
    if runs.read_json(run.result_file) is None:
        is_forced = run.stop_file.exists()
        death = failures.from_exit_status(
            status, failures.n_killed_for_memory() - n_killed
        )
        end(run, _stopped(run.folder) if is_forced else death, options.cache_dir)


def _spawn_trainer(device_lock: int) -> subprocess.Popen[bytes]:
    """Start the trainer, with this process's own arguments, in a group of its own.

    It inherits the locks of the run and of the device, which it holds on if this process
    is killed; no other file can be inherited.
    """
    os.set_inheritable(device_lock, True)
    command = [sys.executable, "-u", "-m", "trainer.process.worker"]
    return subprocess.Popen(
        [*command, *sys.argv[1:], "--trainer"],
        stdin=subprocess.DEVNULL,
        close_fds=False,
        process_group=0,  # so that it can be killed with all that it starts
    )


def _run_trainer(run: Run, cache_dir: Path) -> NoReturn:
    """Train in this process, and exit."""

    def on_terminate(number: int, frame: FrameType | None) -> None:
        if run.stop_file.exists():  # the second request: stop without saving
            raise events.StopNow
        run.stop_file.touch()

    signal.signal(signal.SIGTERM, on_terminate)
    last = _work(run, cache_dir)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end(run, last, cache_dir)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a library's exit handler could hang with GPU memory


def _work(run: Run, cache_dir: Path) -> RunEvent:
    """Train and return the run's last event, whatever ends it."""
    try:
        runs.write_whole(run.started_file, json.dumps({"pid": os.getpid()}))
        (run.folder / "ballast").write_bytes(bytes(BALLAST_BYTES))
        with run.events_file.open("a", encoding="utf-8", buffering=1) as file:

            def emit(event: RunEvent) -> None:
                file.write(events.to_line(event) + "\n")

            return train_run(
                run.config(),
                run.folder,
                cache_dir,
                emit=emit,
                should_stop=lambda: supervisor.is_asked_to_stop(run),
            )
    except StopRequested:  # by a signal, outside of train()
        return _stopped(run.folder)
    except KnownError as error:
        return failures.from_known(error)
    except Exception as error:  # noqa: BLE001 - one of the two borders
        return failures.from_error(error)


def train_run(
    config: RunConfig,
    run_dir: Path,
    cache_dir: Path,
    *,
    emit: Emit,
    should_stop: ShouldStop,
) -> RunEvent:
    """Train with a config, from the run's newest checkpoint if it has one.

    Returns:
        The run's last event: finished, stopped, or failed with a known cause.
    """
    from trainer.training.train import train

    try:
        result = train(
            config,
            run_dir,
            cache_dir=cache_dir,
            emit=emit,
            should_stop=should_stop,
            checkpoint=checkpoints.newest(run_dir),
        )
    except StopRequested:
        return _stopped(run_dir)
    except KnownError as error:
        return failures.from_known(error)
    if result.was_stopped:
        return Stopped(result.step)
    if result.masked:
        masked = result.masked
        simple = masked.commonest, masked.as_before
        return Finished(result.step, None, None, masked.accuracy, *simple)
    return Finished(result.step, result.validation_accuracy, result.test_accuracy)


def _stopped(run_dir: Path) -> RunEvent:
    """Return the last event of a run that was stopped without another checkpoint."""
    return Stopped(checkpoints.saved_step(run_dir))


def end(run: Run, last: RunEvent, cache_dir: Path) -> RunEvent:
    """End a run: delete incomplete files and write ``result.json`` last.

    The results of a cancelled run are deleted, and the temporary folders of a killed
    trainer in the cache, but not the songs that later runs share.

    Returns:
        The run's last event, which is ``Cancelled`` for a cancelled run.
    """
    if run.cancel_file.exists():
        last = Cancelled()
        runs.remove_products(run)
        staging.sweep(cache_dir)
    checkpoints.sweep(run.folder)
    (run.folder / "ballast").unlink(missing_ok=True)
    supervisor.append_event(run, last)
    values = _result(last) | {"saved_step": checkpoints.saved_step(run.folder)}
    runs.write_whole(run.result_file, json.dumps(values, default=str))
    return last


def _result(last: RunEvent) -> dict[str, object]:
    """Convert the last event to the fields of ``result.json``."""
    values: dict[str, object] = {"state": type(last).__name__.lower()}
    if isinstance(last, Failed):
        values |= {"code": last.code, "details": dict(last.details)}
    if isinstance(last, Finished | Stopped):
        values["step"] = last.step
    if isinstance(last, Finished):
        scores = {
            "validation_accuracy": last.validation_accuracy,
            "test_accuracy": last.test_accuracy,
            "masked_accuracy": last.masked_accuracy,
            "commonest": last.commonest,
            "as_before": last.as_before,
            # Read by older versions of the page; of the test, where there was one.
            "accuracy": last.validation_accuracy
            if last.test_accuracy is None
            else last.test_accuracy,
        }
        values |= {name: score for name, score in scores.items() if score is not None}
    return values


if __name__ == "__main__":
    main()
