"""The door of the server: refuses what no page of ours asks for."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.access import LOCAL_HOSTS, host_name
from ui.doors import is_closed
from ui.uploads import answered

# Gradio's own share links arrive under their public name.
SHARE_DOMAIN = ".gradio.live"
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


class Gate:
    """ASGI middleware in front of Gradio.

    Args:
        app: what stands behind.
        is_local: the server listens on this machine only. Then a request that names
            another host is refused: a foreign web page could otherwise reach us through
            a name of its own that resolves to 127.0.0.1.
    """

    def __init__(self, app: ASGIApp, is_local: bool) -> None:
        self.app = app
        # Gradio compresses what has a file's suffix, not the page itself: 200 KB.
        self.page = GZipMiddleware(app)
        self.is_local = is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            await refusal(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        inner = self.page if scope["path"] == "/" else self.app
        await answered(inner, scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        host = host_name(Headers(scope=scope).get("host"))
        if self.is_local and not (host in LOCAL_HOSTS or host.endswith(SHARE_DOMAIN)):
            return PlainTextResponse("Unknown host", status_code=400)
        if is_closed(scope["path"]):
            return PlainTextResponse("Not a door of this app", status_code=403)
        return None
