"""Filter requests before Gradio, and add headers to its answers."""

from __future__ import annotations

import functools
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.status import (
    HTTP_507_INSUFFICIENT_STORAGE,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import i18n
from errors import FULL_DISK, KnownError
from ui import canvas, theme
from ui.exercises import dock
from ui.front import front, recorded
from ui.server import gradio_patches
from ui.server.access import OWN_NAMES, host_name
from ui.server.language import LANGUAGE_COOKIE, language_for

YEAR_S = 365 * 24 * 3600
# Gradio's own share links arrive under their public name.
SHARE_DOMAIN = ".gradio.live"
SCHEME = "x-forwarded-proto"
MAX_NAME = 100  # letters of a host's name in a sentence
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
    "frame-ancestors": HUB,  # whoever likes can publish on *.hf.space
}


class Gate:
    """ASGI middleware in front of Gradio.

    Args:
        app: the next ASGI application.
        is_local: the server listens on this machine only. Then a request that names
            another host is refused: a foreign web page could otherwise reach us through
            a name of its own that resolves to 127.0.0.1.
        is_space: pages of the Hub may show ours in a frame.
    """

    def __init__(self, app: ASGIApp, is_local: bool, is_space: bool = False) -> None:
        self.app = app
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

        scope = known_https(below_root(scope))
        inner = self._refusal(scope) or self.app
        await report_full_disk(inner, scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        host = host_name(Headers(scope=scope).get("host"))
        if self.is_local and not (host in OWN_NAMES or host.endswith(SHARE_DOMAIN)):
            language = language_for("", Headers(scope=scope))
            error = KnownError("unknown_host", host=host[:MAX_NAME])
            return PlainTextResponse(i18n.sentence(error, language), status_code=400)
        if gradio_patches.is_closed(scope["path"]):
            return PlainTextResponse("Not a route of this app", status_code=403)
        return None


def below_root(scope: Scope) -> Scope:
    """Return a request without the path below which another server has the page.

    Some relays leave it in. Gradio's routes answer to both, ours and what closes some of
    Gradio's know one.
    """
    root, path = scope.get("root_path", "").rstrip("/"), scope["path"]
    while root and path.startswith(f"{root}/"):
        path = path[len(root) :]
    return {**scope, "path": path}


def known_https(scope: Scope) -> Scope:
    """Return a request with the header that a relay of https should have added.

    Gradio writes addresses of files for the page from it: a page of https loads none of
    http. A browser names its page's scheme with all that it posts.
    """
    headers = Headers(scope=scope)
    origin = headers.get("origin", "")
    is_own = host_name(origin) == host_name(headers.get("host"))
    if not (origin.startswith("https:") and is_own) or SCHEME in headers:
        return scope
    return {**scope, "headers": [*scope["headers"], (SCHEME.encode(), b"https")]}


def headers(*, is_space: bool) -> dict[str, str]:
    """Return the headers of every answer; browsers enforce them."""
    more = ON_A_SPACE if is_space else {}
    policy = [f"{name} {first} {more.get(name, '')}" for name, first in POLICY.items()]
    return {
        "Content-Security-Policy": "; ".join(each.rstrip() for each in policy),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


async def report_full_disk(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Pass a request on; answer with a sentence where an upload finds no room.

    Gradio writes uploads to the disk before any handler runs, and answers a full disk
    with an empty 500.
    """
    is_answered = False

    async def send_and_note(message: Message) -> None:
        nonlocal is_answered
        is_answered = True
        await send(message)

    try:
        await app(scope, receive, send_and_note)
    except OSError as error:
        if is_answered or error.errno not in FULL_DISK:
            raise
        language = language_for("", Headers(scope=scope))
        sentence = i18n.sentence(KnownError("no_room"), language)
        refusal = PlainTextResponse(sentence, HTTP_507_INSUFFICIENT_STORAGE)
        await refusal(scope, receive, send)


KEPT = Path(__file__).with_name("kept.js")
# Gradio and browsers look for these at the root: below a path of another server, they
# are not ours there.
MANIFEST = b'<link rel="manifest" href="/manifest.json" />'
OWN_MANIFEST = (
    b'<link rel="icon" href="./favicon.ico" />'
    b'<link rel="manifest" href="./manifest.json" />'
)


class Language:
    """ASGI middleware that gives every page its language, and remembers a choice.

    Args:
        app: the next ASGI application.
        sounds: folder of the built-in sounds, where the first view may find a real one.
    """

    def __init__(self, app: ASGIApp, sounds: Path | None = None) -> None:
        self.app = app
        self.sounds = sounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; put the script into an answer that is a page."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        language = language_for(query, Headers(scope=scope))
        choice = language if f"lang={language}" in query.split("&") else ""
        start: Message = {}

        async def send_page(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
                return
            if start:
                scripts = _scripts(language, recorded.shown(self.sounds))
                message = _with_scripts(start, message, scripts, choice)
                await send(start)
                start = {}
            await send(message)

        await self.app(scope, receive, send_page)


def _is_page(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] == 200 and kind.startswith("text/html")


def _with_scripts(
    start: Message, body: Message, scripts: bytes, choice: str
) -> Message:
    """Put the scripts into the page's first piece; make the headers fit."""
    html = body["body"].replace(b"<head>", b"<head>" + scripts, 1)
    html = html.replace(MANIFEST, OWN_MANIFEST, 1)
    headers = MutableHeaders(raw=start["headers"])
    if "content-length" in headers:
        grown = len(html) - len(body["body"])
        headers["content-length"] = str(int(headers["content-length"]) + grown)
    headers["vary"] = "Accept-Language, Cookie"
    if choice:
        headers.append(
            "set-cookie",
            f"{LANGUAGE_COOKIE}={choice}; Path=/; Max-Age={YEAR_S}; SameSite=Lax",
        )
    return {**body, "body": html}


@functools.cache
def _scripts(language: str, numbers: Path) -> bytes:
    """Return what every page in a language begins with, before any script of Gradio's.

    With the numbers of the first view, and the page's width.

    What the page's parts call as soon as they are mounted has to be there by then.
    """
    choice = gradio_patches.language_script(language)
    patches = (
        gradio_patches.storage_script(),
        gradio_patches.stream_script(),
        gradio_patches.status_script(),
        gradio_patches.dropdown_script(),
        gradio_patches.toast_script(),
        gradio_patches.slider_script(),
    )
    kept = KEPT.read_text("utf-8")
    ours = (
        canvas.script(language),
        kept,
        front.script(language, numbers),
        dock.script(language),
    )
    rest = "\n".join([*patches, *ours])
    style = f"<style>{theme.FIRST_STYLE}</style>"
    return f"<script>{choice}</script><script>{rest}</script>{style}".encode()
