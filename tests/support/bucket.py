"""A folder that takes files only as a whole, as a bucket that is mounted does."""

import errno
import fcntl
import io
import mmap
import os
from pathlib import Path


def mount(monkeypatch, folder, lacks):  # noqa: C901 - one small wrapper for each call
    """Let a folder's file system lack some of: append, replace, lock, map.

    Without ``append``, a file that is there can only be written anew from its start.
    """
    folder = str(folder)
    real_open, real_replace, real_flock = io.open, os.replace, fcntl.flock
    real_map = mmap.mmap

    def is_there(file):
        return str(os.fspath(file)).startswith(folder)

    def opened(file, mode="r", *given, **named):
        is_path = isinstance(file, str | os.PathLike)
        if "append" in lacks and is_path and is_there(file) and set(mode) & set("a+"):
            raise PermissionError(errno.EPERM, "no append", str(file))
        return real_open(file, mode, *given, **named)

    def replaced(source, target, **named):
        if "replace" in lacks and is_there(target):
            raise OSError(errno.EINVAL, "no rename", str(target))
        return real_replace(source, target, **named)

    def flocked(file, how):
        if "lock" in lacks and is_there(file.name):
            raise OSError(errno.ENOTSUP, "no locks")
        return real_flock(file, how)

    def mapped(descriptor, *given, **named):
        place = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if "map" in lacks and place.startswith(folder):
            raise OSError(errno.ENODEV, "no maps")
        return real_map(descriptor, *given, **named)

    monkeypatch.setattr(Path, "open", lambda self, *g, **n: opened(self, *g, **n))
    monkeypatch.setattr(io, "open", opened)
    monkeypatch.setattr("builtins.open", opened)
    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(fcntl, "flock", flocked)
    monkeypatch.setattr(mmap, "mmap", mapped)
