"""Lock files with flock; the kernel frees a lock however its holder ends.

A run is alive while its lock is held: no reused process id, no clock that is set back and
no restart of the machine can make a dead run look alive.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import KnownError

# What file systems without locks answer: NFS without lockd, Drive, FUSE, shares of VMs.
NO_LOCKS = (
    errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL,
    errno.EBADF,
)  # fmt: skip


def take(path: Path, *, wait: bool = True) -> int | None:
    """Take a lock and return its descriptor; ``None`` where another process has it.

    The lock is held until every copy of the descriptor is closed, those of child
    processes included.

    Raises:
        KnownError: ``cannot_lock``, with the folder, where the file system has no locks.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    is_ours = False
    try:
        is_ours = lock(descriptor, wait=wait)
    except OSError as error:
        if error.errno in NO_LOCKS:
            raise KnownError("cannot_lock", folder=path.parent) from error
        raise
    finally:
        if not is_ours:
            os.close(descriptor)
    return descriptor if is_ours else None


def lock(descriptor: int, *, wait: bool) -> bool:
    """Lock an open file or folder exclusively; False where another process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Hold a lock, waiting for it; yields its descriptor, for a child to inherit.

    Raises:
        KnownError: ``cannot_lock``, as ``take``.
        BlockingIOError: where the file system has locks, but does not wait for them.
    """
    descriptor = take(path)
    if descriptor is None:
        raise BlockingIOError(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Return whether any process holds the lock, without creating the file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared, so that several pages can check at the same time.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks here: then nobody could start a run either
        return False
    finally:
        os.close(descriptor)
    return False
