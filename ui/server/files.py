"""Keep files that visitors play or download in Gradio's cache; delete them in time."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import time
from pathlib import Path

from errors import KnownError
from ui.server.shares import writer

RESERVE_BYTES = 1_000_000_000  # of free disk that stays for runs
SALT = secrets.token_bytes(32)  # of this process: nobody else can compute a name


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


def write(path: Path, data: bytes) -> None:
    """Write a file, at the expense of the visitor for whom this thread works.

    Raises:
        KnownError: ``share_spent``, or ``no_room``.
    """
    if paid_by := writer.get():
        paid_by.write(len(data))
        check_room(path, len(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


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
    and all that a killed server had, would stay for ever. Where the rest is too much,
    the least recently used go.
    """
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
