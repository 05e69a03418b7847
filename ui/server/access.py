"""Decide whether a request may change anything here: no, but for these.

- On a computer of one's own: who knows its secret. Without one of the host's own, that
  is the key of this start, in the address that the terminal prints. Only where the host
  trusts its whole machine does a request from there need neither.
- On a Space: its owner, and members of its organisation who may write there, known by
  their Hugging Face login. Elsewhere Gradio only plays such a login: it counts for
  nothing there.

A cookie alone is not enough: what a foreign page sends along with it is refused.
"""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import gradio as gr
from starlette.requests import cookie_parser

import i18n
from settings import Settings
from ui.server.hub_roles import Members
from ui.server.language import language_for

SECRET_COOKIE = "genrescope_key"  # noqa: S105 - its name
USUAL_PORTS = (80, 443)  # which addresses leave out
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# What else browsers of this machine call it.
OWN_NAMES = LOCAL_HOSTS | {"0.0.0.0", "::ffff:127.0.0.1", "::ffff:7f00:1"}  # noqa: S104
# Headers that a share link or a reverse proxy adds: its visitors are strangers, though
# their connection comes from this machine.
RELAYED = (  # how they begin
    "x-forwarded",
    "x_forwarded",
    "x-original-",
    "forwarded",
    "via",
    "x-real-ip",
    "cf-",
    "tailscale-",
)
RELAYED_FOR = "client-ip"  # how they end: true-client-ip, fly-client-ip ...


@dataclass(frozen=True)
class Visitor:
    """A person at the page or the API, as far as handlers need to know.

    Attributes:
        language: one of ``i18n.LANGUAGES``.
        may_train: may change what others see: start, stop and push runs, fetch models,
            have songs read.
        is_signed_in: has signed in on a Space.
    """

    language: str = i18n.DEFAULT_LANGUAGE
    may_train: bool = False
    is_signed_in: bool = False


def visitor_of(
    request: gr.Request | None, settings: Settings, members: Members | None = None
) -> Visitor:
    """Identify a request's visitor; without a request, nobody in particular.

    Args:
        request: as Gradio hands it over.
        settings: of this host.
        members: of the Space; without them nobody may change it.
    """
    if request is None:
        return Visitor()
    query = query_of(request.headers.get("referer", ""))
    language = language_for(query, request.headers)
    token = token_of(request) if settings.host.is_space else None
    may_train = _may_change(request, settings, members, token)
    return Visitor(language, may_train, is_signed_in=token is not None)


def _may_change(
    request: gr.Request,
    settings: Settings,
    members: Members | None,
    token: str | None,
) -> bool:
    """Decide by the rules at the top of this module.

    Args:
        request: as of ``visitor_of``.
        settings: as of ``visitor_of``.
        members: as of ``visitor_of``.
        token: of who has signed in on a Space.
    """
    if not _is_of_own_page(request.headers):
        return False
    if settings.host.is_space:
        return bool(token and members and members.may_write(token))
    if settings.secret:
        return knows_secret(request.headers, settings.secret)
    return settings.trusts_machine and _is_of_this_machine(request)


def token_of(request: gr.Request) -> str | None:
    """Return the Hub token of who has signed in on a Space, until it expires.

    Gradio keeps it in a cookie that it signs with the Space's own secret.
    """
    session = getattr(request.request, "scope", {}).get("session") or {}
    login = session.get("oauth_info") or {}
    is_valid = login.get("expires_at", 0) > time.time()
    return (login.get("access_token") or None) if is_valid else None


def cookie_of(host: str | None) -> str:
    """Name the cookie of a page: browsers share cookies between ports, servers do not."""
    port = (host or "").rpartition(":")[2]
    return f"{SECRET_COOKIE}_{port}" if port.isdecimal() else SECRET_COOKIE


def key_of(secret: str, expires_at: int) -> str:
    """Derive what a browser keeps in place of the secret, until a time (s since 1970)."""
    signed = f"{SECRET_COOKIE} {expires_at}".encode()
    return f"{expires_at}.{hmac.new(secret.encode(), signed, 'sha256').hexdigest()}"


def is_same(given: str, wanted: str) -> bool:
    """Compare in a time that does not depend on how much was right."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def knows_secret(headers: Mapping[str, str], secret: str) -> bool:
    """Check whether a request carries the host's secret, or a browser's key of it.

    Args:
        headers: of the request, keys in lower case.
        secret: "" where this host has none: then nobody knows it.
    """
    if not secret:
        return False
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    name = cookie_of(headers.get("host"))
    cookie = cookie_parser(headers.get("cookie", "")).get(name, "")
    return is_same(bearer, secret) | _is_valid(cookie, secret)


def _is_valid(key: str, secret: str) -> bool:
    """Check that a browser's key was made here, and is not too old."""
    expires_at = key.partition(".")[0]
    if not (expires_at.isascii() and expires_at.isdecimal()) or len(expires_at) > 12:
        return False
    is_made_here = is_same(key, key_of(secret, int(expires_at)))
    return is_made_here and int(expires_at) > time.time()


def query_of(address: str) -> str:
    """Return the query of an address; "" where that is none."""
    try:
        return urlsplit(address).query
    except ValueError:
        return ""


def host_name(address: str | None) -> str:
    """Return the host of a ``Host`` header or an origin, without port; "" if unclear."""
    address = address or ""
    try:
        name = urlsplit(address if "//" in address else f"//{address}").hostname or ""
        return name.removesuffix(".")
    except ValueError:
        return ""


def _is_of_own_page(headers: Mapping[str, str]) -> bool:
    """Check that no page of another site sent this: cookies would come with it.

    Every browser of today reports that itself, in a header that no page can change.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or place(origin) == place(headers.get("host", ""))


def place(address: str) -> tuple[str, int | None]:
    """Return the host and the port of an origin or a ``Host`` header."""
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        port = parts.port
    except ValueError:
        return "", 0
    return host_name(address), None if port in USUAL_PORTS else port


def _is_of_this_machine(request: gr.Request) -> bool:
    """Check that the request was made on this machine, by a page of this machine.

    A relay on this machine that adds no header cannot be told from that.
    """
    headers: Mapping[str, str] = request.headers
    if is_relayed(headers):
        return False
    if host_name(headers.get("host")) not in OWN_NAMES:
        return False  # a foreign name that resolves to us: DNS rebinding
    if "origin" in headers and host_name(headers["origin"]) not in OWN_NAMES:
        return False  # a foreign page that posts to us
    return request.client is not None and is_loopback(request.client.host)


def is_relayed(headers: Mapping[str, str]) -> bool:
    """Check for what a share link or a reverse proxy adds to a request."""
    return any(
        name.startswith(RELAYED) or name.endswith(RELAYED_FOR) for name in headers
    )


def is_loopback(host: str) -> bool:
    """Check whether an address of a connection is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
