"""One run at a time: start, stop, and who is at work.

A run is a child process in a group of its own. It inherits the lock of the runs'
folder, which the kernel frees when the child ends, however it ends.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from errors import KnownError
from trainer import runs
from trainer.config import RunConfig
from trainer.runs import Run

ROOT = Path(__file__).parents[1]
LOCK_PATIENCE_S = 20.0  # an ended child takes 2 s to leave, more on a busy machine
LOCK_POLL_S = 0.05


def start(
    config: RunConfig, runs_dir: Path, *, cache_dir: Path, env: Mapping[str, str]
) -> Run:
    """Start a run in a child process and come back at once.

    Args:
        config: what to do.
        runs_dir: where the run's folder is made.
        cache_dir: where decoded songs are kept.
        env: the child's whole environment.

    Raises:
        KnownError: ``busy`` while another run is at work, with its id.
    """
    with _lock(runs_dir) as lock:
        run = runs.create(runs_dir, config)
        process = _spawn(run, cache_dir, env, lock)
        _remember(run, process)
    # Nobody else waits for the child, and an unwaited child stays a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return run


def stop(run: Run) -> None:
    """Ask a run to stop: it finishes its step, saves, and ends as ``stopped``.

    Raises:
        KnownError: ``run_is_over`` where there is nothing to stop.
    """
    if run.state().is_ended:
        raise KnownError("run_is_over", id=run.id)
    run.stop_file.touch()


def current(runs_dir: Path) -> Run | None:
    """The run at work, if there is one."""
    at_work = (run for run in runs.every(runs_dir)[:20] if not run.state().is_ended)
    return next(at_work, None)


@contextmanager
def _lock(runs_dir: Path) -> Iterator[int]:
    """The descriptor of the runs' lock, held while any process has it open."""
    runs_dir.mkdir(parents=True, exist_ok=True)
    with (runs_dir / ".lock").open("w") as file:
        # A killed child is seen dead a moment before the kernel closes its files.
        for _ in range(round(LOCK_PATIENCE_S / LOCK_POLL_S)):
            if _is_locked(file.fileno()):
                yield file.fileno()
                return
            run = current(runs_dir)
            if run:
                raise KnownError("busy", id=run.id)
            time.sleep(LOCK_POLL_S)
        raise KnownError("busy", id="?")


def _is_locked(descriptor: int) -> bool:
    """Try to take the lock without waiting."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _spawn(
    run: Run, cache_dir: Path, env: Mapping[str, str], lock: int
) -> subprocess.Popen[bytes]:
    """The child: no stdin, output to a file, its own group, the lock inherited."""
    command = [sys.executable, "-m", "trainer.worker", str(run.folder.absolute())]
    with run.log_file.open("ab") as log:
        return subprocess.Popen(
            [*command, str(cache_dir.absolute())],
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(lock,),
        )


def _remember(run: Run, process: subprocess.Popen[bytes]) -> None:
    """Write down which process the run is, so that any later reader can tell."""
    import psutil

    created_at = psutil.Process(process.pid).create_time()
    values = {"pid": process.pid, "created_at": created_at}
    runs.write_whole(run.folder / "process.json", json.dumps(values))
