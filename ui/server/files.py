"""Keep files that visitors play or download in Gradio's cache; delete them in time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from gradio.utils import get_upload_folder

from errors import KnownError
from ui.server.shares import writer

RESERVE_BYTES = 1_000_000_000  # of free disk that stays for runs
SALT = secrets.token_bytes(32)  # of this process: nobody else can compute a name
BROKEN_S = 30.0  # since the last piece of an upload that is not complete
SCRATCH = "scratch-"  # how a folder for one use is called
BEGINS_S = 5.0  # until it is locked
# What ``safe_name`` replaces: what Gradio drops, and what an address would misread.
ODD = '<>:"\\|?*`$!{}#%'
TO_TWIN = 0xFEE0  # from a character of ASCII to its full-width twin
MARK = "\u2060"  # a word joiner
TWINS = {ord(each): chr(ord(each) + TO_TWIN) + MARK for each in ODD}
TWIN = re.compile(f"([\uff01-\uff5e]){MARK}")


def safe_name(name: str) -> str:
    """Write a file's name so that it passes through Gradio, addresses and any disk.

    What those would drop or misread becomes its full-width twin, and an invisible mark
    behind it, by which ``name_of`` knows it from one of the person's own.
    """
    return name.translate(TWINS)


def download_name(name: str) -> str:
    """Write a name for a file that leaves: a browser replaces the mark by "_"."""
    return safe_name(name).replace(MARK, "")


def name_of(path: str | Path) -> str:
    """Return what the person calls the file that was uploaded to a path."""
    return TWIN.sub(lambda found: chr(ord(found[1]) - TO_TWIN), Path(path).name)


def kept(data: bytes, name: str, cache_dir: str) -> str:
    """Write a file for Gradio to serve, and return its path.

    Everyone with the path can read it, so each gets a folder of its own, whose name
    nobody can guess; Gradio's own follows from the content.

    Args:
        data: of the file.
        name: what the visitor's computer will call it; only its last part counts.
        cache_dir: of the component that gets it.

    Raises:
        KnownError: ``share_spent``, or ``no_room``.
    """
    path = place(secrets.token_hex(16), name, cache_dir)
    write(path, data)
    return str(path)


def place(key: str, name: str, cache_dir: str) -> Path:
    """Return the path of a file that is made once for each key."""
    folder = hashlib.sha256(SALT + key.encode("utf-8", "surrogateescape")).hexdigest()
    return (Path(cache_dir) / folder[:32]).resolve() / Path(name).name


def write(path: Path, *pieces: bytes | memoryview) -> None:
    """Write a file, at the expense of the visitor for whom this thread works.

    Large pieces are not put together first: all other threads would wait for that.

    Raises:
        KnownError: ``share_spent``, or ``no_room``.
    """
    if paid_by := writer.get():
        n_bytes = sum(memoryview(piece).nbytes for piece in pieces)
        paid_by.write(n_bytes)
        check_room(path, n_bytes)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for one use; where this process is killed, a sweep deletes it.

    Raises:
        KnownError: ``no_room`` where none can be made.
    """
    try:
        uploads = Path(get_upload_folder())
        uploads.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=SCRATCH, dir=uploads))
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise KnownError("no_room") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # it ends with the process
        yield folder
    finally:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def check_room(path: Path, n_bytes: int) -> None:
    """Refuse to write what would not leave the reserve.

    Raises:
        KnownError: ``no_room``.
    """
    folder = next(each for each in path.parents if each.exists())
    if shutil.disk_usage(folder).free < RESERVE_BYTES + n_bytes:
        raise KnownError("no_room")


def sweep(folder: Path, age_s: float, max_bytes: float = float("inf")) -> None:
    """Delete the files below a folder that have not changed for so long (s).

    Gradio deletes only what this process has taken in whole: an upload that broke off,
    and all that a killed server had, would stay for ever. What is of no use to anybody
    goes at once. Where the rest is too much, the least recently used go.
    """
    _sweep_broken(folder)
    left: list[tuple[float, int, Path]] = []
    for path in folder.rglob("*"):
        try:
            facts = path.lstat()
            if not path.is_file():
                continue
            if time.time() - facts.st_ctime > age_s:
                path.unlink()
            else:
                used_at = max(facts.st_atime, facts.st_mtime)
                left.append((used_at, facts.st_size, path))
        except FileNotFoundError:  # Gradio was quicker
            continue
    n_bytes = sum(size for _, size, _ in left)
    for _, size, path in sorted(left):
        if n_bytes <= max_bytes:
            break
        path.unlink(missing_ok=True)
        n_bytes -= size


def _sweep_broken(folder: Path) -> None:
    """Delete uploads that broke off, and folders of processes that are gone.

    An upload has a folder of its own once it is complete; until then it is written
    to, or touched.
    """
    for path in folder.glob("*"):
        with suppress(OSError):
            age_s = time.time() - path.lstat().st_mtime
            if path.is_file() and age_s > BROKEN_S:
                path.unlink()
            elif path.name.startswith(SCRATCH) and age_s > BEGINS_S:
                _remove_unlocked(path)


def _remove_unlocked(folder: Path) -> None:
    """Delete a folder that no process has locked.

    Raises:
        BlockingIOError: one has.
    """
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
