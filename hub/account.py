"""A login of the Hub: its token, a repository's name, and what the Hub refuses.

The token is read at the last moment and passed to each call of huggingface_hub. It is
stored nowhere, and errors of the client, some of which quote it, are not passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from errors import KnownError

# Longer than the client's own retries (1 + 2 + 4 + 8 + 8 s); the client itself has no
# timeout for a server that does not answer.
PATIENCE_S = 60.0
TOKEN = re.compile(r"[!-~]+")  # valid in a header
TokenOf = Callable[[], str | None]


def host_token() -> str | None:
    """Return this machine's token: of ``hf auth login``, or the variable HF_TOKEN."""
    from huggingface_hub import get_token

    return get_token()


def check(repo_id: str) -> None:
    """Check the name of a repository, which must include its owner.

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


def checked_token(token_of: TokenOf) -> str:
    """Return the token if it is valid in a header.

    Raises:
        KnownError: ``push_no_login``, or ``push_bad_token``; the client's own error
            would quote the token in a log.
    """
    token = token_of()
    if not token:
        raise KnownError("push_no_login")
    if not TOKEN.fullmatch(token):
        raise KnownError("push_bad_token")
    return token


def known(error: BaseException | None, repo_id: str) -> KnownError:
    """Map an error of huggingface_hub to a KnownError; None is a timeout."""
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
