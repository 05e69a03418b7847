"""Supervise the trainer of a run: queue, device, log size, and a forced stop.

It imports little, because each run in the queue is such a process. It needs no page to
be open.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections.abc import Iterator

from trainer.process import device, jobs
from trainer.run import events, locks
from trainer.run.events import RunEvent, StopNow
from trainer.run.runs import Run

POLL_S = 0.2
DEVICE_EVERY_S = 5.0
EXIT_PATIENCE_S = 20.0  # for a trainer to exit once its result is written
LOG_LIMIT_BYTES = 2_000_000
LOG_KEPT_BYTES = 500_000  # the end of a longer log


def is_asked_to_stop(run: Run) -> bool:
    """Return whether the run is to save and end.

    Raises:
        StopNow: where it was cancelled, and is to end without saving.
    """
    if run.cancel_file.exists():
        raise StopNow
    return run.stop_file.exists()


def wait_for_turn(run: Run) -> int | None:
    """Wait for all runs with lower tickets; return the device's lock, None if stopped.

    It polls, because a waiting run can be stopped, and because the kernel wakes the
    waiters of a lock in no order.
    """
    place = jobs.ticket(run)
    runs_dir = run.folder.parent
    while not run.stop_file.exists():
        if all(jobs.ticket(other) >= place for other in jobs.waiting(runs_dir)):
            lock = locks.take(runs_dir / ".lock", wait=False)
            if lock is not None:
                return lock
        time.sleep(POLL_S)
    return None


def watch(run: Run, pid: int, grace_s: float, devices: str | None) -> int:
    """Watch the trainer until it exits; return its status as of ``os.waitpid``.

    A stop that takes longer than ``grace_s`` is forced: SIGTERM, then SIGKILL to the
    trainer's whole group. The device is measured as soon as the trainer has noted
    which one it is.

    Args:
        run: the trainer's.
        pid: of the trainer.
        grace_s: how long a stop may take before it is forced.
        devices: ``CUDA_VISIBLE_DEVICES`` of the trainer; None where that is not set.
    """
    signals = _signals(run, grace_s)
    measured_at_s = -DEVICE_EVERY_S
    gauge = device.Gauge(pid, devices)
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        to_send = next(signals)
        if ended or to_send:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                # To the group, which includes what the trainer started.
                os.killpg(pid, signal.SIGKILL if ended else to_send)
        if ended:
            return status
        cap_log(run)
        now = time.monotonic()
        is_due = now - measured_at_s >= DEVICE_EVERY_S and gauge.is_ready(run)
        if is_due and not _has_result(run):
            measured_at_s = now
            for event in gauge.measure():
                append_event(run, event)
        time.sleep(POLL_S)


def _signals(run: Run, grace_s: float) -> Iterator[int]:
    """Yield the signal to send now; 0 for none."""
    asked_at_s = ended_at_s = math.inf
    was_terminated = False
    while True:
        now = time.monotonic()
        if run.stop_file.exists():
            asked_at_s = min(asked_at_s, now)
        if _has_result(run):
            ended_at_s = min(ended_at_s, now)
        waited_s = now - asked_at_s
        too_late = waited_s > grace_s + jobs.term_s(grace_s)
        if too_late or now - ended_at_s > EXIT_PATIENCE_S:
            yield signal.SIGKILL
        elif waited_s > grace_s and not was_terminated and ended_at_s == math.inf:
            was_terminated = True
            yield signal.SIGTERM
        else:
            yield 0


def _has_result(run: Run) -> bool:
    return run.result_file.exists()


def append_event(run: Run, event: RunEvent) -> None:
    """Append one event's line in one write; on a full disk it is lost."""
    line = (events.to_line(event) + "\n").encode()
    with contextlib.suppress(OSError), run.events_file.open("ab+", 0) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        is_torn = file.read(1) not in (b"", b"\n")
        file.write(b"\n" + line if is_torn else line)


def cap_log(run: Run) -> None:
    """Truncate a log that has grown too large to its end.

    The trainer appends to the file and is not disturbed; lines that it writes in this
    moment may be lost.
    """
    if not run.log_file.exists() or run.log_file.stat().st_size < LOG_LIMIT_BYTES:
        return
    with contextlib.suppress(OSError), run.log_file.open("rb+") as file:
        file.seek(-LOG_KEPT_BYTES, os.SEEK_END)
        end = file.read()
        file.truncate(0)
        file.seek(0)
        file.write(b"(the beginning was deleted)\n" + end.partition(b"\n")[2])
