"""Locks that the kernel frees when their holder ends, however it ends.

Whether a run is alive is whether its lock is held: no process id to be used again, no
clock to go backwards, no restart of the machine can make a dead run look alive.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def take(path: Path, *, wait: bool = True) -> int | None:
    """The descriptor of a lock that is ours now; ``None`` where another holds it.

    The lock is held until every copy of the descriptor is closed, those of child
    processes included.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not lock(descriptor, wait=wait):
        os.close(descriptor)
        return None
    return descriptor


def lock(descriptor: int, *, wait: bool) -> bool:
    """Lock an open file or folder for us alone; False where another holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Wait for a lock and hold it; yields its descriptor, for a child to inherit."""
    descriptor = take(path)
    if descriptor is None:
        raise BlockingIOError(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether any process holds the lock; does not make the file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared, so that any number of pages may look at once.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
