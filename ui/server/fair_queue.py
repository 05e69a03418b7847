"""Queue events in fair turns, and give up those whose answers nobody reads.

Gradio's queue is one line for all: whoever sends first and most is served first, and
what nobody listens to is computed and kept all the same.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gradio.queueing import Event, EventQueue, Queue
from gradio.utils import run_coro_in_background, safe_aclose_iterator
from starlette.exceptions import HTTPException
from starlette.status import (
    HTTP_404_NOT_FOUND,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_503_SERVICE_UNAVAILABLE,
)

import i18n
from errors import KnownError
from ui.server.language import language_for
from ui.server.shares import ADDRESS, Shares

BATCH = "batch"
# Concurrency ids.
SLOW = frozenset(
    (BATCH, "model", "asking", "rebuild", "fetch", "what_if", "change", "where")
)
MOST_WAITING = 512  # events of all visitors
MOST_SLOW = 64  # of them, of one slow kind
UNHEARD_S = 15.0  # after which a waiting event is given up
UNREAD_S = 60.0  # after which answers are dropped
IDLE_S = 3600.0  # after which a session is forgotten that no page keeps open
MOST_MESSAGES = 2000  # unread, of one session
MOST_SESSIONS = 3000  # of all visitors together
MOST_SERVED = 10_000  # addresses whose turn is remembered
OWN = 10  # as many sessions, and as much time, has who sits at this computer
LOOK_S = 2.0


class Listeners:
    """Who reads which answers: streams and heartbeats by their session or event.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._open: Counter[str] = Counter()
        self._left_s: OrderedDict[str, float] = OrderedDict()
        self._clock = clock

    @contextmanager
    def listening(self, key: str) -> Iterator[None]:
        """Count a stream while it is open."""
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
                self._left_s[key] = self._clock()

    def is_open(self, key: str) -> bool:
        """Check whether anybody listens now."""
        return key in self._open

    def silence_s(self, key: str) -> float:
        """Return for how long nobody has listened; counted from the first question on."""
        if self.is_open(key):
            return 0.0
        return self._clock() - self._left_s.setdefault(key, self._clock())

    def touch(self, key: str) -> None:
        """Count the silence from now on: something has been asked."""
        self._left_s[key] = self._clock()

    def forget(self, key: str) -> None:
        """Drop what is known of a session that has ended."""
        self._left_s.pop(key, None)


