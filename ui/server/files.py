"""Keep files that visitors play or download in Gradio's cache; delete them in time."""

from __future__ import annotations

import secrets
import time
from pathlib import Path


def kept(data: bytes, name: str, cache_dir: str) -> str:
    """Write a file for Gradio to serve, and return its path.

    Everyone with the path can read it, so each gets a folder of its own, whose name
    nobody can guess; Gradio's own follows from the content.

    Args:
        data: of the file.
        name: what the visitor's computer will call it; only its last part counts.
        cache_dir: of the component that gets it.
    """
    folder = Path(cache_dir) / secrets.token_hex(16)
    folder.mkdir(parents=True)
    path = folder.resolve() / Path(name).name
    path.write_bytes(data)
    return str(path)


def sweep(folder: Path, age_s: float) -> None:
    """Delete the files below a folder that have not changed for so long (s).

    Gradio deletes only what this process has taken in whole: an upload that broke off,
    and all that a killed server had, would stay for ever.
    """
    for path in folder.rglob("*"):
        try:
            if path.is_file() and time.time() - path.lstat().st_ctime > age_s:
                path.unlink()
        except FileNotFoundError:  # Gradio was quicker
            continue
