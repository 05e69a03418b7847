"""A finished run in, a model repository on the Hugging Face Hub out.

Only the files that ``_texts`` names and the weights leave this machine: configs,
scores and the model card. Never a pickle, never a song's name, never a path.

The token is asked for at the last moment and handed to the Hub's client call by call.
It is kept nowhere, and foreign errors, some of which quote it, go no further than here.
"""

from __future__ import annotations

import dataclasses
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from errors import KnownError
from hub import client
from trainer.publish import card
from trainer.run.events import Emit, Stage
from trainer.run.runs import Run

if TYPE_CHECKING:
    from huggingface_hub import HfApi

# Longer than the client's own retries (1 + 2 + 4 + 8 + 8 s); the client itself would
# wait for ever for a server that is silent.
PATIENCE_S = 60.0
MIB = 1_048_576  # bytes
WEIGHTS = "model.safetensors"
MADE_BY_THE_HUB = {".gitattributes"}  # it stands in every new repository
TOKEN = re.compile(r"[!-~]+")  # what a header can carry
TokenOf = Callable[[], str | None]


def host_token() -> str | None:
    """The login of this machine: ``hf auth login``, or the variable HF_TOKEN."""
    from huggingface_hub import get_token

    return get_token()


def check(repo_id: str) -> None:
    """Refuse a name that no repository can have, or that lacks its owner.

    Raises:
        KnownError: ``push_bad_name``.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repo_id)
    except HFValidationError:
        raise KnownError("push_bad_name", id=repo_id) from None
    if "/" not in repo_id:
        raise KnownError("push_bad_name", id=repo_id)


def push(
    run: Run,
    repo_id: str,
    *,
    token_of: TokenOf,
    emit: Emit,
    private: bool = True,
) -> str:
    """Bring a finished run's model to the Hub; repeat it after any failure.

    A repository that does not exist is created. One that exists is written to when it
    is empty or was filled by us, in one commit, so that it is never half of two runs.

    Args:
        run: a finished one.
        repo_id: ``OWNER/NAME``.
        token_of: the Hub token of whoever pushes, or None without a login.
        emit: gets a Stage ``ask``, then ``upload`` in bytes.
        private: nobody but the owner sees it; a public repository is then refused.

    Returns:
        The repository's address.

    Raises:
        KnownError: ``push_not_finished``, ``push_bad_name``, ``push_no_login``,
            ``push_bad_token``, ``push_forbidden``, ``push_name_taken``,
            ``push_is_public``, ``push_refused``, ``push_offline`` or ``push_lost``.
    """
    check(repo_id)
    if run.state().name != "finished" or not client.is_whole(run.model_dir):
        raise KnownError("push_not_finished", id=run.id)
    token = checked_token(token_of)
    return client.patiently(
        _Push(run, repo_id, _texts(run, repo_id), private, token),
        patience_s=PATIENCE_S,
        known=lambda error: known(error, repo_id),
        on_progress=emit,
    )


def checked_token(token_of: TokenOf) -> str:
    """A token that can be sent.

    Raises:
        KnownError: ``push_no_login``, or ``push_bad_token`` for what no header can
            carry: the client's own refusal would quote it in a log.
    """
    token = token_of()
    if not token:
        raise KnownError("push_no_login")
    if not TOKEN.fullmatch(token):
        raise KnownError("push_bad_token")
    return token


@dataclass(frozen=True)
class _Push:
    """The work of one push."""

    run: Run
    repo_id: str
    texts: Mapping[str, str]
    private: bool
    token: str = field(repr=False)

    def __call__(self, tell: client.OnProgress) -> str:
        """Claim the repository and fill it; its address."""
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.utils import logging

        # The client warns that it sends a file that it reads piece by piece the older
        # way; that is meant, because only so can the pieces be counted.
        logging.set_verbosity_error()
        tell(Stage("ask"))
        api = HfApi(token=self.token)
        api.whoami()  # a bad token looks like a missing repository elsewhere
        self._claim(api)
        with _Counted(self.run.model_dir / WEIGHTS) as weights:
            operations = [
                CommitOperationAdd(name, text.encode())
                for name, text in self.texts.items()
            ]
            operations.append(CommitOperationAdd(WEIGHTS, weights))
            weights.tell_to(tell)
            message = f"Genrescope run {self.run.id}"
            api.create_commit(self.repo_id, operations, commit_message=message)
        return f"{api.endpoint}/{self.repo_id}"

    def _claim(self, api: HfApi) -> None:
        """Make the repository, or make sure that it may be written to."""
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            info = api.model_info(self.repo_id)
        except RepositoryNotFoundError:
            api.create_repo(self.repo_id, private=self.private)
            return
        files = {file.rfilename for file in info.siblings or ()} - MADE_BY_THE_HUB
        if files and card.MARK not in (info.tags or ()):
            raise KnownError("push_name_taken", id=self.repo_id)
        if self.private and not info.private:
            raise KnownError("push_is_public", id=self.repo_id)


def _texts(run: Run, repo_id: str) -> dict[str, str]:
    """Every file that leaves this machine, but for the weights, by its name."""
    scores = dataclasses.replace(card.scores_of(run), mistakes=())  # they name songs
    confusion = {
        "genres": [each.genre for each in scores.genres],
        "counts": scores.counts,
    }
    configs = ("config.json", "preprocessor_config.json")
    return {
        "README.md": card.text(run, repo_id),
        "confusion.json": json.dumps(confusion, ensure_ascii=False),
        "results.json": scores.to_json(),
        **{name: (run.model_dir / name).read_text("utf-8") for name in configs},
    }


class _Counted(io.BufferedReader):
    """A file that tells how much of it has been sent, at each MiB and at its end."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._total_bytes = path.stat().st_size
        self._told_bytes = 0
        self._tell: client.OnProgress | None = None

    def tell_to(self, tell: client.OnProgress) -> None:
        """From now on: what was read before was for the file's hash."""
        self._tell = tell

    def read(self, size: int | None = -1, /) -> bytes:
        """As any file; after a lost connection it is read, and told, once more."""
        data = super().read(size)
        done_bytes = self.tell()
        n_new = abs(done_bytes - self._told_bytes)
        is_end = done_bytes == self._total_bytes and n_new > 0
        if self._tell and (is_end or n_new >= MIB):
            self._told_bytes = done_bytes
            self._tell(Stage("upload", done_bytes, self._total_bytes))
        return data


def known(error: BaseException | None, repo_id: str) -> KnownError:
    """Our code for one of the Hub client's many errors; for None, for silence."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return KnownError("push_offline")
    if not isinstance(error, HfHubHTTPError):
        return KnownError("push_lost", id=repo_id)
    status = error.response.status_code
    if status == 401:
        return KnownError("push_bad_token")
    if status in (402, 403, 404):
        return KnownError("push_forbidden", id=repo_id)
    if status == 409:
        return KnownError("push_name_taken", id=repo_id)
    if 400 <= status < 500 and status not in (408, 429):
        return KnownError("push_refused", id=repo_id, status=status)
    return KnownError("push_lost", id=repo_id)
