"""What watches over the trainer: its turn, its device, its log, and a forced stop.

Light, because a run that waits in the queue is nothing but this. It knows of no page,
and no page has to be open for it to do its work.
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
EXIT_PATIENCE_S = 20.0  # for a trainer whose result stands to be gone
LOG_LIMIT_BYTES = 2_000_000
LOG_KEPT_BYTES = 500_000  # of a longer log, the end


def is_asked_to_stop(run: Run) -> bool:
    """Whether the run shall save and end.

    Raises:
        StopNow: it shall end without saving, for it was cancelled.
    """
    if run.cancel_file.exists():
        raise StopNow
    return run.stop_file.exists()


def wait_for_turn(run: Run) -> int | None:
    """The device's lock once every run with a lower ticket has gone; None: stopped.

    Asked again and again rather than blocked on, because a waiting run can be
    stopped, and because the kernel wakes those who wait for a lock in no order.
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


def watch(run: Run, pid: int, grace_s: float, devices: str) -> int:
    """Look after the trainer until it is gone; its exit status as ``waitpid`` has it.

    A stop that takes longer than ``grace_s`` is forced: SIGTERM, then SIGKILL to the
    trainer's whole group.
    """
    orders = _orders(run, grace_s)
    looked_at = -DEVICE_EVERY_S
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        order = next(orders)
        if ended or order:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                # To the group: whatever the trainer started goes with it.
                os.killpg(pid, signal.SIGKILL if ended else order)
        if ended:
            return status
        cap_log(run)
        now = time.monotonic()
        if now - looked_at >= DEVICE_EVERY_S and not _has_result(run):
            looked_at = now
            figures = device.figures(pid, devices)
            if figures:
                tell(run, figures)
        time.sleep(POLL_S)


def _orders(run: Run, grace_s: float) -> Iterator[int]:
    """Which signal to send now; 0 for none."""
    asked_at = ended_at = math.inf
    was_told = False
    while True:
        now = time.monotonic()
        if run.stop_file.exists():
            asked_at = min(asked_at, now)
        if _has_result(run):
            ended_at = min(ended_at, now)
        too_late = now - asked_at > grace_s + jobs.term_s(grace_s)
        if too_late or now - ended_at > EXIT_PATIENCE_S:
            yield signal.SIGKILL
        elif now - asked_at > grace_s and not was_told and ended_at == math.inf:
            was_told = True
            yield signal.SIGTERM
        else:
            yield 0


def _has_result(run: Run) -> bool:
    return (run.folder / "result.json").exists()


def tell(run: Run, event: RunEvent) -> None:
    """Add one event's line in one write; what a full disk refuses is left out."""
    line = (events.to_line(event) + "\n").encode()
    with contextlib.suppress(OSError), run.events_file.open("ab+", 0) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        is_torn = file.read(1) not in (b"", b"\n")
        file.write(b"\n" + line if is_torn else line)


def cap_log(run: Run) -> None:
    """Keep only the end of a log that has grown too large.

    The trainer writes at the end of the file, wherever that is, so that it does not
    notice; lines that it writes during this moment may be lost.
    """
    if not run.log_file.exists() or run.log_file.stat().st_size < LOG_LIMIT_BYTES:
        return
    with contextlib.suppress(OSError), run.log_file.open("rb+") as file:
        file.seek(-LOG_KEPT_BYTES, os.SEEK_END)
        end = file.read()
        file.truncate(0)
        file.seek(0)
        file.write(b"(the beginning was left out)\n" + end.partition(b"\n")[2])
