"""Who is asking: their language, and whether they may change anything here.

The one question of permission, denied by default:

- On a computer of one's own: whoever sits at it. Anyone else, from another address or
  by a share link, needs the host's secret.
- On a Space: its owner, and members of its organisation who may write there, known by
  their Hugging Face login. Elsewhere Gradio only plays such a login: it counts for
  nothing there.

A cookie alone is not enough: what a foreign page sends along with it is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import gradio as gr
from starlette.requests import cookie_parser

import hub
import i18n
from errors import KnownError
from settings import Settings

LANGUAGE_COOKIE = "genrescope_language"
SECRET_COOKIE = "genrescope_key"  # noqa: S105 - its name
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# Headers that a share link or a reverse proxy adds: its visitors are strangers, though
# their connection comes from this machine.
RELAYED = ("x-forwarded", "forwarded", "via", "x-real-ip", "cf-")  # how they begin
ROLE_KEPT_S = 300.0
N_ROLES_KEPT = 1000
WRITING_ROLES = ("admin", "write")  # a contributor writes to what is their own only


@dataclass(frozen=True)
class Visitor:
    """One person at the page or the API, as far as handlers need to know.

    Attributes:
        language: one of ``i18n.LANGUAGES``.
        may_train: may change what others see: start, stop and push runs, fetch models,
            have songs read.
        is_signed_in: has signed in on a Space.
    """

    language: str = i18n.DEFAULT_LANGUAGE
    may_train: bool = False
    is_signed_in: bool = False


@dataclass(frozen=True)
class Account:
    """Whom a token belongs to.

    Attributes:
        name: of the user.
        writes_for: the organisations whose repositories they may write to.
    """

    name: str
    writes_for: frozenset[str] = frozenset()


def hub_account(token: str) -> Account:
    """Whom a token belongs to, as the Hub says now.

    Raises:
        KnownError: ``hub_unreachable``, also where the Hub does not know the token.
    """
    from huggingface_hub import HfApi

    told = hub.patiently(
        lambda tell: HfApi().whoami(token=token),
        patience_s=hub.PATIENCE_S,
        known=lambda error: KnownError("hub_unreachable", id="whoami"),
    )
    orgs = [org for org in told.get("orgs") or () if org.get("name")]
    writes = {org["name"] for org in orgs if org.get("roleInOrg") in WRITING_ROLES}
    return Account(told.get("name", ""), frozenset(writes))


class Members:
    """Who may change a Space: its owner, or who may write for that organisation.

    The Hub's answer, and its silence, count for five minutes. Tokens are not kept: an
    answer is found again by the token's hash.

    Args:
        owner: of the Space.
        account: asks the Hub whom a token belongs to.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        owner: str,
        account: Callable[[str], Account] = hub_account,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._owner = owner
        self._account = account
        self._clock = clock
        self._answers: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        self._lock = threading.Lock()

    def may_write(self, token: str) -> bool:
        """Whether the token's owner may write to this Space."""
        key = hashlib.sha256(token.encode()).digest()
        with self._lock:
            asked_at, answer = self._answers.get(key, (-ROLE_KEPT_S, False))
        if self._clock() - asked_at < ROLE_KEPT_S:
            return answer
        answer = self._ask(token)
        with self._lock:
            self._answers[key] = (self._clock(), answer)
            while len(self._answers) > N_ROLES_KEPT:
                self._answers.popitem(last=False)
        return answer

    def _ask(self, token: str) -> bool:
        try:
            account = self._account(token)
        except KnownError:
            return False
        return bool(self._owner) and self._owner in {account.name, *account.writes_for}


def visitor_of(
    request: gr.Request | None, settings: Settings, members: Members | None = None
) -> Visitor:
    """Who sent a request; nobody in particular where there is none.

    Args:
        request: as Gradio hands it over.
        settings: of this host.
        members: of the Space; without them nobody may change it.
    """
    if request is None:
        return Visitor()
    page = urlsplit(request.headers.get("referer", ""))
    language = language_for(page.query, request.headers)
    token = token_of(request) if settings.host.is_space else None
    may_train = _is_of_own_page(request.headers) and (
        bool(token and members and members.may_write(token))
        if settings.host.is_space
        else _sits_here(request) or knows_secret(request.headers, settings.secret)
    )
    return Visitor(language, may_train, is_signed_in=token is not None)


def token_of(request: gr.Request) -> str | None:
    """The Hub token of who has signed in on a Space, until it expires.

    Gradio keeps it in a cookie that it signs with the Space's own secret.
    """
    session = getattr(request.request, "scope", {}).get("session") or {}
    login = session.get("oauth_info") or {}
    is_valid = login.get("expires_at", 0) > time.time()
    return (login.get("access_token") or None) if is_valid else None


def key_of(secret: str) -> str:
    """What a browser keeps in place of the secret."""
    return hmac.new(secret.encode(), SECRET_COOKIE.encode(), "sha256").hexdigest()


def is_same(given: str, wanted: str) -> bool:
    """Compare in a time that tells nothing of how much was right."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def knows_secret(headers: Mapping[str, str], secret: str) -> bool:
    """Whether a request carries the host's secret, or what a browser keeps of it.

    Args:
        headers: of the request, keys in lower case.
        secret: "" where this host has none: then nobody knows it.
    """
    if not secret:
        return False
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    cookie = cookie_parser(headers.get("cookie", "")).get(SECRET_COOKIE, "")
    return is_same(bearer, secret) | is_same(cookie, key_of(secret))


def language_for(query: str, headers: Mapping[str, str]) -> str:
    """The language to speak: the page's address, else the cookie, else the browser.

    Args:
        query: of the page's address; ``lang=zh-TW`` is a choice.
        headers: of the request, keys in lower case.
    """
    cookie = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
    for wish in (*parse_qs(query).get("lang", []), cookie):
        if wish in i18n.LANGUAGES:
            return wish
    return i18n.language_of(headers.get("accept-language"))


def host_name(address: str | None) -> str:
    """The host of a ``Host`` header or of an origin, without port; "" if unclear."""
    address = address or ""
    try:
        return urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def _is_of_own_page(headers: Mapping[str, str]) -> bool:
    """No page of another site sent this: its visitor's cookies would come with it.

    Every browser of today says so itself, in a header that no page can change.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or host_name(origin) == host_name(headers.get("host"))


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