class FairQueue(Queue):
    """Gradio's queue, with a share for each visitor.

    Attributes:
        shares: what a visitor may take.
        streams: who reads answers.
        pages: who keeps a page open.
    """

    shares: Shares
    streams: Listeners
    pages: Listeners

    @classmethod
    def of(cls, queue: Queue, shares: Shares) -> FairQueue:
        """Make a queue of Gradio's, before it has started."""
        ours = cls.__new__(cls)
        vars(ours).update(vars(queue))
        ours.max_size = MOST_WAITING
        ours.shares = shares
        ours.streams, ours.pages = Listeners(shares.clock), Listeners(shares.clock)
        ours._owners = OrderedDict()
        ours._served = OrderedDict()
        ours._turns = itertools.count()
        return ours

    _owners: OrderedDict[str, str | None]  # sessions, the least recently used first
    _served: OrderedDict[str | None, int]
    _turns: Iterator[int]

    def start(self) -> None:
        """Start as Gradio does, and look for what nobody listens to."""
        super().start()
        run_coro_in_background(self._look)

    async def push(self, body: Any, request: Any, username: Any) -> Any:
        """Take an event, unless its visitor's share is used up.

        Raises:
            HTTPException: 429 over the share, 503 where too many wait, with a sentence;
                404 for what is no event of the server's.
        """
        address = request.scope.get(ADDRESS)
        fn = self.blocks.fns.get(body.fn_index)
        if fn is None or fn.fn is None:
            raise HTTPException(HTTP_404_NOT_FOUND)
        try:
            self._check_share(address, fn.concurrency_id)
        except KnownError as error:
            is_own = error.code == "too_much_at_once"
            code = (
                HTTP_429_TOO_MANY_REQUESTS if is_own else HTTP_503_SERVICE_UNAVAILABLE
            )
            sentence = i18n.sentence(error, language_for("", request.headers))
            raise HTTPException(code, sentence) from error
        if body.session_hash:
            self.streams.touch(body.session_hash)
        answer = await super().push(body, request, username)
        self._remember(body.session_hash, address)  # by now it has a name
        return answer

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """Take the next event: of those who have the least under way, in turns."""
        concurrency_ids = list(self.event_queue_per_concurrency_id)
        random.shuffle(concurrency_ids)
        for concurrency_id in concurrency_ids:
            line = self.event_queue_per_concurrency_id[concurrency_id]
            event = self._next(line)
            if event:
                line.queue.remove(event)
                return [event], False, concurrency_id
        return None

    def _check_share(self, address: str | None, concurrency_id: str) -> None:
        """Refuse what is over one of the bounds.

        Raises:
            KnownError: ``too_much_at_once``, or ``busy`` where all together are too many.
        """
        lines = self.event_queue_per_concurrency_id
        is_slow = concurrency_id in SLOW
        if is_slow and concurrency_id in lines:
            if len(lines[concurrency_id].queue) >= MOST_SLOW:
                raise KnownError("busy")
        elif len(self) >= MOST_WAITING:
            raise KnownError("busy")
        if address is None:
            return
        waiting = (each for line in lines.values() for each in line.queue)
        kinds = Counter(
            each.concurrency_id
            for each in itertools.chain(waiting, self._running())
            if _address(each) == address
        )
        share = self.shares.share
        if (
            kinds.total() >= share.n_events
            or (is_slow and sum(kinds[each] for each in SLOW) >= share.n_slow)
            or (concurrency_id == BATCH and kinds[BATCH] >= share.n_batches)
        ):
            raise KnownError("too_much_at_once")

    def _next(self, line: EventQueue) -> Event | None:
        """Choose among the first events of all visitors in a line, if there is a place.

        A visitor leaves one place of a line to others where it has more than one, and
        half of all threads.
        """
        limit = math.inf if line.concurrency_limit is None else line.concurrency_limit
        if not line.queue or line.current_concurrency >= limit:
            return None
        running = list(self._running())
        in_all = Counter(map(_address, running))
        here = Counter(
            _address(each)
            for each in running
            if each.concurrency_id == line.concurrency_id
        )
        firsts: dict[str | None, Event] = {}
        # A page that was left, or reloaded, is in nobody's way, its visitor's neither.
        for event in sorted(line.queue, key=lambda each: not self._is_heard(each)):
            firsts.setdefault(_address(event), event)
        most, most_in_all = max(limit - 1, 1), max(len(self.active_jobs) // 2, 1)
        may = [
            each
            for each in firsts
            if each is None or (here[each] < most and in_all[each] < most_in_all)
        ]
        if not may:
            return None
        chosen = min(may, key=lambda each: (here[each], self._served.get(each, -1)))
        self._served[chosen] = next(self._turns)
        self._served.move_to_end(chosen)
        if len(self._served) > MOST_SERVED:
            self._served.popitem(last=False)
        return firsts[chosen]

    def _is_heard(self, event: Event) -> bool:
        session = event.session_hash
        return self.streams.is_open(session) or self.pages.is_open(session)

    def _running(self) -> Iterator[Event]:
        for job in self.active_jobs:
            yield from job or ()

    def _remember(self, session: str, address: str | None) -> None:
        """Note whose a session is; over the share, the visitor's own oldest one goes.

        Sessions that no open page keeps go first.
        """
        self._owners[session] = address
        self._owners.move_to_end(session)
        own = [each for each, owner in self._owners.items() if owner == address]
        if len(own) > self.shares.share.n_sessions * (OWN if address is None else 1):
            closed = [each for each in own[:-1] if not self.pages.is_open(each)]
            self._forget((closed or own)[0])

    async def _look(self) -> None:
        while not self.stopped:
            await asyncio.sleep(LOOK_S)
            await self.give_up()

    async def give_up(self) -> None:
        """End what nobody listens to: waiting events, unread answers, idle sessions.

        Who sits at this computer has more time, to type requests by hand.
        """
        for session in list(self.pending_messages_per_session):
            patience = OWN if self._owners.get(session) is None else 1
            silence_s = self.streams.silence_s(session)
            messages = self.pending_messages_per_session.get(session)
            is_flooded = messages is not None and messages.qsize() > MOST_MESSAGES
            if is_flooded or silence_s > UNREAD_S * patience:
                await self._drop(session)
            elif silence_s > UNHEARD_S * patience:
                await self._unqueue(session)
        for session in list(self._owners):
            silence_s = min(
                self.pages.silence_s(session), self.streams.silence_s(session)
            )
            if silence_s > IDLE_S:
                self._forget(session)

    async def _unqueue(self, session: str) -> None:
        """Remove a session's events that wait."""
        for line in self.event_queue_per_concurrency_id.values():
            for event in [each for each in line.queue if each.session_hash == session]:
                await self.remove_from_queue(event._id)

    async def _drop(self, session: str) -> None:
        """Remove a session's events and answers; what runs of it ends where it can."""
        running = [each for each in self._running() if each.session_hash == session]
        await self.clean_events(session_hash=session)
        self.pending_messages_per_session.pop(session, None)
        self.pending_event_ids_session.pop(session, None)
        self.streams.forget(session)
        iterators: dict[str, Any] = getattr(self.server_app, "iterators", {})
        for event in running:
            if event._id in iterators:
                await safe_aclose_iterator(iterators.pop(event._id))

    def _forget(self, session: str) -> None:
        """Drop what is remembered of a page."""
        self._owners.pop(session, None)
        self.pages.forget(session)
        if self.server_app:
            holder = self.server_app.state_holder
            with holder.lock:
                holder.session_data.pop(session, None)
                holder.time_last_used.pop(session, None)


def _address(event: Event) -> str | None:
    address: str | None = event.request.scope.get(ADDRESS)
    return address
