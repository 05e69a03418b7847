"""Show visitors what this host cannot do for them, why, and how to get it."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

import i18n
from settings import Host, Settings
from ui.server import secret
from ui.server.access import Visitor
from ui.templates import paragraphs, render

SIGN_IN, SIGN_OUT = "login/huggingface", "logout"  # Gradio's own addresses


def notice(visitor: Visitor, settings: Settings) -> Markup:
    """Show all of it; "" where nothing is missing."""
    host, language = settings.host, visitor.language
    parts = [*_limits(host, language)]
    if not visitor.may_train:
        parts = [*_strangers(visitor, settings), *parts]
    if parts and host.space_id:
        parts.append(_link(_duplicate(host), "host.duplicate", language))
    if visitor.is_signed_in:
        parts.append(_link(SIGN_OUT, "host.sign_out", language))
    return paragraphs(parts)


def ways(visitor: Visitor, host: Host) -> Markup:
    """Link to where a stranger to this Space may do more; "" elsewhere."""
    links = []
    if host.has_login and not visitor.is_signed_in:
        links.append(_link(SIGN_IN, "host.sign_in", visitor.language))
    if host.space_id:
        links.append(_link(_duplicate(host), "host.duplicate", visitor.language))
    return paragraphs(links)


def _limits(host: Host, language: str) -> Iterator[str]:
    """Describe what the host lacks for anybody."""
    if host.kind == "cpu":
        yield i18n.word("host.cpu", language)
    if host.kind == "zero":
        yield i18n.word("host.zero", language)
    if host.lacks:
        yield i18n.word("host.bucket", language)
    elif not host.is_lasting:
        yield i18n.word("host.gone", language)


def _strangers(visitor: Visitor, settings: Settings) -> Iterator[str]:
    """Describe what a visitor may not do, and how they could."""
    host, language = settings.host, visitor.language
    if not host.is_space:
        key = "host.secret" if settings.secret else "host.elsewhere"
        yield i18n.word("host.key" if settings.is_key_of_start else key, language)
        if settings.secret:
            action = secret.PATH.lstrip("/")
            yield render("secret_form", language, action=action, field=secret.FIELD)
    elif not host.has_login:
        yield i18n.word("host.no_login", language)
    elif visitor.is_signed_in:
        yield i18n.word("host.not_a_member", language, owner=host.owner)
    else:
        yield i18n.word("host.members", language, owner=host.owner)
        yield _link(SIGN_IN, "host.sign_in", language)


def _duplicate(host: Host) -> str:
    return f"https://huggingface.co/spaces/{host.space_id}?duplicate=true"


def _link(address: str, key: str, language: str) -> Markup:
    return render("link", language, address=address, key=key)
