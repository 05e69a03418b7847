"""A model's id on the Hugging Face Hub in, its checkpoint's folder on this disk out.

Only the three files of a checkpoint are fetched, at one exact revision: never a pickle,
never code. A missing or silent network is noticed within seconds.
"""

from __future__ import annotations

import queue
import threading
from pathlib import Path

from errors import KnownError

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
        return _downloaded(model_id, _revision(model_id))
    except KnownError as error:
        cached = _cached(model_id)
        if error.code == "hub_unreachable" and cached:
            return cached
        raise


def _revision(model_id: str) -> str:
    """The newest commit of a model.

    Asked in a thread of its own that may be left behind: no timeout of the client
    covers the look-up of an address, nor a server that sends a byte now and then.
    """
    answers: queue.SimpleQueue[str | KnownError] = queue.SimpleQueue()

    def ask() -> None:
        answers.put(_asked(model_id))

    threading.Thread(target=ask, name="ask-the-hub", daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE_S)
    except queue.Empty:
        answer = KnownError("hub_unreachable", id=model_id)
    if isinstance(answer, KnownError):
        raise answer
    return answer


def _asked(model_id: str) -> str | KnownError:
    from httpx2 import HTTPError
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(model_id, timeout=ANSWER_TIMEOUT_S)
    except (HTTPError, OSError, ValueError) as error:
        return _known(error, model_id)
    return info.sha or KnownError("hub_unreachable", id=model_id)


def _downloaded(model_id: str, revision: str) -> Path:
    """The folder of one revision; a file that is there already is not asked for.

    File by file rather than by ``snapshot_download``, which first lists the whole
    repository, and that request has no timeout.
    """
    from httpx2 import HTTPError
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError, XetDownloadError

    for name in CHECKPOINT_FILES:
        try:
            path = hf_hub_download(
                model_id, name, revision=revision, etag_timeout=ANSWER_TIMEOUT_S
            )
        except RemoteEntryNotFoundError as error:
            raise KnownError("hub_file_missing", id=model_id, file=name) from error
        except (HTTPError, XetDownloadError, OSError, ValueError) as error:
            raise _known(error, model_id) from error
    return Path(path).parent


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
