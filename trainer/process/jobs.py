"""Start, queue, stop, cancel and resume runs as child processes.

Every run is a child in a session of its own. It waits for its turn by itself, in the
order of the tickets, and holds the device's lock while it trains, even when the page is
closed or the server ends.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from errors import KnownError
from trainer.config import RunConfig
from trainer.run import checkpoints, locks, runs
from trainer.run.events import Step
from trainer.run.runs import Run

ROOT = Path(__file__).parents[2]
N_WAITING = 3  # runs in the queue, without the one that is training
STOP_GRACE_S = 120.0  # for the current step and saving; then the stop is forced
TERM_S = 10.0  # at most, between SIGTERM and SIGKILL


@dataclass(frozen=True)
class StopPromise:
    """How long a stop may take.

    Attributes:
        usually_s: the duration of the last step; None before two steps.
        at_most_s: then the run's processes are killed; the last checkpoint remains.
    """

    usually_s: float | None
    at_most_s: float


def start(
    config: RunConfig,
    runs_dir: Path,
    *,
    cache_dir: Path,
    env: Mapping[str, str],
    parent: Run | None = None,
    grace_s: float = STOP_GRACE_S,
) -> Run:
    """Queue a run and return at once; it starts when its turn comes.

    Args:
        config: the run's settings.
        runs_dir: where the run's folder is created.
        cache_dir: where decoded songs are cached.
        env: the child's whole environment.
        parent: the run to resume, from its newest complete checkpoint.
        grace_s: how long a stop may take before it is forced.

    Raises:
        KnownError: ``queue_full``, ``runs_not_writable`` or ``disk_full``; with a
            parent also ``run_is_at_work`` or ``nothing_to_resume``, without one
            ``unknown_run`` or ``run_without_model`` of its base model.
    """
    if parent is None:  # a run that is resumed has weights of its own
        runs.check_base(config, runs_dir)
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        with locks.held(runs_dir / ".queue"):  # or two at once could exceed its size
            run = _create(config, runs_dir, parent)
            process = _spawn(run, cache_dir, env, grace_s)
    except OSError as error:
        raise _not_writable(error, runs_dir) from error
    # A child that nobody waits for would stay a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return run


def resume(
    parent: Run,
    *,
    cache_dir: Path,
    env: Mapping[str, str],
    grace_s: float = STOP_GRACE_S,
) -> Run:
    """Start a new run that resumes another one, with the same config.

    Raises:
        KnownError: as ``start``.
    """
    where = parent.folder.parent
    return start(
        parent.config(),
        where,
        cache_dir=cache_dir,
        env=env,
        parent=parent,
        grace_s=grace_s,
    )


def stop(run: Run) -> StopPromise:
    """Request a run to stop: it finishes its batch, saves, and ends as ``stopped``.

    A waiting run leaves the queue. The run's own supervisor forces the stop after the
    grace period; where that is dead too, a second call does.

    Raises:
        KnownError: ``run_is_over`` where there is nothing to stop.
    """
    if run.state().is_ended:
        raise KnownError("run_is_over", id=run.id)
    at_most_s = stops_within_s(run)
    if run.stop_file.exists():
        if _age_s(run.stop_file) > at_most_s:
            _kill(run)
    else:
        run.stop_file.touch()
    steps = [event for event in run.events()[0] if isinstance(event, Step)][-2:]
    usually_s = abs(steps[1].at - steps[0].at) if len(steps) == 2 else None
    return StopPromise(usually_s, at_most_s)


def _age_s(path: Path) -> float:
    """Return how long ago a file was changed (s), by the clock that dated it.

    That of a file server may differ from ours by minutes.
    """
    with tempfile.TemporaryFile(dir=path.parent) as probe:
        probe.write(b"-")
        probe.flush()
        return os.fstat(probe.fileno()).st_mtime - path.stat().st_mtime


def stops_within_s(run: Run) -> float:
    """Return how long a stop of this run may take at most (s)."""
    values = runs.read_json(run.folder / "process.json") or {}
    return float(values.get("at_most_s", STOP_GRACE_S))


def cancel(run: Run) -> None:
    """Stop a run at once and delete its results; its log and events stay.

    Raises:
        KnownError: ``run_is_over``.
    """
    if run.state().is_ended:
        raise KnownError("run_is_over", id=run.id)
    run.cancel_file.touch()
    run.stop_file.touch()


def current(runs_dir: Path) -> Run | None:
    """Find the run that is training, if any."""
    alive = (run for run in runs.every(runs_dir) if not run.state().is_ended)
    return next((run for run in alive if run.started_file.exists()), None)


def waiting(runs_dir: Path) -> list[Run]:
    """List the queue, the next run first."""
    queue = [run for run in runs.every(runs_dir) if is_waiting(run)]
    return sorted(queue, key=ticket)


def is_waiting(run: Run) -> bool:
    """Return whether a run is alive and its turn has not come yet."""
    is_early = not run.started_file.exists()
    return is_early and locks.is_held(run.lock_file)


def ticket(run: Run) -> tuple[int, str]:
    """Return a run's sort key in the queue."""
    values = runs.read_json(run.folder / "ticket.json") or {}
    return int(values.get("ticket", 0)), run.id


