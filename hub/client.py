"""Download files from the Hugging Face Hub, and query it, with short timeouts.

Of a model only the files of a checkpoint are downloaded, at one exact revision:
never a pickle, never code. A missing or silent network is an error within seconds.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from errors import FULL_DISK, KnownError
from hub import conversion, resumable
from hub.resumable import OnBytes

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo

T = TypeVar("T")
OnProgress = Callable[[Any], None]
OnDownload = Callable[[int, int], None]  # bytes that are here, and all

WEIGHTS = "model.safetensors"
CHECKPOINT_FILES = ("config.json", "preprocessor_config.json", WEIGHTS)
FEATURES = "features.safetensors"  # of ``networks.novelty``; few models have it
MAX_FEATURES_BYTES = 16_000_000  # a larger one is none of ours
POINTER = b"version https://git-lfs"  # how one begins
MAX_POINTER_BYTES = 1024
SHARD_INDEX = f"{WEIGHTS}.index.json"  # of weights in several files
TOO_MANY = 429  # requests, of HTTP
ANSWER_TIMEOUT_S = 5.0  # for one answer of the Hub
COMMIT = re.compile("[0-9a-f]{40}")
PATIENCE_S = 8.0  # for a whole request, the look-up of the Hub's address included


def ignore(n_bytes: int, n_all: int) -> None:
    """Ignore the progress of a download."""


def is_whole(folder: Path) -> bool:
    """Return whether a folder holds every file of a checkpoint."""
    return all((folder / name).is_file() for name in CHECKPOINT_FILES)


def is_pointer(path: Path) -> bool:
    """Return whether a file is a pointer of Git LFS, as a clone without it leaves.

    Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    """
    if path.stat().st_size > MAX_POINTER_BYTES:
        return False
    return path.read_bytes().startswith(POINTER)


def fetch(
    model_id: str,
    *,
    revision: str = "",
    max_bytes: int | None = None,
    on_progress: OnDownload = ignore,
) -> Path:
    """Download one revision of a model, unless it is here; return its folder.

    Args:
        model_id: on the Hub, such as ``ntu-spml/distilhubert``.
        revision: a commit, which is not asked for again once it is here, or the name
            of a branch or tag; "" for the newest.
        max_bytes: a checkpoint that takes more is refused before it is downloaded.
        on_progress: is called with the bytes of the weights that are here, and all.

    Returns:
        A folder of the Hub client's cache, named by the commit. When the Hub cannot be
        reached, the copy of that revision that was downloaded last.

    Raises:
        KnownError: ``hub_unreachable``, ``hub_model_missing`` (gone or private),
            ``hub_model_gated``, ``hub_model_sharded``, ``hub_file_missing`` (a
            pickle-only model, for one), ``hub_file_damaged``, ``hub_busy`` or
            ``model_too_large``.
        OSError: this disk is full.
    """
    if COMMIT.fullmatch(revision) and (here := cached(model_id, revision)):
        return here
    try:
        asked = _info(model_id, revision)
        info = _converted(asked) or asked
        n_bytes = _checked_size(info, max_bytes)
        # The weights last: a folder that has them lacks nothing.
        names = [*_features(info), *CHECKPOINT_FILES]
        files = download(
            model_id,
            names,
            str(info.sha),
            on_progress=lambda n: on_progress(n, n_bytes),
        )
        if info is not asked:
            conversion.lead(str(asked.sha), files[0].parent)
        return files[0].parent
    except KnownError as error:
        is_mute = error.code in ("hub_unreachable", "hub_busy")
        if is_mute and (last := cached(model_id, revision)):
            return last
        raise


def _info(model_id: str, revision: str) -> ModelInfo:
    """Request the metadata of one revision: its commit, its files and their sizes."""
    info = ask(
        model_id,
        lambda api: api.model_info(
            model_id,
            revision=revision or None,
            timeout=ANSWER_TIMEOUT_S,
            files_metadata=True,
        ),
    )
    if not info.sha:
        raise KnownError("hub_unreachable", id=model_id)
    return info


def _converted(info: ModelInfo) -> ModelInfo | None:
    """Find the revision with safetensors of a model that holds only a pickle."""
    if not conversion.is_needed(file.rfilename for file in info.siblings or ()):
        return None
    commit = ask(info.id, lambda api: conversion.commit(api, info))
    return _info(info.id, commit) if commit else None


def is_here(
    repo_id: str, names: Sequence[str], revision: str, *, kind: str = "model"
) -> bool:
    """Return whether files of one exact revision were downloaded before."""
    from huggingface_hub import try_to_load_from_cache

    found = (
        try_to_load_from_cache(repo_id, name, revision=revision, repo_type=kind)
        for name in names
    )
    return all(isinstance(path, str) for path in found)


def _features(info: ModelInfo) -> list[str]:
    """Name the file of the model's own features, where one of a likely size is there."""
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    return [FEATURES] if 0 < sizes.get(FEATURES, 0) <= MAX_FEATURES_BYTES else []


def _checked_size(info: ModelInfo, max_bytes: int | None) -> int:
    """Sum the bytes of a checkpoint, check them, and return those of its weights.

    Raises:
        KnownError: ``hub_model_sharded`` or ``model_too_large``.
    """
    files = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    if SHARD_INDEX in files and WEIGHTS not in files:
        raise KnownError("hub_model_sharded", id=info.id)
    n_bytes = sum(files.get(name, 0) for name in CHECKPOINT_FILES)
    if max_bytes is not None and n_bytes > max_bytes:
        mb, max_mb = n_bytes / 1e6, max_bytes / 1e6
        raise KnownError("model_too_large", title=info.id, mb=mb, max_mb=max_mb)
    return files.get(WEIGHTS, 0)


