"""Errors for users: codes with details, never sentences."""

from __future__ import annotations

import errno
import functools
from typing import Any

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)  # error numbers of a full disk


class KnownError(Exception):
    """A problem that the visitor can understand and solve.

    It carries a code and the facts; ``i18n.sentence`` turns both into one sentence
    in the visitor's language, so that no module below the page holds prose.

    Args:
        code: a key of the section ``errors`` in every file of ``locales/``.
        **details: the values in the sentence.
    """

    def __init__(self, code: str, /, **details: object) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickling, for other processes."""
        return functools.partial(KnownError, self.code, **self.details), ()

    def __str__(self) -> str:
        return f"{self.code} {self.details}" if self.details else self.code
