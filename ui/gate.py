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
GZIP_LEVEL = 4  # of the page: 9 gains 5% more in four times the time
HUB = "https://huggingface.co"  # shows a Space in a frame of its own page
# What a page of ours may do. Gradio's own page needs scripts and styles within it, and
# builds its parts' code from text; everything else comes from this server alone.
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}
ON_A_SPACE = {
    "connect-src": HUB,  # Gradio's own client asks it for a visitor's share of a GPU
    "frame-ancestors": f"{HUB} https://*.hf.space",
}


class Gate:
    """ASGI middleware in front of Gradio.

    Args:
        app: what stands behind.
        is_local: the server listens on this machine only. Then a request that names
            another host is refused: a foreign web page could otherwise reach us through
            a name of its own that resolves to 127.0.0.1.
        is_space: pages of the Hub may show ours in a frame.
    """

    def __init__(self, app: ASGIApp, is_local: bool, is_space: bool = False) -> None:
        self.app = app
        # Gradio compresses what has a file's suffix, not the page itself: 200 KB.
        self.page = GZipMiddleware(app, compresslevel=GZIP_LEVEL)
        self.is_local = is_local
        self.headers = headers(is_space=is_space)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        page = self.page if scope["path"] == "/" else self.app
        inner = self._refusal(scope) or page
        await answered(inner, scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        host = host_name(Headers(scope=scope).get("host"))
        if self.is_local and not (host in LOCAL_HOSTS or host.endswith(SHARE_DOMAIN)):
            return PlainTextResponse("Unknown host", status_code=400)
        if is_closed(scope["path"]):
            return PlainTextResponse("Not a door of this app", status_code=403)
        return None


def headers(*, is_space: bool) -> dict[str, str]:
    """What every answer carries; browsers hold themselves to it."""
    more = ON_A_SPACE if is_space else {}
    policy = [f"{name} {first} {more.get(name, '')}" for name, first in POLICY.items()]
    return {
        "Content-Security-Policy": "; ".join(each.rstrip() for each in policy),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
