"""Take the host's secret from a visitor who comes from elsewhere.

A form of the page posts it; the browser gets a cookie made from it, never the secret
itself. Programs send it with each request: ``Authorization: Bearer``.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

import i18n
from errors import KnownError
from ui.server.access import SECRET_COOKIE, is_same, key_of
from ui.server.language import language_for

PATH = "/secret"
FIELD = "secret"
KEPT_S = 12 * 3600  # a school day
MAX_BYTES = 4096  # of a form
PAUSE_S = 1.0  # before a wrong one is refused


class Secret:
    """ASGI middleware that takes the form.

    Args:
        app: the next ASGI application.
        secret: of this host; "" refuses everybody.
    """

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self.app = app
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the form; pass everything else on."""
        is_form = scope["type"] == "http" and scope["path"] == PATH
        if not is_form or scope["method"] != "POST":
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
        answer = RedirectResponse("./", status_code=303)
        scheme = headers.get("x-forwarded-proto", scope["scheme"])
        answer.set_cookie(
            SECRET_COOKIE,
            key_of(self._secret),
            max_age=KEPT_S,
            httponly=True,
            samesite="strict",
            secure=scheme == "https",
        )
        return answer


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
