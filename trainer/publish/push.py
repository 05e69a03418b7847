"""Push a finished run's model to the Hugging Face Hub.

Only the weights, ``features.safetensors`` or a pretrained model's head, and the files of
``_texts`` are uploaded: configs, scores and the model card. No pickle, no song's name, no path.

The token is read at the last moment and passed to each call of huggingface_hub. It is
stored nowhere, and errors of the client, some of which quote it, are not passed on.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from errors import KnownError
from hub import account, client
from hub.account import TokenOf
from trainer.publish import card
from trainer.run.events import Emit, Stage
from trainer.run.runs import Run

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MIB = 1_048_576  # bytes
WEIGHTS = "model.safetensors"
MADE_BY_THE_HUB = {".gitattributes"}  # in every new repository


def push(
    run: Run,
    repo_id: str,
    *,
    token_of: TokenOf,
    emit: Emit,
    private: bool = True,
) -> str:
    """Push a finished run's model to the Hub; it can be repeated after any failure.

    A repository that does not exist is created. An existing one is overwritten, in one
    commit, if it is empty or was pushed by this app.

    Args:
        run: a finished run.
        repo_id: ``OWNER/NAME``.
        token_of: returns the user's Hub token, or None without a login.
        emit: called with a Stage ``ask``, then ``upload`` in bytes.
        private: create a private repository, and refuse a public one.

    Returns:
        The repository's address.

    Raises:
        KnownError: ``push_not_finished``, ``push_bad_name``, ``push_no_login``,
            ``push_bad_token``, ``push_forbidden``, ``push_name_taken``,
            ``push_is_public``, ``push_refused``, ``push_offline`` or ``push_lost``.
    """
    account.check(repo_id)
    if run.state().name != "finished" or not client.is_whole(run.model_dir):
        raise KnownError("push_not_finished", id=run.id)
    token = account.checked_token(token_of)
    return client.patiently(
        _Push(run, repo_id, _texts(run, repo_id), private, token),
        patience_s=account.PATIENCE_S,
        known=lambda error: account.known(error, repo_id),
        on_progress=emit,
    )


@dataclass(frozen=True)
class _Push:
    """One push, callable with a progress callback."""

    run: Run
    repo_id: str
    texts: Mapping[str, str]
    private: bool
    token: str = field(repr=False)

    def __call__(self, tell: client.OnProgress) -> str:
        """Create or check the repository, upload, and return its address."""
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.utils import logging

        # The client warns about a file object, which it uploads in the older way; it is
        # needed to count the bytes.
        logging.set_verbosity_error()
        tell(Stage("ask"))
        api = HfApi(token=self.token)
        api.whoami()  # elsewhere a bad token gives the error of a missing repository
        self._claim(api)
        with _ProgressReader(self.run.model_dir / WEIGHTS) as weights:
            operations = [
                CommitOperationAdd(name, text.encode())
                for name, text in self.texts.items()
            ]
            beside = (self.run.features_file, self.run.head_file)
            operations += [
                CommitOperationAdd(path.name, path.read_bytes())
                for path in beside
                if path.is_file()
            ]
            operations.append(CommitOperationAdd(WEIGHTS, weights))
            weights.report_to(tell)
            message = f"Genrescope run {self.run.id}"
            api.create_commit(self.repo_id, operations, commit_message=message)
        return f"{api.endpoint}/{self.repo_id}"

    def _claim(self, api: HfApi) -> None:
        """Create the repository, or check that it may be overwritten."""
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
    """Render every file to upload, except the weights, by its name."""
    configs = ("config.json", "preprocessor_config.json")
    settings = {name: (run.model_dir / name).read_text("utf-8") for name in configs}
    if not run.config().needs_genres:
        return {"README.md": card.text(run, repo_id), **settings}
    scores = dataclasses.replace(
        card.scores_of(run), mistakes=()
    )  # they include songs' names
    confusion = {
        "genres": [each.genre for each in scores.genres],
        "counts": scores.counts,
    }
    return {
        "README.md": card.text(run, repo_id),
        "confusion.json": json.dumps(confusion, ensure_ascii=False),
        "results.json": scores.to_json(),
        **settings,
    }


class _ProgressReader(io.BufferedReader):
    """A file that reports the bytes sent, at each MiB and at its end."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._total_bytes = path.stat().st_size
        self._reported_bytes = 0
        self._on_progress: client.OnProgress | None = None

    def report_to(self, on_progress: client.OnProgress) -> None:
        """Report from now on: the reads before are for the file's hash."""
        self._on_progress = on_progress

    def read(self, size: int | None = -1, /) -> bytes:
        """Read and report; after a lost connection the file is read again."""
        data = super().read(size)
        done_bytes = self.tell()
        n_new = abs(done_bytes - self._reported_bytes)
        is_end = done_bytes == self._total_bytes and n_new > 0
        if self._on_progress and (is_end or n_new >= MIB):
            self._reported_bytes = done_bytes
            self._on_progress(Stage("upload", done_bytes, self._total_bytes))
        return data
