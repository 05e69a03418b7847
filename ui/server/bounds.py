"""Bound each request as it arrives: its size, its time, its visitor's share."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    nullcontext,
)
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from weakref import WeakValueDictionary

import uvicorn
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.status import (
    HTTP_403_FORBIDDEN,
    HTTP_408_REQUEST_TIMEOUT,
    HTTP_413_CONTENT_TOO_LARGE,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_507_INSUFFICIENT_STORAGE,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import i18n
from errors import KnownError
from ui.server import access, files
from ui.server.fair_queue import FairQueue
from ui.server.language import language_for
from ui.server.shares import ADDRESS, WRITER, Writer

UPLOAD = "/gradio_api/upload"
TOOLS = "/gradio_api/mcp"
MAX_BYTES = 256_000  # of a question; files are uploaded before
MAX_TOOL_BYTES = 20_000_000  # a tool's question may carry its song
MAX_OWN_BYTES = 200_000_000  # of who sits at this computer
UPLOAD_BYTES_PER_S = 40_000_000  # of one request: others are answered in between
PIECE_BYTES = 250_000  # of an upload, that are written together
PIECE_S = 20.0  # until the next piece of a body
BODY_S = 60.0  # until the whole of one that is no upload
HEAD_S = 20.0  # until a request's headers are complete
ANSWERS = re.compile(
    r"/gradio_api/(?:queue/data$|call/(?:v2/)?[^/]+/(?P<event>[^/]+)$)"
)
PAGE = re.compile(r"/(?:config/?|gradio_api/(?:info|openapi\.json))?")
HEARTBEAT = re.compile(r"/gradio_api/heartbeat/(?P<session>[^/]+)$")
STATUS = {
    "too_much_at_once": HTTP_429_TOO_MANY_REQUESTS,
    "share_spent": HTTP_429_TOO_MANY_REQUESTS,
    "request_too_slow": HTTP_408_REQUEST_TIMEOUT,
    "foreign_page": HTTP_403_FORBIDDEN,
    "no_room": HTTP_507_INSUFFICIENT_STORAGE,
}  # the rest are too large


class RequestBounds:
    """ASGI middleware that refuses, with a sentence, what is more than a share.

    Args:
        app: the next ASGI application.
        queue: with the visitors' shares; is told who reads answers, who keeps a page.
        uploads_dir: where uploads are written to; on its disk a reserve stays free.
    """

    def __init__(
        self, app: ASGIApp, queue: FairQueue, uploads_dir: Path | None = None
    ) -> None:
        self.app = app
        self.uploads_dir = uploads_dir
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.shares, self.streams, self.pages = queue.shares, queue.streams, queue.pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        address = scope[ADDRESS] = self.shares.address_of(scope)
        scope[WRITER] = Writer(self.shares, address)
        self.shares.ask(address)
        try:
            with self.shares.request(address):
                await self._served(scope, receive, send, address)
        except KnownError as error:  # as many connections as that wait already
            await _refusal(error, scope)(scope, receive, send)

    async def _served(
        self, scope: Scope, receive: Receive, send: Send, address: str | None
    ) -> None:
        """Pass a request on in its turn, or refuse it; a refusal keeps who asks waiting."""
        is_answered = False

        async def send_and_note(message: Message) -> None:
            nonlocal is_answered
            if message.get("status") == HTTP_429_TOO_MANY_REQUESTS:
                await asyncio.sleep(self.shares.refusal_s(address))
            is_answered = True
            await send(message)

        share = self.shares.share
        try:
            if scope["method"] in ("GET", "HEAD"):
                self.shares.get(address)
                wait_s = self.shares.turn_s(address, "get", share.get_pace)
            else:
                self.shares.post(address)
                wait_s = self.shares.turn_s(address, "post", share.post_pace)
                receive = await self._bounded(scope, receive, address)
            if wait_s:
                await asyncio.sleep(wait_s)
            with self._listening(scope):
                async with self._turn(scope, address):
                    await self.app(scope, receive, send_and_note)
        except ClientDisconnect:
            return  # there is nobody to answer, and nothing wrong with us
        except KnownError as error:
            if is_answered:  # the connection ends: there is no other answer
                raise
            await _refusal(error, scope)(scope, receive, send_and_note)

    def _turn(
        self, scope: Scope, address: str | None
    ) -> AbstractAsyncContextManager[None]:
        """Let one address have one whole page at a time: others come in between.

        Raises:
            KnownError: ``too_much_at_once``.
        """
        if address is None or not PAGE.fullmatch(scope["path"]):
            return nullcontext()
        self.shares.page(address)
        turn = self._turns.get(address)
        if turn is None:
            turn = self._turns[address] = asyncio.Lock()
        return turn

    def _listening(self, scope: Scope) -> AbstractContextManager[None]:
        """Note who listens for as long as a stream is open."""
        if page := HEARTBEAT.search(scope["path"]):
            return self.pages.listening(page["session"])
        if stream := ANSWERS.search(scope["path"]):
            query = parse_qs(scope["query_string"].decode("latin-1"))
            key = stream["event"] or query.get("session_hash", [""])[0]
            return self.streams.listening(key)
        return nullcontext()

    async def _bounded(
        self, scope: Scope, receive: Receive, address: str | None
    ) -> Receive:
        """Return a ``receive`` within bounds.

        Raises:
            KnownError: ``foreign_page``, ``request_too_large``, ``uploads_too_large``,
                ``request_too_slow``, ``share_spent`` or ``no_room``, where of an upload
                later.
        """
        path = scope["path"].rstrip("/")
        if path.endswith(UPLOAD):
            check_origin(Headers(scope=scope))
            return self._counted(scope, receive, address)
        most = MAX_TOOL_BYTES if TOOLS in path else MAX_BYTES
        most = MAX_OWN_BYTES if address is None else most
        check_length(Headers(scope=scope), most, too_large)
        return await _read(receive, most)

    def _counted(self, scope: Scope, receive: Receive, address: str | None) -> Receive:
        """Count an upload while it arrives."""
        if address is None:
            return receive
        most = self.shares.share.request_bytes
        n_announced = check_length(Headers(scope=scope), most, upload_too_large)
        self._check_room(n_announced)
        n_bytes = 0

        async def counted() -> Message:
            nonlocal n_bytes
            message = await _large(receive)
            n_new = len(message.get("body", b""))
            n_bytes += n_new
            if n_bytes > most:
                raise upload_too_large(most)
            self.shares.write(address, n_new)
            self._check_room(n_new)
            pace = self.shares.share.byte_pace
            turn_s = self.shares.turn_s(address, "bytes", pace, n_new)
            await asyncio.sleep(max(n_new / UPLOAD_BYTES_PER_S, turn_s))
            return message

        return counted

    def _check_room(self, n_bytes: int) -> None:
        if self.uploads_dir:
            files.check_room(self.uploads_dir / "upload", n_bytes)


def bound_heads(server: uvicorn.Server, limit_s: float = HEAD_S) -> None:
    """Close the connections whose request does not come: uvicorn itself waits for ever.

    Args:
        server: already started; connections from now on are bounded.
        limit_s: from a connection, or the first byte of its next request, to the end of
            that request's headers.
    """
    protocol = server.config.http_protocol_class  # h11's or httptools'
    config: Any = server.config
    config.http_protocol_class = type(
        "Prompt", (_Prompt, protocol), {"limit_s": limit_s}
    )


class _Prompt(asyncio.Protocol):
    """What a connection of uvicorn does besides: give up an incomplete request."""

    limit_s: float
    is_timed = False

    def connection_made(self: Any, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._expect()

    def data_received(self: Any, data: bytes) -> None:
        super().data_received(data)
        if not self.is_timed and self._is_between():
            self._expect()

    def _is_between(self: Any) -> bool:
        is_web_socket = self.transport.get_protocol() is not self
        return not is_web_socket and (not self.cycle or self.cycle.response_complete)

    def _expect(self: Any) -> None:
        self.is_timed = True
        self.loop.call_later(self.limit_s, self._give_up, self.cycle)

    def _give_up(self: Any, before: Any) -> None:
        self.is_timed = False
        if self.transport.is_closing() or not self._is_between():
            return
        if self.cycle is before:
            self.transport.close()
        else:
            self._expect()


def check_origin(headers: Headers) -> None:
    """Refuse what a page of another site makes its visitor's browser send.

    An upload needs no permission of ours in the browser's eyes.

    Raises:
        KnownError: ``foreign_page``.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site in ("cross-site", "same-site"):
        raise KnownError("foreign_page")
    if site is None and origin is not None:  # a browser of years ago
        named = (headers.get(name, "") for name in ("host", "x-forwarded-host"))
        if access.place(origin) not in map(access.place, named):
            raise KnownError("foreign_page")


