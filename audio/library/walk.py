"""List the songs of a folder, among whatever other files."""

from __future__ import annotations

import collections
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from audio.library.kinds import is_hidden, is_song, kind, shown


@dataclass(frozen=True)
class Tree:
    """What a folder holds.

    Attributes:
        files: (name, path) of each wanted file; the name is relative to the folder and
            has slashes. In the order of the names.
        passed: number of the other files, by ``kinds.kind``.
        closed: names of the folders below that could not be entered, for display.
    """

    files: tuple[tuple[str, Path], ...] = ()
    passed: Mapping[str, int] = field(default_factory=dict)
    closed: tuple[str, ...] = ()


def walk(folder: Path, is_wanted: Callable[[str], bool] = is_song) -> Tree:
    """List the wanted files below a folder.

    A folder that links lead to is read once. A folder that may not be entered, or whose
    path is too long for the system, is named and does not end the others.

    Args:
        folder: to list.
        is_wanted: whether a file is, by its name relative to the folder.
    """
    found: list[tuple[str, Path]] = []
    passed: collections.Counter[str] = collections.Counter()
    closed: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = [("", folder)]
    while waiting:
        place, path = waiting.pop()
        try:
            entries = sorted(_entries(path, seen), key=lambda each: each.name)
        except OSError:
            closed.append(shown(place or str(folder)))
            continue
        for entry in entries:
            name = f"{place}/{entry.name}" if place else entry.name
            if _is(entry.is_dir):
                if not is_hidden(entry.name):
                    waiting.append((name, Path(entry.path)))
            elif is_wanted(name) and _is(entry.is_file):
                found.append((name, Path(entry.path)))
            elif is_wanted(name):  # a pipe, a device, a link that leads nowhere
                passed["no_file"] += 1
            else:
                passed[kind(name)] += 1
    found.sort(key=lambda each: each[0].split("/"))
    return Tree(tuple(found), dict(passed), tuple(sorted(closed)))


def _entries(folder: Path, seen: set[tuple[int, int]]) -> Iterator[os.DirEntry[str]]:
    """Read a folder's entries; none where it was read before.

    Raises:
        OSError: it cannot be read, or its files cannot be reached.
    """
    facts = folder.stat()
    place = (facts.st_dev, facts.st_ino)
    if place in seen:
        return
    seen.add(place)
    if not os.access(folder, os.X_OK):  # its names can be read, but not its files
        raise PermissionError(stat.filemode(facts.st_mode))
    with os.scandir(folder) as entries:
        yield from entries


def _is(question: Callable[[], bool]) -> bool:
    """Ask an entry what it is; what vanished or cannot be asked is nothing."""
    try:
        return question()
    except OSError:
        return False
