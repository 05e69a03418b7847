"""Real runs in real processes, whose training is a few lines instead of torch."""

from __future__ import annotations

import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

import settings
from support.waiting import wait_until
from trainer.config import RunConfig
from trainer.process import jobs
from trainer.run import runs

PLAY = """
import sys, types

def play():
    import os, signal, subprocess, time
    from pathlib import Path
    from trainer.run import checkpoints, runs
    from trainer.run.events import Evaluated, Noted, Stage, Step, StopRequested

    class Result:
        def __init__(self, step=0, was_stopped=False):
            self.step, self.was_stopped = step, was_stopped
            self.validation_accuracy, self.test_accuracy = 0.5, None
            self.masked = None

    def checkpoint(run_dir, step, n_bytes=1000):
        folder = run_dir / "checkpoints" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(bytes(n_bytes))
        checkpoints.seal(folder)

    def wait(should_stop=lambda: False):
        while not should_stop():
            time.sleep(0.02)

    def act(config, run_dir, emit, should_stop):
{part}
    return act

def train(config, run_dir, *, cache_dir, emit, should_stop, checkpoint=None):
    return play()(config, run_dir, emit, should_stop)

module = types.ModuleType("trainer.training.train")
module.train = train
sys.modules["trainer.training.train"] = module
"""
# Two steps, then whatever a person asks for.
UNTIL_STOPPED = """
emit(Step(1, 9, 2.0, 1e-3, 1.0, 4.0))
emit(Step(2, 9, 1.5, 1e-3, 1.0, 4.0))
checkpoint(run_dir, 2)
wait(should_stop)
return Result(2, was_stopped=True)
"""


def environment(folder, part):
    """A child's environment in which the trainer's ``train`` is ``part``."""
    folder.mkdir(parents=True, exist_ok=True)
    source = PLAY.replace("{part}", textwrap.indent(part, " " * 8))
    (folder / "new").write_text(source)
    # Whole at any moment: the child of an earlier start may be reading it.
    (folder / "new").rename(folder / "sitecustomize.py")
    return {**settings.child_environment(), "PYTHONPATH": str(folder)}


def start(tmp_path, part=UNTIL_STOPPED, runs_dir=None, **options):
    """Start a run that acts; its folder is in ``tmp_path/runs``."""
    return jobs.start(
        RunConfig(n_steps=9),
        runs_dir or tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        env=environment(tmp_path / f"part{abs(hash(part))}", part),
        **options,
    )


def wait_for_end(run):
    wait_until(lambda: run.state().is_ended, f"the end of {run.id}")
    return run.state()


def wait_for(run, kind, n=1):
    """Wait until a run has told ``n`` events of a kind."""

    def told():
        return [event for event in run.events()[0] if isinstance(event, kind)]

    wait_until(lambda: len(told()) >= n, f"{kind.__name__} of {run.id}")
    return told()


def trainer_pid(run):
    wait_until(run.started_file.exists, "the trainer")
    return runs.read_json(run.started_file)["pid"]


def supervisor_pid(run):
    return runs.read_json(run.folder / "process.json")["pid"]


def is_gone(pid):
    import psutil

    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MB; needs the right to mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, check=False).returncode:
        pytest.skip("no right to mount a disk here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def small_memory():
    """A control group of 100 MB; needs the right to make one."""
    group = Path("/sys/fs/cgroup/memory/genrescope-test")
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("100000000")
    except OSError:
        pytest.skip("no right to limit memory here")
    yield group
    wait_until(lambda: not (group / "cgroup.procs").read_text(), "an empty group")
    group.rmdir()
