"""A folder that is being built beside its final place, and swept once its builder died.

A kill leaves a half-built folder behind. Each is locked by the process that builds it,
and the kernel frees that lock however the process ends: what is not locked is rubbish.
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


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """A new folder in ``parent``, which is made where needed; it goes at the end.

    Whoever has finished moves what is in it elsewhere. Folders whose builders died are
    removed first.
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
    """Remove the half-built folders that no living process works on."""
    for folder in parent.glob(f"{PREFIX}*/"):
        lock = _take(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _new(parent: Path) -> tuple[Path, int]:
    """A folder and its lock; another one where a sweep came between making and taking."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX))
        lock = _take(folder)
        if lock is not None:
            return folder, lock


def _take(folder: Path) -> int | None:
    """The descriptor of a folder that is ours alone now; None if another's, or gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if locks.lock(descriptor, wait=False) and folder.exists():
        return descriptor
    os.close(descriptor)
    return None