def ask(repo_id: str, question: Callable[[HfApi], T]) -> T:
    """Query the Hub about a repository.

    Raises:
        KnownError: ``hub_unreachable`` within seconds, ``hub_busy``,
            ``hub_model_missing`` or ``hub_model_gated``.
    """
    from huggingface_hub import HfApi

    return patiently(
        lambda report: question(HfApi()),
        patience_s=PATIENCE_S,
        known=lambda error: _known(error, repo_id),
    )


def patiently(
    work: Callable[[OnProgress], T],
    *,
    patience_s: float,
    known: Callable[[BaseException | None], KnownError],
    on_progress: OnProgress = lambda news: None,
) -> T:
    """Run ``work`` with the Hub, unless it makes no progress for too long.

    It runs in a thread that may be left behind: no timeout of the client covers the
    look-up of an address, nor a server that sends a byte now and then.

    Args:
        work: gets a function to report progress; each report restarts the timeout.
        patience_s: timeout without progress.
        known: converts a foreign error to ours; gets None at the timeout. The foreign
            one is never chained to ours: it holds the request, and that holds a token.
        on_progress: is called with each report, in the caller's thread.

    Raises:
        KnownError: what ``work`` raises, or ``known`` makes of it.
    """
    messages: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def run() -> None:
        def report(news: Any) -> None:
            messages.put(("news", news))

        messages.put(_outcome(work, report, known))

    threading.Thread(target=run, name="hub", daemon=True).start()
    while True:
        try:
            kind, value = messages.get(timeout=patience_s)
        except queue.Empty:
            raise known(None) from None
        if kind == "done":
            return value
        if kind == "failed":
            raise value
        on_progress(value)


def _outcome(
    work: Callable[[OnProgress], T],
    report: OnProgress,
    known: Callable[[BaseException | None], KnownError],
) -> tuple[str, T | KnownError]:
    """Run work; return ``done`` with its result or ``failed`` with its error."""
    from httpx2 import HTTPError

    try:
        return "done", work(report)
    except KnownError as error:
        return "failed", error
    except RuntimeError as error:  # the client's, around what broke an upload
        return "failed", known(error.__cause__ or error)
    except (HTTPError, OSError, ValueError) as error:
        return "failed", known(error)


def download(
    repo_id: str,
    names: Sequence[str],
    revision: str,
    *,
    kind: str = "model",
    on_progress: OnBytes = lambda n_bytes: None,
) -> list[Path]:
    """Download files of one revision, except those that are here already.

    File by file rather than by ``snapshot_download``, which first lists the whole
    repository, and that request has no timeout. A large file is resumed where a killed
    process left it, and is compared with the Hub's checksum.

    Args:
        repo_id: of the repository.
        names: of its files.
        revision: a commit.
        kind: "model" or "dataset".
        on_progress: is called with the bytes of a large file that are here.

    Returns:
        Their paths in the Hub client's cache, in the order of ``names``.

    Raises:
        OSError: this disk is full.
        KnownError: ``hub_unreachable``, ``hub_busy``, ``hub_model_missing``,
            ``hub_model_gated``, ``hub_file_missing`` or ``hub_file_damaged``.
    """
    from httpx2 import HTTPError
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError, XetDownloadError

    paths = []
    for name in names:
        try:
            if not is_here(repo_id, [name], revision, kind=kind):
                resumable.fetch(
                    repo_id,
                    name,
                    revision,
                    kind,
                    on_progress,
                    answer_timeout_s=ANSWER_TIMEOUT_S,
                )
            path = hf_hub_download(
                repo_id,
                name,
                repo_type=kind,
                revision=revision,
                etag_timeout=ANSWER_TIMEOUT_S,
            )
            paths.append(Path(path))
        except RemoteEntryNotFoundError as error:
            raise KnownError("hub_file_missing", id=repo_id, file=name) from error
        except (HTTPError, XetDownloadError, OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in FULL_DISK:
                raise  # of this disk, not of the Hub
            raise _known(error, repo_id) from error
    return paths


def _known(error: BaseException | None, model_id: str) -> KnownError:
    """Convert one of the Hub client's many errors to ours."""
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError

    if isinstance(error, GatedRepoError):
        return KnownError("hub_model_gated", id=model_id)
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
    if status == TOO_MANY:
        return KnownError("hub_busy", id=model_id)
    is_refused = status in (401, 403, 404)
    is_missing = is_refused or isinstance(error, HFValidationError)
    code = "hub_model_missing" if is_missing else "hub_unreachable"
    return KnownError(code, id=model_id)


def cached(model_id: str, revision: str = "") -> Path | None:
    """Find the whole snapshot of a revision; without one, the last downloaded.

    Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
    """
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE, f"models--{model_id.replace('/', '--')}")
    named = folder / "refs" / revision
    commit = named.read_text("utf-8") if revision and named.is_file() else revision
    snapshots = (folder / "snapshots").glob(commit or "*")
    whole = [path for path in snapshots if is_whole(path)]
    return max(whole, key=lambda path: path.stat().st_mtime, default=None)
