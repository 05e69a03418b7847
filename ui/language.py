"""The page's language: texts for components, and the script that makes Gradio choose.

Gradio picks among its own list by the browser's exact tag, so ``zh-HK`` would read
English. The server knows better (``access.language_for``): a script first in ``<head>``
tells the page what the browser's language is. What the page's parts call as soon as
they stand follows it: the pictures' script, and how answers come (``stream.js``).
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import gradio as gr
from gradio.i18n import I18nData
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import words
from trainer import telling
from trainer.config import RunConfig
from ui import canvas
from ui.access import LANGUAGE_COOKIE, language_for

# Sections that components speak; every page carries them in each language.
SPOKEN = "about app classify clip data examples fields see teach train".split()
FILLED = ("about.text", "teach.plan", "teach.first")
STREAM = Path(__file__).with_name("stream.js")
YEAR_S = 365 * 24 * 3600
NAMES = {"en": "English", "zh-TW": "繁體中文", "zh-CN": "简体中文"}
HEADER = """<header><h1>Genrescope</h1><p>{{{value}}}</p>
<nav aria-label="{{{label}}}">LINKS</nav></header>"""
LINKS = """for (const link of element.querySelectorAll("[hreflang]")) {
  // The sound and the settings in the address stay.
  const query = new URLSearchParams(location.search);
  query.set("lang", link.hreflang);
  link.search = query;
  if (link.hreflang === navigator.language) link.setAttribute("aria-current", "true");
}"""
SCRIPT = """<script>
for (const [name, value] of [["language", "{0}"], ["languages", ["{0}"]]])
  Object.defineProperty(navigator, name, {{ value, configurable: true }});
document.documentElement.lang = "{0}";
</script>"""


def text(key: str) -> I18nData:
    """A component's text, translated in the browser; ``key`` is ``section.name``.

    The section is one of ``SPOKEN``.
    """
    return I18nData(key)


def texts(**facts: object) -> gr.I18n:
    """All texts of components in every language, for ``launch``.

    Args:
        **facts: what the texts in ``FILLED`` say of this host and link to.
    """
    tables = {language: _spoken(language) for language in words.LANGUAGES}
    for language, table in tables.items():
        for key in FILLED:
            table[key] = words.word(key, language, **facts)
        for item in dataclasses.fields(RunConfig):
            table[f"fields.{item.name}_info"] = telling.explained(item, language)
    return gr.I18n(**tables)


def _spoken(language: str) -> dict[str, str]:
    table = words.table(language)
    return {key: word for key, word in table.items() if key.split(".")[0] in SPOKEN}


def build_header() -> None:
    """The page's first row: what it is, and the switch of languages.

    The switch is plain links: each loads the page anew in its language, which
    ``Language`` remembers.
    """
    links = "".join(
        f'<a href="?lang={language}" hreflang="{language}" lang="{language}">{name}</a>'
        for language, name in NAMES.items()
    )
    gr.HTML(
        text("app.tagline"),
        label=text("app.language"),
        html_template=HEADER.replace("LINKS", links),
        js_on_load=LINKS,
        elem_id="header",
    )


class Language:
    """ASGI middleware: every page is told its language; a choice is remembered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; put the script into an answer that is a page."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        language = language_for(query, Headers(scope=scope))
        is_choice = f"lang={language}" in query.split("&")
        start: Message = {}

        async def send_page(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
                return
            if start:
                message = _introduced(start, message, language, is_choice)
                await send(start)
                start = {}
            await send(message)

        await self.app(scope, receive, send_page)


def _is_page(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] == 200 and kind.startswith("text/html")


def _introduced(
    start: Message, body: Message, language: str, is_choice: bool
) -> Message:
    """The page's first piece with the script; the headers are made to fit."""
    html = body["body"].replace(b"<head>", b"<head>" + _scripts(language), 1)
    headers = MutableHeaders(raw=start["headers"])
    if "content-length" in headers:
        grown = len(html) - len(body["body"])
        headers["content-length"] = str(int(headers["content-length"]) + grown)
    headers["vary"] = "Accept-Language, Cookie"
    if is_choice:
        headers.append(
            "set-cookie",
            f"{LANGUAGE_COOKIE}={language}; Path=/; Max-Age={YEAR_S}; SameSite=Lax",
        )
    return {**body, "body": html}


@functools.cache
def _scripts(language: str) -> bytes:
    """What every page in a language begins with."""
    told = SCRIPT.format(language)
    script = f"{STREAM.read_text('utf-8')}\n{canvas.script(language)}"
    return f"{told}<script>{script}</script>".encode()
