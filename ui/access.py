"""Who is asking: their language, and whether they may train. Denied by default."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import gradio as gr
from starlette.requests import cookie_parser

import words
from settings import Settings

LANGUAGE_COOKIE = "genrescope_language"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# Headers that a share link or a reverse proxy adds: its visitors are strangers, though
# their connection comes from this machine.
RELAYED = ("x-forwarded", "forwarded", "via", "x-real-ip", "cf-")  # how they begin


@dataclass(frozen=True)
class Visitor:
    """One person at the page or the API, as far as handlers need to know.

    Attributes:
        language: one of ``words.LANGUAGES``.
        may_train: may start, stop and push runs on this machine.
    """

    language: str = words.DEFAULT_LANGUAGE
    may_train: bool = False


def visitor_of(request: gr.Request | None, settings: Settings) -> Visitor:
    """Who sent a request; nobody in particular where there is none."""
    if request is None:
        return Visitor()
    page = urlsplit(request.headers.get("referer", ""))
    language = language_for(page.query, request.headers)
    return Visitor(language, not settings.is_space and _sits_here(request))


def language_for(query: str, headers: Mapping[str, str]) -> str:
    """The language to speak: the page's address, else the cookie, else the browser.

    Args:
        query: of the page's address; ``lang=zh-TW`` is a choice.
        headers: of the request, keys in lower case.
    """
    cookie = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
    for wish in (*parse_qs(query).get("lang", []), cookie):
        if wish in words.LANGUAGES:
            return wish
    return words.language_of(headers.get("accept-language"))


def host_name(address: str | None) -> str:
    """The host of a ``Host`` header or of an origin, without port; "" if unclear."""
    address = address or ""
    try:
        return urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def _sits_here(request: gr.Request) -> bool:
    """The request was made on this machine, by a page of this machine."""
    headers: Mapping[str, str] = request.headers
    if any(name.startswith(RELAYED) for name in headers):
        return False
    if host_name(headers.get("host")) not in LOCAL_HOSTS:
        return False  # a foreign name that resolves to us: DNS rebinding
    if "origin" in headers and host_name(headers["origin"]) not in LOCAL_HOSTS:
        return False  # a foreign page that posts to us
    return request.client is not None and is_loopback(request.client.host)


def is_loopback(host: str) -> bool:
    """Whether an address of a connection is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
