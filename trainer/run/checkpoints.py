"""Seal, find and delete a run's checkpoints, and copy one to a run that resumes.

A checkpoint is complete once the list of its files exists, which is written last and by
rename, after an fsync of the files. Whatever a power cut, a SIGKILL or a full disk leaves
behind has no list, or files of other sizes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from trainer.run.runs import SONGS, Run, read_json, write_whole

NAME = re.compile(r"checkpoint-(\d+)")
LIST = "whole.json"
BASE = "base"  # in the folder of a resumed run: the model of its parent
STATE = "trainer_state.json"  # the Trainer's own: steps, best step, best score


def seal(checkpoint: Path) -> None:
    """Mark a checkpoint as complete: fsync its files and list their sizes."""
    sizes = {}
    for path in sorted(checkpoint.iterdir()):
        if path.name != LIST:
            with path.open("rb") as file:
                os.fsync(file.fileno())
            sizes[path.name] = path.stat().st_size
    write_whole(checkpoint / LIST, json.dumps(sizes))


def is_complete(checkpoint: Path) -> bool:
    """Return whether a checkpoint was sealed and every file still has its size."""
    sizes = read_json(checkpoint / LIST)
    if not sizes:
        return False
    files = {name: checkpoint / name for name in sizes}
    return all(f.is_file() and f.stat().st_size == sizes[n] for n, f in files.items())


def step_of(checkpoint: Path) -> int:
    """Parse the step from a checkpoint's name; -1 where it has none."""
    match = NAME.fullmatch(checkpoint.name)
    return int(match[1]) if match else -1


def every(run_dir: Path) -> list[Path]:
    """List a run's checkpoints, incomplete ones included, the newest first."""
    folder = run_dir / "checkpoints"
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((p for p in found if step_of(p) >= 0), key=step_of, reverse=True)


def newest(run_dir: Path) -> Path | None:
    """Find the newest complete checkpoint."""
    return next((path for path in every(run_dir) if is_complete(path)), None)


def saved_step(run_dir: Path) -> int:
    """Return the step of the newest complete checkpoint; 0 where there is none."""
    checkpoint = newest(run_dir)
    return step_of(checkpoint) if checkpoint else 0


def state_of(checkpoint: Path) -> dict[str, Any]:
    """Read the TrainerState of a checkpoint; empty where there is none."""
    return read_json(checkpoint / STATE) or {}


def has_more(checkpoint: Path | None, n_steps: int) -> bool:
    """Return whether a run has steps left after a checkpoint.

    Args:
        checkpoint: a complete one, or None.
        n_steps: of the run's config, for a checkpoint without its own number.
    """
    if checkpoint is None:
        return False
    return step_of(checkpoint) < int(state_of(checkpoint).get("max_steps") or n_steps)


def keep_two(run_dir: Path, best_step: int | None) -> None:
    """Delete all complete checkpoints but the newest and the best."""
    complete = [path for path in every(run_dir) if is_complete(path)]
    for path in complete[1:]:
        if step_of(path) != best_step:
            shutil.rmtree(path, ignore_errors=True)


def sweep(run_dir: Path) -> None:
    """Delete incomplete checkpoints and models."""
    for path in every(run_dir):
        if not is_complete(path):
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(run_dir / "model.part", ignore_errors=True)


def adopt(parent: Run, run_dir: Path, checkpoint: Path) -> None:
    """Copy the checkpoint to resume from, and the best one so far, to a new run.

    The files are hard links where the disk supports them, which takes no space; either
    run can be deleted without a loss to the other. The parent's model is copied as
    ``base``: it has the frozen layers too, which a checkpoint may lack.
    """
    best_step = state_of(checkpoint).get("best_global_step")
    best = parent.folder / "checkpoints" / f"checkpoint-{best_step}"
    for path in {checkpoint, best}:
        if is_complete(path):
            target = run_dir / "checkpoints" / path.name
            shutil.copytree(path, target, copy_function=_link)
    if (parent.folder / SONGS).exists():  # which songs it learned from
        shutil.copy2(parent.folder / SONGS, run_dir)
    if (parent.model_dir / "model.safetensors").is_file():
        shutil.copytree(parent.model_dir, run_dir / BASE, copy_function=_link)
    for name in ("scores.json", "confusion.json"):
        if best_step and (parent.folder / name).exists():
            shutil.copy2(parent.folder / name, run_dir)


def _link(source: str, target: str) -> None:
    """Hard-link a file, or copy it where the disk does not support links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
