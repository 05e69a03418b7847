"""Ask the Hub whether somebody who has signed in may write to this Space."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from cache import Cache
from errors import KnownError
from hub import client

ROLE_KEPT_S = 300.0
N_ROLES_KEPT = 1000
WRITING_ROLES = ("admin", "write")  # a contributor writes to what is their own only


@dataclass(frozen=True)
class Account:
    """The owner of a Hub token.

    Attributes:
        name: of the user.
        writes_for: the organisations whose repositories they may write to.
    """

    name: str
    writes_for: frozenset[str] = frozenset()


def hub_account(token: str) -> Account:
    """Ask the Hub now whom a token belongs to.

    Raises:
        KnownError: ``hub_unreachable``, also where the Hub does not know the token.
    """
    from huggingface_hub import HfApi

    answer = client.patiently(
        lambda report: HfApi().whoami(token=token),
        patience_s=client.PATIENCE_S,
        known=lambda error: KnownError("hub_unreachable", id="whoami"),
    )
    orgs = [org for org in answer.get("orgs") or () if org.get("name")]
    writes = {org["name"] for org in orgs if org.get("roleInOrg") in WRITING_ROLES}
    return Account(answer.get("name", ""), frozenset(writes))


class Members:
    """Decide who may change a Space: its owner, or who may write for its organisation.

    The Hub's answer, and its silence, count for five minutes. Tokens are not kept: an
    answer is found again by the token's hash.

    Args:
        owner: of the Space.
        account: asks the Hub whom a token belongs to.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        owner: str,
        account: Callable[[str], Account] = hub_account,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._owner = owner
        self._account = account
        self._answers: Cache[bytes, bool] = Cache(
            N_ROLES_KEPT, max_age_s=ROLE_KEPT_S, clock=clock
        )

    def may_write(self, token: str) -> bool:
        """Check whether the token's owner may write to this Space."""
        key = hashlib.sha256(token.encode()).digest()
        return self._answers.compute(key, lambda: self._ask(token))

    def _ask(self, token: str) -> bool:
        try:
            account = self._account(token)
        except KnownError:
            return False
        return bool(self._owner) and self._owner in {account.name, *account.writes_for}
