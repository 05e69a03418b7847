"""Find the safetensors conversion of a model whose repository holds only a pickle.

Some old models of the Hub (HuBERT base and wav2vec2 base are two) have their weights in
``pytorch_model.bin``, which runs code where it is opened. The Hub's converter offers the
same numbers as safetensors in a pull request, and transformers takes them from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo

PICKLE = "pytorch_model.bin"
CONVERTER = "SFconvertbot"
TITLE = "Adding `safetensors` variant of this model"


def is_needed(names: Iterable[str]) -> bool:
    """Return whether a repository with files of these names holds only a pickle."""
    listed = set(names)
    return PICKLE in listed and not any(".safetensors" in name for name in listed)


def commit(api: HfApi, info: ModelInfo) -> str:
    """Find the commit that adds safetensors to that of ``info``; "" for none.

    Its author must be the converter and its parent that very commit, so that no other
    weights are taken for the model's.
    """
    from huggingface_hub.errors import HfHubHTTPError

    try:
        for offer in api.get_repo_discussions(
            info.id, author=CONVERTER, discussion_type="pull_request"
        ):
            if (offer.author, offer.title) == (CONVERTER, TITLE):
                branch = offer.git_reference
                newest = api.list_repo_commits(info.id, revision=branch)[:2]
                if [each.commit_id for each in newest[1:]] == [info.sha]:
                    return newest[0].commit_id
    except HfHubHTTPError:  # pull requests can be shut
        return ""
    return ""


def lead(commit: str, folder: Path) -> None:
    """Resolve a commit to the conversion that was downloaded in its place.

    ``folder`` is that of the conversion in the Hub client's cache, which resolves names
    by ``refs``.
    """
    refs = folder.parents[1] / "refs"
    refs.mkdir(exist_ok=True)
    (refs / commit).write_text(folder.name, "utf-8")
