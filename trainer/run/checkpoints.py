"""A run's checkpoints: which are whole, which to keep, and one to go on from.

A checkpoint counts once its list of files stands beside them, written last and by
rename, after the files themselves were forced to the disk. Whatever a power cut, a
SIGKILL or a full disk leaves behind has no list, or files of other sizes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from trainer.run.runs import Run, read_json, write_whole

NAME = re.compile(r"checkpoint-(\d+)")
LIST = "whole.json"
BASE = "base"  # in the folder of a resumed run: the model that its parent left
STATE = "trainer_state.json"  # the Trainer's own: steps, best step, best score


def seal(checkpoint: Path) -> None:
    """Declare a checkpoint whole: its files are on the disk, their sizes listed."""
    sizes = {}
    for path in sorted(checkpoint.iterdir()):
        if path.name != LIST:
            with path.open("rb") as file:
                os.fsync(file.fileno())
            sizes[path.name] = path.stat().st_size
    write_whole(checkpoint / LIST, json.dumps(sizes))


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint was sealed and every file still has its size."""
    sizes = read_json(checkpoint / LIST)
    if not sizes:
        return False
    files = {name: checkpoint / name for name in sizes}
    return all(f.is_file() and f.stat().st_size == sizes[n] for n, f in files.items())


def step_of(checkpoint: Path) -> int:
    """The number of steps that a checkpoint has behind it."""
    match = NAME.fullmatch(checkpoint.name)
    return int(match[1]) if match else -1


def every(run_dir: Path) -> list[Path]:
    """A run's checkpoints, half-written ones included, the newest first."""
    folder = run_dir / "checkpoints"
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((p for p in found if step_of(p) >= 0), key=step_of, reverse=True)


def newest(run_dir: Path) -> Path | None:
    """The newest whole checkpoint."""
    return next((path for path in every(run_dir) if is_whole(path)), None)


def saved_step(run_dir: Path) -> int:
    """The step of the newest whole checkpoint; 0 where there is none."""
    checkpoint = newest(run_dir)
    return step_of(checkpoint) if checkpoint else 0


def state_of(checkpoint: Path) -> dict[str, Any]:
    """What the Trainer knew when it saved."""
    return read_json(checkpoint / STATE) or {}


def has_more(checkpoint: Path | None, n_steps: int) -> bool:
    """Whether there are steps to go after a checkpoint.

    Args:
        checkpoint: a whole one, or None.
        n_steps: of the run's config, for a checkpoint that does not say itself.
    """
    if checkpoint is None:
        return False
    return step_of(checkpoint) < int(state_of(checkpoint).get("max_steps") or n_steps)


def keep_two(run_dir: Path, best_step: int | None) -> None:
    """Delete all but the newest whole checkpoint and the best."""
    whole = [path for path in every(run_dir) if is_whole(path)]
    for path in whole[1:]:
        if step_of(path) != best_step:
            shutil.rmtree(path, ignore_errors=True)


def sweep(run_dir: Path) -> None:
    """Delete what was left half-written."""
    for path in every(run_dir):
        if not is_whole(path):
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(run_dir / "model.part", ignore_errors=True)


def adopt(parent: Run, run_dir: Path, checkpoint: Path) -> None:
    """Give a new run what it goes on from: the checkpoint, and the best one so far.

    The parent's own model comes along as ``base``: it has the frozen layers too, which a
    checkpoint may lack, in case the base model has become another one since.

    The files are shared by hard links where the disk can, so that this costs nothing,
    and so that either run can be deleted without a loss to the other.
    """
    best_step = state_of(checkpoint).get("best_global_step")
    best = parent.folder / "checkpoints" / f"checkpoint-{best_step}"
    for path in {checkpoint, best}:
        if is_whole(path):
            target = run_dir / "checkpoints" / path.name
            shutil.copytree(path, target, copy_function=_link)
    if (parent.model_dir / "model.safetensors").is_file():
        shutil.copytree(parent.model_dir, run_dir / BASE, copy_function=_link)
    for name in ("scores.json", "confusion.json"):
        if best_step and (parent.folder / name).exists():
            shutil.copy2(parent.folder / name, run_dir)


def _link(source: str, target: str) -> None:
    """The same file under a second name, or a copy where the disk knows no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
