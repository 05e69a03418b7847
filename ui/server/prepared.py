"""Answer what is the same for everybody from memory: the page, its settings, its API.

Gradio copies and writes down all parts of the page for each visitor, 100 ms of
processor; what differs is the language, and by which name the visitor knows this host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cache import Cache
from ui.server import secret
from ui.server.language import language_for

PATHS = frozenset(("/", "/config", "/config/", "/gradio_api/info"))
# Parameters by which Gradio, or ``secret``, answers otherwise; all others are the page's.
DISTINCT = frozenset(("page", "deep_link", "all_endpoints", "serialize", secret.KEY))
# From which Gradio makes the addresses of files, and the page's own.
OF_HOST = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
MOST_BYTES = 20_000_000
GZIP_LEVEL = 4  # 9 gains 5% more in four times the time

Key = tuple[object, ...]


class Prepared:
    """ASGI middleware that keeps whole answers, compressed.

    Args:
        app: the next ASGI application.
        made_of: returns what the answers are made of besides the request; once one of
            it is another object, of another value, they are made anew.
    """

    def __init__(
        self, app: ASGIApp, made_of: Callable[[], tuple[object, ...]] = tuple
    ) -> None:
        self.app = app
        # Gradio compresses what has a file's suffix, not the page itself: 200 KB.
        self.page = GZipMiddleware(app, compresslevel=GZIP_LEVEL)
        self._made_of = made_of
        self._facts: tuple[object, ...] = ()
        self._answers: Cache[Key, list[Message]] = Cache(MOST_BYTES, _n_bytes)
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request from memory, where it is one of these."""
        if scope["type"] != "http" or scope["path"] not in PATHS:
            await self.app(scope, receive, send)
            return
        key = _key(scope)
        if key is None:
            await self.page(scope, receive, send)
            return
        self._forget_old()
        answer = self._answers.get(key)
        if answer is None:
            async with self._making:
                answer = self._answers.get(key) or await self._made(key, scope, receive)
        for message in answer:
            await send({**message})

    async def _made(self, key: Key, scope: Scope, receive: Receive) -> list[Message]:
        """Let Gradio answer; keep that, unless it has failed."""
        answer: list[Message] = []
        facts = self._facts

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.page(scope, receive, keep)
        if answer and answer[0]["status"] == 200 and facts is self._facts:
            self._answers.put(key, answer)
        return answer

    def _forget_old(self) -> None:
        facts = self._made_of()
        same = len(facts) == len(self._facts) and all(
            new is old or new == old
            for new, old in zip(facts, self._facts, strict=True)
        )
        if not same:
            self._facts = facts
            self._answers = Cache(MOST_BYTES, _n_bytes)


def _key(scope: Scope) -> Key | None:
    """Return all of a request by which its answer differs; None for other requests."""
    query = scope["query_string"].decode("latin-1")
    named = parse_qs(query, keep_blank_values=True)
    if scope["method"] != "GET" or DISTINCT & named.keys():
        return None
    headers = Headers(scope=scope)
    language = language_for(query, headers)
    is_choice = f"lang={language}" in query.split("&")  # which is remembered
    packs = "gzip" in headers.get("accept-encoding", "")
    of_host = (headers.get(name) for name in OF_HOST)
    server = tuple(scope.get("server") or ())
    root = scope["scheme"], scope.get("root_path", "")
    return (scope["path"], language, is_choice, packs, *of_host, *server, *root)


def _n_bytes(answer: list[Message]) -> int:
    return sum(len(message.get("body", b"")) for message in answer)
