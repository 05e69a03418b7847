"""Take the host's secret from a visitor who comes from elsewhere.

A form of the page posts it; the browser gets a cookie made from it, never the secret
itself. Programs send it with each request: ``Authorization: Bearer``. The key of one
start may also come with the address that the terminal prints, as Jupyter's does; the
page then goes on without it, so that it stands in no history or referrer.
"""

from __future__ import annotations

import asyncio
import time
from urllib.parse import parse_qs, parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

import i18n
from errors import KnownError
from ui.server.access import cookie_of, is_same, key_of
from ui.server.language import language_for

PATH = "/secret"
FIELD = "secret"
KEY = "key"  # of an address
KEPT_S = 12 * 3600  # a school day
MAX_BYTES = 4096  # of a form
PAUSE_S = 1.0  # before a wrong one is refused


class Secret:
    """ASGI middleware that takes the form.

    Args:
        app: the next ASGI application.
        secret: of this host; "" refuses everybody.
        is_key_of_start: it may come with the address of the page.
    """

    def __init__(
        self, app: ASGIApp, secret: str, is_key_of_start: bool = False
    ) -> None:
        self.app = app
        self._secret = secret
        self._is_key_of_start = is_key_of_start

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the form; pass everything else on."""
        is_http = scope["type"] == "http"
        if is_http and self._brings_key(scope):
            await self._admitted(scope)(scope, receive, send)
            return
        if not is_http or scope["path"] != PATH or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        given = await _field(Request(scope, receive))
        answer = await self._answer(given, scope)
        await answer(scope, receive, send)

    async def _answer(self, given: str, scope: Scope) -> Response:
        headers = Headers(scope=scope)
        if not self._secret or not is_same(given, self._secret):
            await asyncio.sleep(PAUSE_S)
            sentence = i18n.sentence(
                KnownError("wrong_secret"), language_for("", headers)
            )
            return PlainTextResponse(sentence, status_code=403)
        return self._admitted(scope)

    def _brings_key(self, scope: Scope) -> bool:
        """Return whether a page's address holds the key of this start."""
        if not self._is_key_of_start or scope["method"] != "GET":
            return False
        given = dict(_query(scope)).get(KEY)
        return bool(given) and is_same(str(given), self._secret)

    def _admitted(self, scope: Scope) -> Response:
        """Lead on to the page without the key, with a cookie in its place."""
        headers = Headers(scope=scope)
        rest = urlencode([pair for pair in _query(scope) if pair[0] != KEY])
        answer = RedirectResponse(f"./?{rest}" if rest else "./", status_code=303)
        scheme = headers.get("x-forwarded-proto", scope["scheme"])
        answer.set_cookie(
            cookie_of(headers.get("host")),
            key_of(self._secret, round(time.time()) + KEPT_S),
            max_age=KEPT_S,
            httponly=True,
            samesite="strict",
            secure=scheme == "https",
        )
        return answer


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


async def _field(request: Request) -> str:
    """Read the form's field; "" where there is none, or too much of it."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BYTES:
                return ""
    except ClientDisconnect:
        return ""
    return parse_qs(body.decode("utf-8", "replace")).get(FIELD, [""])[0]
