"""Download a large file of the Hub so that a killed download can be resumed.

The Hub's client (2.4) begins each attempt anew, and leaves a killed one's bytes behind.
Here a file grows beside the place where the client keeps it, under a lock that dies
with its process, and moves there once it has the Hub's checksum.

Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from errors import KnownError

OnBytes = Callable[[int], None]  # bytes of a file that are here; may raise to stop

FORBIDDEN = 403  # of HTTP
LARGE_BYTES = 20_000_000  # a file that is worth resuming
TURN_S = 0.2  # between two looks whether another process has finished the same file


def fetch(
    repo_id: str,
    name: str,
    revision: str,
    kind: str,
    on_progress: OnBytes,
    *,
    answer_timeout_s: float,
) -> None:
    """Put a large file where the Hub's client looks for it; smaller ones are its own.

    Args:
        repo_id: of the repository.
        name: of the file.
        revision: a commit.
        kind: "model" or "dataset".
        on_progress: is called with the bytes that are here.
        answer_timeout_s: for the file's metadata.

    Raises:
        KnownError: ``hub_file_damaged`` where its checksum is not the Hub's; it has
            been deleted then.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.file_download import repo_folder_name

    url = hf_hub_url(repo_id, name, repo_type=kind, revision=revision)
    about = get_hf_file_metadata(url, timeout=answer_timeout_s)
    checksum, n_bytes = about.etag or "", about.size or 0
    if n_bytes < LARGE_BYTES or not re.fullmatch("[0-9a-f]{64}", checksum):
        return
    folder = repo_folder_name(repo_id=repo_id, repo_type=kind)
    whole = Path(constants.HF_HUB_CACHE, folder, "blobs", checksum)
    with _turn(whole, on_progress) as file:
        if file is None:
            return
        if file.tell() > n_bytes:
            file.truncate(0)
        bar = partial(_Bar, on_progress)
        try:
            _get(url, about.location, file, n_bytes, bar)
        except HfHubHTTPError as error:
            # An address of the file server is signed for an hour, which a slow network
            # may take longer than. The Hub signs another one, for what is left.
            if error.response.status_code != FORBIDDEN:
                raise
            anew = get_hf_file_metadata(url, timeout=answer_timeout_s)
            _get(url, anew.location, file, n_bytes, bar)
        file.flush()
        if not _put(Path(file.name), whole, checksum):
            raise KnownError("hub_file_damaged", id=repo_id, file=name)


def _get(
    url: str, location: str, file: BinaryIO, n_bytes: int, bar: Callable[..., _Bar]
) -> None:
    """Append to a file what it lacks of ``n_bytes``."""
    from huggingface_hub.file_download import http_get

    file.seek(0, os.SEEK_END)
    http_get(
        location,
        file,
        resume_size=file.tell(),
        headers=_headers(url, location),
        expected_size=n_bytes,
        tqdm_class=bar,  # type: ignore[arg-type]
    )


def _headers(url: str, location: str) -> dict[str, str]:
    """Build the client's headers; only the Hub gets the token, no file server."""
    from huggingface_hub.utils._headers import build_hf_headers

    headers = build_hf_headers()
    if urlsplit(location).netloc != urlsplit(url).netloc:
        headers.pop("authorization", None)
    return headers


def _put(part: Path, whole: Path, checksum: str) -> bool:
    """Rename a finished file; delete it where the checksum is another."""
    with part.open("rb") as file:
        is_right = hashlib.file_digest(file, "sha256").hexdigest() == checksum
    if is_right:
        part.rename(whole)
    else:
        part.unlink()
    return is_right


@contextmanager
def _turn(whole: Path, on_progress: OnBytes) -> Iterator[BinaryIO | None]:
    """Open the partial file under its lock; yield None once the file is finished."""
    whole.parent.mkdir(parents=True, exist_ok=True)
    part = whole.with_name(f"{whole.name}.part")
    while not whole.exists():
        with part.open("ab") as file:
            n_bytes = os.fstat(file.fileno()).st_size
            if not _is_ours(file):
                on_progress(n_bytes)
                time.sleep(TURN_S)
            elif _is_still(part, file):
                yield file
                return
    yield None


def _is_ours(file: BinaryIO) -> bool:
    """Take the file's lock, unless another process holds it.

    As ``trainer.run.locks`` does, which this module must not import.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(part: Path, file: BinaryIO) -> bool:
    """Return whether an open file is still the one of that name: it may have moved."""
    try:
        return os.path.samestat(part.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


class _Bar:
    """A progress bar for the Hub's client, which only calls ``on_progress``."""

    def __init__(self, on_progress: OnBytes, initial: int = 0, **_: object) -> None:
        self._on_progress, self._n_bytes = on_progress, initial

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: nothing was drawn."""

    def update(self, n_bytes: int) -> None:
        """Add bytes that arrived; negative where the server begins anew."""
        self._n_bytes += n_bytes
        self._on_progress(self._n_bytes)
