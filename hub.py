"""An id on the Hugging Face Hub in, files on this disk out.

It stands below the rooms, because trainer and classifier both need it. Of a model only
the three files of a checkpoint are fetched, at one exact revision: never a pickle,
never code. A missing or silent network is noticed within seconds.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from errors import KnownError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

T = TypeVar("T")

CHECKPOINT_FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
ANSWER_TIMEOUT_S = 5.0  # for the Hub to answer one question
PATIENCE_S = 8.0  # for the whole question, the look-up of the Hub's address included


def is_whole(folder: Path) -> bool:
    """Whether a folder holds every file of a checkpoint."""
    return all((folder / name).is_file() for name in CHECKPOINT_FILES)


def fetch(model_id: str) -> Path:
    """The folder with the newest revision of a model, downloaded where needed.

    Returns:
        A folder of the Hub client's cache, named by the revision. When the Hub cannot
        be reached, the copy that was downloaded last.

    Raises:
        KnownError: ``hub_unreachable``, ``hub_model_missing`` (gone, private or
            gated) or ``hub_file_missing`` (a pickle-only model, for one).
    """
    try:
        info = ask(
            model_id, lambda api: api.model_info(model_id, timeout=ANSWER_TIMEOUT_S)
        )
        if not info.sha:
            raise KnownError("hub_unreachable", id=model_id)
        return download(model_id, CHECKPOINT_FILES, info.sha)[0].parent
    except KnownError as error:
        cached = _cached(model_id)
        if error.code == "hub_unreachable" and cached:
            return cached
        raise


def ask(repo_id: str, question: Callable[[HfApi], T]) -> T:
    """The Hub's answer to one question about a repository.

    Asked in a thread of its own that may be left behind: no timeout of the client
    covers the look-up of an address, nor a server that sends a byte now and then.

    Raises:
        KnownError: ``hub_unreachable`` within seconds, or ``hub_model_missing``.
    """
    answers: queue.SimpleQueue[T | KnownError] = queue.SimpleQueue()

    def work() -> None:
        answers.put(_asked(repo_id, question))

    threading.Thread(target=work, name="ask-the-hub", daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE_S)
    except queue.Empty:
        answer = KnownError("hub_unreachable", id=repo_id)
    if isinstance(answer, KnownError):
        raise answer
    return answer


def _asked(repo_id: str, question: Callable[[HfApi], T]) -> T | KnownError:
    from httpx2 import HTTPError
    from huggingface_hub import HfApi

    try:
        return question(HfApi())
    except (HTTPError, OSError, ValueError) as error:
        return _known(error, repo_id)


def download(
    repo_id: str, names: Sequence[str], revision: str, *, kind: str = "model"
) -> list[Path]:
    """Files of one revision; a file that is there already is not asked for.

    File by file rather than by ``snapshot_download``, which first lists the whole
    repository, and that request has no timeout.

    Raises:
        KnownError: ``hub_unreachable``, ``hub_model_missing`` or ``hub_file_missing``.
    """
    from httpx2 import HTTPError
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError, XetDownloadError

    paths = []
    for name in names:
        try:
            path = hf_hub_download(
                repo_id,
                name,
                repo_type=kind,
                revision=revision,
                etag_timeout=ANSWER_TIMEOUT_S,
            )
        except RemoteEntryNotFoundError as error:
            raise KnownError("hub_file_missing", id=repo_id, file=name) from error
        except (HTTPError, XetDownloadError, OSError, ValueError) as error:
            raise _known(error, repo_id) from error
        paths.append(Path(path))
    return paths


def _known(error: Exception, model_id: str) -> KnownError:
    """Our code for one of the Hub client's many errors."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    is_refused = isinstance(error, HfHubHTTPError) and (
        error.response.status_code in (401, 403, 404)
    )
    is_missing = is_refused or isinstance(error, HFValidationError)
    code = "hub_model_missing" if is_missing else "hub_unreachable"
    return KnownError(code, id=model_id)


def _cached(model_id: str) -> Path | None:
    """The whole snapshot that was downloaded last, if there is one.

    Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
    """
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE, f"models--{model_id.replace('/', '--')}")
    whole = [path for path in (folder / "snapshots").glob("*") if is_whole(path)]
    return max(whole, key=lambda path: path.stat().st_mtime, default=None)
