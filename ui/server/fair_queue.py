"""Queue events in fair turns, and give up those whose answers nobody reads.

Gradio's queue is one line for all: whoever sends first and most is served first, and
what nobody listens to is computed and kept all the same.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import random
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gradio.queueing import Event, EventQueue, Queue
from gradio.server_messages import EventMessage
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
SLOW = frozenset(  # their ids
    (BATCH, "model", "asking", "what_if", "change", "where", "rebuild", "fetch", "map")
)
# Of them, those that mostly wait: for a model, which has turns of its own, or the Hub.
WAITING = SLOW - {"rebuild"}
# Of what computes itself, one visitor's events at the same time: where nobody else has
# asked for a while, and where somebody has.
MOST_ALONE = max(os.cpu_count() or 1, 2)
MOST_BESIDE = max((os.cpu_count() or 1) // 2, 1)
BESIDE_S = 10.0
MOST_WAITING = 512  # events of all visitors
MOST_SLOW = 64  # of them, of one slow kind
UNHEARD_S = 15.0  # after which a waiting event is given up
UNREAD_S = 60.0  # after which answers are dropped
IDLE_S = 3600.0  # after which a session is forgotten that no page keeps open
MOST_MESSAGES = 2000  # unread, of one session
MOST_UNREAD_BYTES = 40_000_000  # of one session: a page's pictures are a quarter of it
MOST_ALL_UNREAD_BYTES = 200_000_000  # of all sessions, of those that nobody reads
MOST_SESSIONS = 3000  # of all visitors together
MOST_SILENT = 10_000  # sessions of which it is known since when nobody listens
KEY_LENGTH = 64  # characters of a session's name; Gradio's own have fewer
MOST_SERVED = 10_000  # addresses whose turn is remembered
OWN_TIMES = 10  # as many sessions, and as much time, has who sits at this computer
LOOK_S = 2.0  # between two looks for what nobody listens to


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
        key = key[:KEY_LENGTH]
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
                self.touch(key)

    def is_open(self, key: str) -> bool:
        """Check whether anybody listens now."""
        return key[:KEY_LENGTH] in self._open

    def silence_s(self, key: str) -> float:
        """Return for how long nobody has listened; counted from the first question on."""
        if self.is_open(key):
            return 0.0
        key = key[:KEY_LENGTH]
        if key not in self._left_s:
            self.touch(key)
        return self._clock() - self._left_s[key]

    def touch(self, key: str) -> None:
        """Count the silence from now on: something has been asked."""
        key = key[:KEY_LENGTH]
        self._left_s[key] = self._clock()
        self._left_s.move_to_end(key)
        if len(self._left_s) > MOST_SILENT:
            self._left_s.popitem(last=False)

    def forget(self, key: str) -> None:
        """Drop what is known of a session that has ended."""
        self._left_s.pop(key[:KEY_LENGTH], None)


class Answers(asyncio.Queue[Any]):
    """The answers of a session that wait to be read; knows how much they hold.

    Attributes:
        n_bytes: of texts, and of lists of numbers; the rest of a message is small.
    """

    n_bytes = 0

    def _put(self, item: EventMessage) -> None:
        n_bytes = _n_bytes(getattr(item, "output", None))
        self.n_bytes += n_bytes
        super()._put((item, n_bytes))

    def _get(self) -> EventMessage:
        item: EventMessage
        item, n_bytes = super()._get()
        self.n_bytes -= n_bytes
        return item


def _n_bytes(value: object) -> int:
    """Count what an answer holds, about; a list of numbers by its length."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_n_bytes, value.values()))
    if isinstance(value, list | tuple):
        is_plain = bool(value) and isinstance(value[0], int | float)
        return 8 * len(value) if is_plain else sum(map(_n_bytes, value))
    return 8


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
    _served: OrderedDict[str | None, tuple[int, float]]  # in which turn, and when (s)
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

        A visitor leaves one place of a line to others where it has more than one, half
        of all threads, and half of the processors while others ask too; of a visitor's
        batches one is worked on at a time.
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
        for event in sorted(line.queue, key=lambda each: not self._has_listener(each)):
            firsts.setdefault(_address(event), event)
        most = 1 if line.concurrency_id == BATCH else max(limit - 1, 1)
        most_in_all = max(len(self.active_jobs) // 2, 1)
        may = [
            each
            for each in firsts
            if each is None
            or (
                here[each] < most
                and in_all[each] < most_in_all
                and (line.concurrency_id in WAITING or self._may_compute(each, running))
            )
        ]
        if not may:
            return None
        never = (-1, 0.0)
        chosen = min(may, key=lambda each: (here[each], self._served.get(each, never)))
        self._served[chosen] = next(self._turns), self.shares.clock()
        self._served.move_to_end(chosen)
        if len(self._served) > MOST_SERVED:
            self._served.popitem(last=False)
        return firsts[chosen]

    def _may_compute(self, address: str, running: Iterable[Event]) -> bool:
        """Check that a visitor leaves processors to those who asked lately."""
        others = (each for each in reversed(self._served) if each != address)
        other = next(others, address)
        _, at_s = self._served.get(other, (0, -math.inf))
        is_alone = other == address or self.shares.clock() - at_s > BESIDE_S
        n_computing = sum(
            _address(each) == address and each.concurrency_id not in WAITING
            for each in running
        )
        return n_computing < (MOST_ALONE if is_alone else MOST_BESIDE)

    def _has_listener(self, event: Event) -> bool:
        session = event.session_hash
        return self.streams.is_open(session) or self.pages.is_open(session)

    def _running(self) -> Iterator[Event]:
        for job in self.active_jobs:
            yield from job or ()

    def _remember(self, session: str, address: str | None) -> None:
        """Note whose a session is; over the share, the visitor's own oldest one goes.

        Sessions that no open page keeps go first. So it is where all visitors together
        have too many.
        """
        self._owners[session] = address
        self._owners.move_to_end(session)
        own = [each for each, owner in self._owners.items() if owner == address]
        if len(own) > self.shares.share.n_sessions * (
            OWN_TIMES if address is None else 1
        ):
            self._forget(self._least_alive(own))
        if len(self._owners) > MOST_SESSIONS:
            self._forget(self._least_alive(list(self._owners)))

    def _least_alive(self, sessions: list[str]) -> str:
        """Choose which session goes, not the last: one that no open page keeps."""
        closed = (each for each in sessions[:-1] if not self.pages.is_open(each))
        return next(closed, sessions[0])

    async def _look(self) -> None:
        while not self.stopped:
            await asyncio.sleep(LOOK_S)
            await self.give_up()

    async def give_up(self) -> None:
        """End what nobody listens to: waiting events, unread answers, idle sessions.

        Who sits at this computer has more time, to type requests by hand.
        """
        for session in list(self.pending_messages_per_session):
            patience = OWN_TIMES if self._owners.get(session) is None else 1
            silence_s = self.streams.silence_s(session)
            if self._is_flooded(session) or silence_s > UNREAD_S * patience:
                await self._drop(session)
            elif silence_s > UNHEARD_S * patience:
                await self._unqueue(session)
        await self._drop_most_unread()
        for session in list(self._owners):
            silence_s = min(
                self.pages.silence_s(session), self.streams.silence_s(session)
            )
            if silence_s > IDLE_S:
                self._forget(session)

    def _is_flooded(self, session: str) -> bool:
        answers = self.pending_messages_per_session.get(session)
        return isinstance(answers, Answers) and (
            answers.qsize() > MOST_MESSAGES or answers.n_bytes > MOST_UNREAD_BYTES
        )

    async def _drop_most_unread(self) -> None:
        """Drop the answers of those who read none, the most first, until they fit."""
        unread = {
            session: answers.n_bytes
            for session, answers in self.pending_messages_per_session.items()
            if isinstance(answers, Answers) and not self.streams.is_open(session)
        }
        n_bytes = sum(unread.values())
        for session in sorted(unread, key=lambda each: unread[each], reverse=True):
            if n_bytes <= MOST_ALL_UNREAD_BYTES:
                return
            n_bytes -= unread[session]
            await self._drop(session)

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
