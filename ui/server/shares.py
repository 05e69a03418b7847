"""Count what each visitor takes of this host, so that nobody takes all of it.

A visitor is an address, which a whole class may share; the shares are large enough for
one. Who sits at this computer has none: nothing is refused to them.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter, OrderedDict, deque
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
# While another address has asked within so long, each has its turns at an even pace.
BESIDE_S = 10.0
REFUSAL_S, LONGEST_REFUSAL_S = 0.05, 5.0  # so much longer waits each refusal
FORGIVEN_S = 60.0  # after the last one
WRITTEN_STEP_S = 1.0  # in which bytes are counted together


@dataclass(frozen=True)
class Pace:
    """How fast one address is served while others ask too.

    Attributes:
        per_s: in the long run.
        n_at_once: so many come before it counts.
    """

    per_s: float
    n_at_once: float = 0


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
        sound_s: seconds of sound that are decoded or analysed, after a while without
            any: a class names four songs each, or one batch is very long.
        sound_s_per_s: so fast it grows back.
        post_pace: of questions and uploads, while others ask too, as the next two; a
            page that is opened asks none.
        get_pace: of everything else; a page that is opened for the first time asks for
            a hundred files.
        byte_pace: of bytes that are uploaded.
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
    sound_s: float = 100_000.0
    sound_s_per_s: float = 100.0
    post_pace: Pace = Pace(30.0, 60)
    get_pace: Pace = Pace(200.0, 1000)
    byte_pace: Pace = Pace(15e6)


@dataclass
class Refusals:
    """How often an address was refused, and when last (s)."""

    n: int
    at_s: float


@dataclass
class Written:
    """What an address has written within an hour.

    Attributes:
        pieces: when (s), and how many bytes, the oldest first.
        n_bytes: of all of them.
    """

    pieces: deque[tuple[float, int]] = field(default_factory=deque)
    n_bytes: int = 0

    def forget_before(self, at_s: float) -> None:
        """Drop what is older."""
        while self.pieces and self.pieces[0][0] < at_s:
            self.n_bytes -= self.pieces.popleft()[1]

    def add(self, at_s: float, n_bytes: int) -> None:
        """Count bytes; those of one moment as one piece."""
        if self.pieces and at_s - self.pieces[-1][0] < WRITTEN_STEP_S:
            began_s, before = self.pieces.pop()
            self.pieces.append((began_s, before + n_bytes))
        else:
            self.pieces.append((at_s, n_bytes))
        self.n_bytes += n_bytes


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
    _sounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    _written: dict[str, Written] = field(default_factory=dict)
    _asked: OrderedDict[str | None, float] = field(default_factory=OrderedDict)
    _due: dict[tuple[str, str], float] = field(default_factory=dict)
    _refused: dict[str, Refusals] = field(default_factory=dict)

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
        written = self._written.setdefault(address, Written())
        written.forget_before(now - HOUR_S)
        if n_bytes + written.n_bytes > self.share.bytes_per_hour:
            raise KnownError("share_spent", max_mb=self.share.bytes_per_hour / 1e6)
        written.add(now, n_bytes)
        _shorten(self._written)

    def sound(self, address: str | None, duration_s: float) -> None:
        """Count sound that is decoded or analysed.

        What came last may be more than was left: how long a sound is may be known only
        once it is decoded.

        Raises:
            KnownError: ``too_much_sound`` where nothing is left.
        """
        if address is None:
            return
        share, now = self.share, self.clock()
        left_s, at = self._sounds.get(address, (share.sound_s, now))
        left_s = min(left_s + (now - at) * share.sound_s_per_s, share.sound_s)
        if left_s <= 0:
            raise KnownError("too_much_sound", hours=share.sound_s / HOUR_S)
        self._sounds[address] = left_s - duration_s, now
        _shorten(self._sounds)

    def ask(self, address: str | None) -> None:
        """Note that an address asks: others have their turns beside it."""
        self._asked[address] = self.clock()
        self._asked.move_to_end(address)
        if len(self._asked) > MOST_ADDRESSES:
            self._asked.popitem(last=False)

    def turn_s(self, address: str | None, kind: str, pace: Pace, n: float = 1) -> float:
        """Return for how long an address waits for its turn (s); 0 while it is alone.

        Args:
            address: whose turn it is.
            kind: of what it asks; each has turns of its own.
            pace: of that kind.
            n: how much of it.
        """
        now = self.clock()
        others = (
            at_s for each, at_s in reversed(self._asked.items()) if each != address
        )
        if address is None or now - next(others, -math.inf) > BESIDE_S:
            return 0.0
        due_s = max(self._due.pop((address, kind), now), now) + n / pace.per_s
        self._due[address, kind] = due_s
        _shorten(self._due)
        return max(due_s - now - pace.n_at_once / pace.per_s, 0.0)

    def refusal_s(self, address: str | None) -> float:
        """Count a refusal; return for how long it waits for its sentence (s).

        A program that asks again at once would be refused thousands of times a second.
        """
        if address is None:
            return 0.0
        now = self.clock()
        before = self._refused.pop(address, Refusals(0, now))
        n = 1 + (before.n if now - before.at_s < FORGIVEN_S else 0)
        self._refused[address] = Refusals(n, now)
        _shorten(self._refused)
        return min(n * REFUSAL_S, LONGEST_REFUSAL_S)


@dataclass(frozen=True)
class Writer:
    """For whom this thread works: ``files.kept`` counts bytes, ``charge`` sound."""

    shares: Shares
    address: str | None

    def write(self, n_bytes: int) -> None:
        """Count bytes; raises as ``Shares.write``."""
        self.shares.write(self.address, n_bytes)

    def sound(self, duration_s: float) -> None:
        """Count sound; raises as ``Shares.sound``."""
        self.shares.sound(self.address, duration_s)


# Of the thread that works for a visitor.
writer: ContextVar[Writer | None] = ContextVar("writer", default=None)


def charge(duration_s: float) -> None:
    """Count sound that is decoded or analysed for whom this thread works.

    Raises:
        KnownError: ``too_much_sound``.
    """
    if paid_by := writer.get():
        paid_by.sound(duration_s)


def forwarded_for(headers: Mapping[str, str]) -> str:
    """Return the address that the relay nearest to us saw; "" where there is none.

    A client can write addresses of its own in front of it.
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


def _shorten(known: dict[Any, Any]) -> None:
    """Forget the address that came first, where there are too many."""
    if len(known) > MOST_ADDRESSES:
        known.pop(next(iter(known)))


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False