def check_length(
    headers: Headers, most: int, too_many: Callable[[int], KnownError]
) -> int:
    """Return how many bytes a request announces, 0 where it does not; refuse too many.

    Raises:
        KnownError: as ``too_many`` makes it.
    """
    length = headers.get("content-length", "")
    n_bytes = int(length[:20]) if length.isdecimal() else 0
    if n_bytes > most:
        raise too_many(most)
    return n_bytes


def too_large(most: int) -> KnownError:
    """Make the refusal of a question."""
    return KnownError("request_too_large", max_kb=most / 1e3)


def upload_too_large(most: int) -> KnownError:
    """Make the refusal of files."""
    return KnownError("uploads_too_large", max_mb=most / 1e6)


def _refusal(error: KnownError, scope: Scope) -> PlainTextResponse:
    """Make the answer to what is refused: a sentence, after which the connection ends."""
    status = STATUS.get(error.code, HTTP_413_CONTENT_TOO_LARGE)
    sentence = i18n.sentence(error, language_for("", Headers(scope=scope)))
    return PlainTextResponse(sentence, status, {"Connection": "close"})


async def _large(receive: Receive) -> Message:
    """Put the pieces of an upload together, each of which would take a thread's turn."""
    pieces: list[bytes] = []
    while True:
        message = await _in_time(receive, PIECE_S)
        if message["type"] != "http.request":
            return message
        pieces.append(message.get("body", b""))
        if not message.get("more_body") or sum(map(len, pieces)) >= PIECE_BYTES:
            return {**message, "body": b"".join(pieces)}


async def _read(receive: Receive, most: int) -> Receive:
    """Read a whole body; return what gives it in one piece."""
    body = bytearray()
    message: Message = {"more_body": True}
    try:
        async with asyncio.timeout(BODY_S):
            while message.get("more_body"):
                message = await _in_time(receive, PIECE_S)
                if message["type"] != "http.request":
                    break
                body += message.get("body", b"")
                if len(body) > most:
                    raise too_large(most)
    except TimeoutError:
        raise KnownError("request_too_slow") from None
    if message["type"] == "http.request":
        message = {"type": "http.request", "body": bytes(body), "more_body": False}
    waiting = [message]

    async def whole() -> Message:
        return waiting.pop() if waiting else await receive()

    return whole


async def _in_time(receive: Receive, limit_s: float) -> Message:
    try:
        async with asyncio.timeout(limit_s):
            return await receive()
    except TimeoutError:
        raise KnownError("request_too_slow") from None
