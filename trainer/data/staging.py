"""Write to a temporary folder beside the final one, and remove abandoned ones.

A killed process leaves such a folder behind. Each is locked by the process that writes
it, and the kernel frees the lock however the process ends: an unlocked one is abandoned.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.run import locks

PREFIX = ".staging_folder-"
LOCK = ".lock"


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """Create a temporary folder in ``parent``, and remove it at the end.

    Move the finished content elsewhere before. Abandoned folders are removed first.
    """
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    folder, lock = _new(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(parent: Path) -> None:
    """Remove abandoned temporary folders."""
    for folder in parent.glob(f"{PREFIX}*/"):
        lock = _lock(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _new(parent: Path) -> tuple[Path, int]:
    """Create and lock a folder; retry where a sweep removed it before the lock."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX))
        lock = _lock(folder)
        if lock is not None:
            return folder, lock


def _lock(folder: Path) -> int | None:
    """Lock a folder and return a descriptor; None where it is locked, or gone.

    By a file in it, because NFS locks nothing that is not open for writing.
    """
    try:
        descriptor = locks.take(folder / LOCK, wait=False)
    except FileNotFoundError:
        return None
    if descriptor is None or folder.exists():
        return descriptor
    os.close(descriptor)
    return None
