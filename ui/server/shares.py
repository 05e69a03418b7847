"""Count what each visitor takes of this host, so that nobody takes all of it.

A visitor is an address, which a whole class may share; the shares are large enough for
one. Who sits at this computer has none: nothing is refused to them.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from errors import KnownError
from ui.server.access import is_loopback, is_relayed

HOUR_S = 3600.0
ADDRESS = "genrescope.address"  # of a request, in its ASGI scope, as WRITER
WRITER = "genrescope.writer"
UNKNOWN = "unknown"
MOST_ADDRESSES = 10_000  # that are remembered
V6_NETWORK = 64  # bits that a household gets; the rest it chooses freely


@dataclass(frozen=True)
class Share:
    """What one address may take at a time.

    Attributes:
        n_requests: connections that are being answered.
        posts_per_s: questions and uploads in the long run, as the next two.
        gets_per_s: files, streams, everything else that is only asked for.
        pages_per_s: of these, whole pages, which take a tenth of a second each.
        n_posts: of these, in a moment, after a while without any, as the next two: a
            class opens the page at once.
        n_gets: as that.
        n_pages: as that.
        n_events: questions that wait or are worked on.
        n_slow: of these, kinds that take seconds.
        n_batches: of these, tables of many songs.
        n_sessions: pages that are remembered.
        bytes_per_hour: uploaded, or written to be played or downloaded.
        request_bytes: of all files that one request uploads.
    """

    n_requests: int = 400
    posts_per_s: float = 30.0
    gets_per_s: float = 60.0
    pages_per_s: float = 1.0
    n_posts: int = 600
    n_gets: int = 8_000
    n_pages: int = 100
    n_events: int = 300
    n_slow: int = 40
    n_batches: int = 4
    n_sessions: int = 100
    bytes_per_hour: int = 4_000_000_000
    request_bytes: int = 1_000_000_000


@dataclass(frozen=True)
class Shares:
    """What every address has taken.

    Attributes:
        share: of each.
        is_space: this is a Space, in front of which a relay adds the visitor's address.
        clock: seconds that never go back.
    """

    share: Share = Share()
    is_space: bool = False
    clock: Callable[[], float] = time.monotonic
    _requests: Counter[str] = field(default_factory=Counter)
    _posts: dict[str, tuple[float, float]] = field(default_factory=dict)
    _gets: dict[str, tuple[float, float]] = field(default_factory=dict)
    _pages: dict[str, tuple[float, float]] = field(default_factory=dict)
    _written: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)

    def address_of(self, scope: Scope) -> str | None:
        """Return whose share a request takes from; None for who sits here."""
        client = (scope.get("client") or ("",))[0]
        headers = Headers(scope=scope)
        if not self.is_space and is_loopback(client) and not is_relayed(headers):
            return None
        if self.is_space or is_loopback(client):
            client = forwarded_for(headers) or client
        return network_of(client)

    @contextmanager
    def request(self, address: str | None) -> Iterator[None]:
        """Count a request while it is being answered.

        Raises:
            KnownError: ``too_much_at_once``.
        """
        if address is None:
            yield
            return
        if self._requests[address] >= self.share.n_requests:
            raise KnownError("too_much_at_once")
        self._requests[address] += 1
        try:
            yield
        finally:
            self._requests[address] -= 1
            if not self._requests[address]:
                del self._requests[address]

    def post(self, address: str | None) -> None:
        """Count a question or an upload.

        Raises:
            KnownError: ``too_much_at_once``.
        """
        self._take(self._posts, address, self.share.posts_per_s, self.share.n_posts)

    def get(self, address: str | None) -> None:
        """Count what is only asked for; raises as ``post``."""
        self._take(self._gets, address, self.share.gets_per_s, self.share.n_gets)

    def page(self, address: str | None) -> None:
        """Count a whole page; raises as ``post``."""
        self._take(self._pages, address, self.share.pages_per_s, self.share.n_pages)

    def _take(
        self,
        left_of: dict[str, tuple[float, float]],
        address: str | None,
        per_s: float,
        most: int,
    ) -> None:
        """Take one of a supply that grows by ``per_s`` up to ``most``."""
        if address is None:
            return
        now = self.clock()
        left, at = left_of.pop(address, (most, now))
        left = min(left + (now - at) * per_s, most)
        left_of[address] = max(left - 1, 0.0), now
        _shorten(left_of)
        if left < 1:
            raise KnownError("too_much_at_once")

    def write(self, address: str | None, n_bytes: int) -> None:
        """Count bytes that are written to the disk for a visitor.

        Raises:
            KnownError: ``share_spent`` for more than an hour's share.
        """
        if address is None:
            return
        now = self.clock()
        written = self._written.setdefault(address, deque())
        while written and now - written[0][0] > HOUR_S:
            written.popleft()
        if n_bytes + sum(each for _, each in written) > self.share.bytes_per_hour:
            raise KnownError("share_spent", max_mb=self.share.bytes_per_hour / 1e6)
        written.append((now, n_bytes))
        _shorten(self._written)


@dataclass(frozen=True)
class Writer:
    """For whom this thread writes files; ``files.kept`` counts them."""

    shares: Shares
    address: str | None

    def write(self, n_bytes: int) -> None:
        """Count bytes; raises as ``Shares.write``."""
        self.shares.write(self.address, n_bytes)


# Of the thread that works for a visitor.
writer: ContextVar[Writer | None] = ContextVar("writer", default=None)


def forwarded_for(headers: Mapping[str, str]) -> str:
    """Return the address that the relay nearest to us saw; "" where none says so.

    Whoever asks can write addresses of their own in front of it.
    """
    named = [each.strip() for each in headers.get("x-forwarded-for", "").split(",")]
    public = [each for each in named if _is_public(each)]
    return (public or named)[-1] or headers.get("x-real-ip", "")


def network_of(address: str) -> str:
    """Return what one visitor has: an IPv4 address, a network of IPv6 addresses."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN
    if known.version == 4:
        return str(known)
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, V6_NETWORK), strict=False))


def _shorten(known: dict[str, Any]) -> None:
    """Forget the address that came first, where there are too many."""
    if len(known) > MOST_ADDRESSES:
        known.pop(next(iter(known)))


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False