def _create(config: RunConfig, runs_dir: Path, parent: Run | None) -> Run:
    """Create the new run's folder and ticket, while the queue is locked."""
    queue = waiting(runs_dir)
    if len(queue) + (current(runs_dir) is not None) > N_WAITING:
        raise KnownError("queue_full", n_waiting=N_WAITING)
    checkpoint = _resumable(parent, config) if parent else None
    run = runs.create(runs_dir, config)
    number = max((ticket(each)[0] for each in queue), default=0) + 1
    runs.write_whole(run.folder / "ticket.json", json.dumps({"ticket": number}))
    if parent and checkpoint:
        checkpoints.adopt(parent, run.folder, checkpoint)
        if (parent.folder / runs.SPLIT).is_file():  # the songs must be the same
            shutil.copyfile(parent.folder / runs.SPLIT, run.folder / runs.SPLIT)
        facts = {"id": parent.id, "step": checkpoints.step_of(checkpoint)}
        runs.write_whole(run.parent_file, json.dumps(facts))
    return run


def _resumable(parent: Run, config: RunConfig) -> Path:
    """Find the checkpoint to resume a parent from."""
    if not parent.state().is_ended:
        raise KnownError("run_is_at_work", id=parent.id)
    kind, _, place = config.data.partition(":")
    if kind in ("folder", "zip") and not Path(place).exists():
        raise KnownError("songs_moved", place=place)
    checkpoint = checkpoints.newest(parent.folder)
    if checkpoint is None or not checkpoints.has_more(checkpoint, config.n_steps):
        raise KnownError("nothing_to_resume", id=parent.id)
    return checkpoint


def _not_writable(error: OSError, runs_dir: Path) -> KnownError:
    if error.errno == errno.ENOSPC:
        return KnownError("disk_full")
    return KnownError("runs_not_writable", folder=runs_dir, reason=error.strerror)


def _spawn(
    run: Run, cache_dir: Path, env: Mapping[str, str], grace_s: float
) -> subprocess.Popen[bytes]:
    """Spawn the child: own session, inherited lock, no stdin, output to a file."""
    command = [sys.executable, "-u", "-m", "trainer.process.worker"]
    command += [str(run.folder.absolute()), str(cache_dir.absolute())]
    command += ["--grace-s", str(grace_s)]
    if "CUDA_VISIBLE_DEVICES" in env:  # an empty one hides every GPU
        command += [f"--devices={env['CUDA_VISIBLE_DEVICES']}"]
    with locks.held(run.lock_file) as lock, run.log_file.open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(lock,),
        )
    values = {"pid": process.pid, "at_most_s": grace_s + term_s(grace_s)}
    runs.write_whole(run.folder / "process.json", json.dumps(values))
    return process


def term_s(grace_s: float) -> float:
    """Return how long a trainer has to end after SIGTERM (s)."""
    return min(grace_s, TERM_S)


def _kill(run: Run) -> None:
    """Kill a run's processes where its supervisor did not.

    Safe against reused process ids: while the lock is held, the supervisor or the trainer
    is alive, and the kernel does not reuse the id of their session. A process is only
    killed if it is in that session.
    """
    supervisor, trainer = (
        (runs.read_json(run.folder / name) or {}).get("pid")
        for name in ("process.json", "started.json")
    )
    for pid in (supervisor, trainer):
        if not isinstance(pid, int) or not locks.is_held(run.lock_file):
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid > 1 and os.getsid(pid) == supervisor:
                os.killpg(pid, signal.SIGKILL)
